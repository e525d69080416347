#include "document/json_reader.hpp"

#include <libpod/error.hpp>

#include "document/document.hpp"
#include "document/tree.hpp"
#include "document/values.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

using pod::ErrorCode;
using pod::document::class_of;
using pod::document::Edge;
using pod::document::Graph;
using pod::document::Kind;
using pod::document::read_jsonpickle;
using pod::document::Tree;
using pod::document::Value;

namespace {

const std::filesystem::path fixtures = std::filesystem::path(TEST_DATA) / "localstack-persist";

std::string content(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  REQUIRE(stream);
  return {std::istreambuf_iterator<char>(stream), {}};
}

Graph jsonpickle(std::string text) { return read_jsonpickle(std::move(text), "store.json"); }

ErrorCode refusal(std::string text) {
  try {
    jsonpickle(std::move(text));
  } catch (const pod::Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

std::string class_at(const Tree& tree, std::string_view path) {
  const auto value = tree.find(path);
  if (!value) return "nothing";
  const auto name = class_of(tree.graph(), *value);
  return name ? std::string(name->module) + ":" + std::string(name->name) : "no class";
}

}  // namespace

TEST_CASE("an object of jsonpickle is an object with its class and its attributes") {
  const Graph graph = jsonpickle(
      R"({"py/object": "shop.models.Queue", "name": "orders", "tags": {"py/tuple": [1, 2]}, "seen": {"py/set": ["a"]}})");
  const Tree tree(graph);
  CHECK(graph.root().kind() == Kind::object);
  CHECK(class_at(tree, "") == "shop.models:Queue");
  CHECK(graph.text(*tree.find("/@name")) == "orders");
  CHECK(tree.find("/@tags")->kind() == Kind::tuple);
  CHECK(tree.find("/@seen")->kind() == Kind::set);
  CHECK(tree.edge_count(tree.root()) == 3);
}

TEST_CASE("references mean what jsonpickle numbers: lists, dicts, objects and calls, not tuples and sets") {
  const Graph graph = jsonpickle(
      R"([{"py/tuple": [[], {"py/set": []}]}, {"py/object": "a.A", "x": {}}, {"py/reduce": [{"py/type": "a.E"}, {"py/tuple": ["v"]}]},
                                    {"py/id": 0}, {"py/id": 1}, {"py/id": 2}, {"py/id": 3}, {"py/id": 4}])");
  const Tree tree(graph);
  const auto at = [&](const char* path) { return *tree.find(path); };
  CHECK(at("/3") == graph.root());
  CHECK(at("/4") == at("/0/0"));
  CHECK(at("/5") == at("/1"));
  CHECK(at("/6") == at("/1/@x"));
  CHECK(at("/7") == at("/2"));
}

TEST_CASE("a state, a reduce, new arguments, a sequence and a subclass of dict become what a pickle holds") {
  const Graph graph = jsonpickle(R"([
    {"py/object": "a.Stated", "py/state": {"x": 1}},
    {"py/reduce": [{"py/type": "collections.OrderedDict"}, {"py/tuple": []}, null, null, {"py/tuple": [{"py/tuple": ["k", [7]]}]}]},
    {"py/object": "a.Made", "py/newargs": {"py/tuple": ["given"]}, "y": 2},
    {"py/object": "a.MyList", "py/seq": ["e0", "e1"]},
    {"py/object": "a.MyDict", "k1": "v1", "__dict__": {"z": 3}},
    {"py/reduce": ["py/newobj", {"py/tuple": [{"py/type": "a.Outer.Inner"}, 5]}, {"w": 4}]},
    {"py/b64": "AAH/"}, {"py/b85": "009C"}, {"py/function": "a.f"},
    {"json://{\"py/tuple\": [1, 2]}": "by tuple", "plain": "by text"},
    {"py/object": "uuid.UUID", "hex": "00000000000000000000000000000102"},
    {"py/object": "datetime.datetime", "isoformat": "2025-10-05T18:28:05.832335-03:30"},
    {"py/object": "datetime.datetime", "__reduce__": [{"py/type": "datetime.datetime"}, ["B+kKBRIcBQyzTw=="]]}])");
  const Tree tree(graph);
  CHECK(graph.integer(*tree.find("/0/@x")) == 1);
  CHECK(graph.integer(*tree.find("/1/k/0")) == 7);
  CHECK(graph.text(*tree.find("/2/!0")) == "given");
  CHECK(graph.integer(*tree.find("/2/@y")) == 2);
  CHECK(graph.text(*tree.find("/3/1")) == "e1");
  CHECK(graph.text(*tree.find("/4/k1")) == "v1");
  CHECK(graph.integer(*tree.find("/4/@z")) == 3);
  CHECK(class_at(tree, "/5") == "a:Outer.Inner");
  CHECK(graph.integer(*tree.find("/5/!0")) == 5);
  CHECK(graph.integer(*tree.find("/5/@w")) == 4);
  CHECK(graph.bytes(*tree.find("/6")) == std::string_view("\0\1\xff", 3));
  CHECK(graph.bytes(*tree.find("/7")) == std::string_view("\0\1\2", 3));
  CHECK(tree.find("/8")->kind() == Kind::global);
  CHECK(graph.text(*tree.find("/9/plain")) == "by text");
  CHECK(tree.edge_count(*tree.find("/9")) == 2);
  const auto bytes_of = [&](const char* path) {
    return graph.bytes(graph.arguments(graph.arguments(*tree.find(path))[1])[0]);
  };
  CHECK(bytes_of("/11") == std::string_view("\x07\xe9\x0a\x05\x12\x1c\x05\x0c\xb3\x4f", 10));
  CHECK(bytes_of("/12") == std::string_view("\x07\xe9\x0a\x05\x12\x1c\x05\x0c\xb3\x4f", 10));
}

