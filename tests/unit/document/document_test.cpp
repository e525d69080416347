#include "document/document.hpp"

#include <libpod/error.hpp>

#include "document/tree.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

using pod::ErrorCode;
using pod::document::detect;
using pod::document::Edge;
using pod::document::Format;
using pod::document::Graph;
using pod::document::Kind;
using pod::document::read;
using pod::document::Tree;
using pod::document::Value;

namespace {

const std::filesystem::path fixtures = std::filesystem::path(TEST_DATA) / "localstack-persist";

std::string content(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  REQUIRE(stream);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string_view operator""_b(const char* text, std::size_t size) { return {text, size}; }

}  // namespace

TEST_CASE("the first bytes say what a file is") {
  CHECK(detect("\x80\x04\x95"_b) == Format::pickle);
  CHECK(detect("(dp0\n."_b) == Format::pickle);
  CHECK(detect("p\x80\x04\x95"_b) == Format::tagged_pickle);
  CHECK(detect("d\x80\x03}"_b) == Format::tagged_pickle);
  CHECK(detect("SQLite format 3\0\x10\0"_b) == Format::sqlite);
  CHECK(detect(" {\n \"a\": 1}") == Format::json);
  CHECK(detect("[]") == Format::json);
  CHECK(detect("\xef\xbb\xbf{}") == Format::json);
  CHECK(detect("{\"v\": 1, \"data\": { \"py/object\": \"a.B\"}}") == Format::jsonpickle);
  CHECK(detect("{\"text\": \"says \\\"py/object\\\"\"}") == Format::json);
  for (const std::string_view other : {""_b, "hello"_b, "PK\x03\x04"_b, "{not json"_b, "[section]\nkey=1"_b, "p"_b,
                                       "data"_b, "SQLite format 4\0"_b, "\x80"_b, "\x80\x09"_b,
                                       "\x7f"
                                       "ELF"_b,
                                       "---\nyaml: true\n"_b, "<html>"_b})
    CHECK_MESSAGE(detect(other) == Format::opaque, std::string(other));
}

TEST_CASE("formats have names") {
  CHECK(pod::document::format_name(Format::tagged_pickle) == "pickle");
  CHECK(pod::document::format_name(Format::jsonpickle) == "jsonpickle");
  CHECK(pod::document::format_name(Format::opaque) == "opaque");
}

TEST_CASE("what is in no format is not read") {
  try {
    read("hello", Format::opaque, "notes.txt");
    FAIL("it was read");
  } catch (const pod::Error& error) {
    CHECK(error.code() == ErrorCode::unsupported);
  }
}

TEST_CASE("a file that is not what it looks like is corrupt") {
  for (const Format format : {Format::pickle, Format::tagged_pickle, Format::json, Format::jsonpickle, Format::sqlite})
    for (const std::string_view text : {""_b, "\x80\x04"_b, "p\x80\x04"_b, "{\"py/id\":"_b, "SQLite format 3\0"_b}) {
      INFO(std::string(pod::document::format_name(format)));
      try {
        read(std::string(text), format, "state");
        FAIL("it was read");
      } catch (const pod::Error& error) {
        CHECK(error.code() == ErrorCode::corrupt);
      }
    }
}

TEST_CASE("LocalStack's state reads alike from its pickles and from its jsonpickle") {
  const auto queue = [](const char* folder, const char* name) {
    std::string file = content(fixtures / folder / name);
    const Format format = detect(file);
    const Graph graph = read(std::move(file), format, name);
    const Tree tree(graph);
    std::map<std::string, std::string> out;
    const auto found = tree.find("/000000000000/us-east-1/@attr_queues/test-queue");
    REQUIRE(found);
    for (const char* attribute : {"/@name", "/@region", "/@account_id", "/@attributes/DelaySeconds",
                                  "/@attributes/QueueArn", "/@visible/@queue"}) {
      const auto value = tree.find(tree.path(*found) + attribute);
      REQUIRE_MESSAGE(value, attribute);
      out[attribute] = tree.subtree_digest(*value);
    }
    CHECK(*tree.find("/@lock") == *tree.find("/000000000000/@lock"));
    return out;
  };
  CHECK(queue("v4", "sqs/store.json") == queue("v4_binary", "sqs/store.pkl"));
}

TEST_CASE("every file of LocalStack's is recognised, read, and its paths read back") {
  std::map<Format, int> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(fixtures)) {
    const auto extension = entry.path().extension();
    if (extension != ".json" && extension != ".pkl" && extension != ".db") continue;
    INFO(entry.path().string());
    std::string file = content(entry.path());
    const Format format = detect(file);
    ++files[format];
    const Graph graph = read(std::move(file), format, entry.path().filename().string());
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
  CHECK(files == std::map<Format, int>{{Format::tagged_pickle, 13}, {Format::jsonpickle, 13}, {Format::sqlite, 3}});
}