TEST_CASE("named tuples, default dicts and results that hold themselves read as jsonpickle means them") {
  const Graph graph = jsonpickle(R"([
    {"py/object": "a.Pair", "py/newargs": {"py/tuple": [{}, 5]}, "py/seq": [{"py/id": 2}, 5]},
    {"py/object": "collections.defaultdict", "k": ["v"], "default_factory": {"py/type": "builtins.list"}},
    {"py/reduce": [{"py/type": "collections.OrderedDict"}, {"py/tuple": []}, null, null, {"py/tuple": [{"py/tuple": ["self", {"py/id": 5}]}]}]}])");
  const Tree tree(graph);
  CHECK(tree.edge_count(*tree.find("/0")) == 2);
  CHECK(graph.integer(*tree.find("/0/!1")) == 5);
  CHECK(graph.text(*tree.find("/1/k/0")) == "v");
  CHECK(tree.find("/1")->kind() == Kind::call);
  CHECK(*tree.find("/2/self") == *tree.find("/2"));
}

TEST_CASE("jsonpickle that makes no sense is corrupt, and nothing of it is run") {
  for (const char* text :
       {R"([{"py/id": 1}])", R"([{"py/id": -1}])", R"([{"py/id": "0"}])", R"({"py/tuple": 5})", R"({"py/reduce": []})",
        R"({"py/reduce": ["os.system", {"py/tuple": ["x"]}]})", R"({"py/object": 5})", R"({"py/b64": "A"})",
        R"({"py/reduce": ["py/newobj", {"py/tuple": []}]})", R"({"py/object": "a.A", "py/newargsex": [1]})",
        R"({"py/object": "a.A", "py/newargs": {"py/tuple": [{"py/id": 0}]}})"})
    CHECK_MESSAGE(refusal(text) == ErrorCode::corrupt, text);
  const Graph graph = jsonpickle(R"text({"py/repr": "os/os.system('x')"})text");
  CHECK(graph.root().kind() == Kind::call);
}

TEST_CASE("a million levels and shared arguments are refused") {
  std::string deep;
  for (int at = 0; at < 300'000; ++at) deep += "{\"py/tuple\":[";
  CHECK(refusal(deep) == ErrorCode::refused);
  // 20,000 calls with the same 20,000 arguments.
  std::string wide = R"([{"py/reduce":[{"py/type":"a.b"},[0)";
  for (int at = 0; at < 20'000; ++at) wide += ",0";
  wide += "]]}";
  for (int at = 0; at < 20'000; ++at) wide += R"(,{"py/reduce":[{"py/type":"a.b"},{"py/id":2}]})";
  CHECK(refusal(wide + "]") == ErrorCode::refused);
}

TEST_CASE("the state of LocalStack reads as the objects that its pickles hold") {
  const Graph graph = jsonpickle(content(fixtures / "v4/sqs/store.json"));
  const Tree tree(graph);
  CHECK(class_at(tree, "") == "localstack.services.stores:AccountRegionBundle");
  CHECK(class_at(tree, "/000000000000/us-east-1") == "localstack.services.sqs.models:SqsStore");
  const auto queue = tree.find("/000000000000/us-east-1/@attr_queues/test-queue");
  REQUIRE(queue);
  CHECK(graph.text(*tree.find("/000000000000/us-east-1/@attr_queues/test-queue/@attributes/VisibilityTimeout")) ==
        "30");
  // What the emulator shares is one thing here too.
  CHECK(*tree.find("/000000000000/us-east-1/@_global") == *tree.find("/000000000000/@_global"));
  CHECK(*tree.find("/@_universal") == *tree.find("/000000000000/@_universal"));
  CHECK(*tree.find("/@lock") == *tree.find("/000000000000/@lock"));
  CHECK(tree.path(*tree.find("/000000000000/@_universal")) == "/@_universal");
}

TEST_CASE("every jsonpickle of LocalStack is read, and every path in it reads back") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(fixtures / "v4")) {
    if (entry.path().extension() != ".json") continue;
    ++files;
    INFO(entry.path().string());
    const std::string text = content(entry.path());
    CHECK(pod::document::detect(text) == pod::document::Format::jsonpickle);
    const Graph graph = jsonpickle(text);
    const Tree tree(graph);
    std::vector<Value> todo{tree.root()};
    while (!todo.empty()) {
      const Value value = todo.back();
      todo.pop_back();
      tree.edges(value, [&](const Edge& edge) {
        const auto found = tree.find(tree.path(value, edge));
        CHECK((found && *found == edge.target));
        if (!tree.is_reference(value, edge) && !tree.is_leaf(edge.target)) todo.push_back(edge.target);
        return true;
      });
    }
  }
  CHECK(files == 13);
}
