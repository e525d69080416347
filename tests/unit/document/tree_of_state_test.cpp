// Trees of what real emulators wrote.
#include "document/document.hpp"
#include "document/pickle.hpp"
#include "document/tree.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

using pod::document::Edge;
using pod::document::Graph;
using pod::document::Tree;
using pod::document::Value;

namespace {

Graph state(const std::string& name) {
  std::ifstream stream(std::filesystem::path(TEST_DATA) / "states" / name, std::ios::binary);
  REQUIRE(stream);
  return pod::document::read_pickle({std::istreambuf_iterator<char>(stream), {}}, name);
}

/// Every path, and where the node is at home if that is another one.
std::map<std::string, std::string> homes(const Tree& tree) {
  std::map<std::string, std::string> out;
  std::vector<Value> todo{tree.root()};
  while (!todo.empty()) {
    const Value value = todo.back();
    todo.pop_back();
    tree.edges(value, [&](const Edge& edge) {
      const std::string path = tree.path(value, edge);
      const auto found = tree.find(path);
      CHECK_MESSAGE((found && *found == edge.target), path << " does not read back");
      const bool reference = tree.is_reference(value, edge);
      out[path] = reference ? tree.path(edge.target) : "";
      if (!reference && !tree.is_leaf(edge.target)) todo.push_back(edge.target);
      return true;
    });
  }
  return out;
}

std::string text_at(const Tree& tree, std::string_view path) {
  const auto value = tree.find(path);
  REQUIRE_MESSAGE(value, std::string(path));
  return std::string(tree.graph().text(*value));
}

}  // namespace

TEST_CASE("what is added to an emulator moves no path of what was there") {
  const std::pair<const char*, std::vector<std::string>> files[] = {
      {"sqs.state", {"/queues/orders", "/queues/orders-dlq"}},
      {"s3.state", {"/buckets/pictures"}},
      {"dynamodb.state", {"/tables/orders"}},
  };
  for (const auto& entry : files) {
    const std::string file = entry.first;
    const std::vector<std::string>& resources = entry.second;
    INFO(file);
    const Graph before_graph = state("before/" + file);
    const Graph after_graph = state("after/" + file);
    const Tree before(before_graph);
    const Tree after(after_graph);
    const auto after_homes = homes(after);
    std::size_t paths = 0;
    for (const auto& entry_before : homes(before)) {
      const std::string& path = entry_before.first;
      const auto& home = entry_before.second;
      ++paths;
      const auto found = after_homes.find(path);
      CHECK_MESSAGE(found != after_homes.end(), path << " is gone");
      if (found != after_homes.end()) CHECK_MESSAGE(found->second == home, path << " moved");
    }
    CHECK(paths > 50);
    CHECK(after_homes.size() > paths + 20);
    for (const std::string& resource : resources) {
      REQUIRE(before.find(resource));
      CHECK(before.subtree_digest(*before.find(resource)) == after.subtree_digest(*after.find(resource)));
    }
    CHECK(before.subtree_digest(before.root()) != after.subtree_digest(after.root()));
  }
}

TEST_CASE("resources lie where a person looks for them") {
  const Graph sqs = state("after/sqs.state");
  const Tree queues(sqs);
  CHECK(text_at(queues, "/queues/orders/@_messages/1/@body") == "message 1");
  CHECK(queues.path(*queues.find("/queues/orders/@dead_letter_queue")) == "/queues/orders-dlq");
  CHECK(queues.item_count(*queues.find("/queues")) == 3);

  const Graph s3 = state("after/s3.state");
  const Tree buckets(s3);
  CHECK(buckets.item_count(*buckets.find("/buckets/pictures/@keys")) == 2);
  CHECK(buckets.item_count(*buckets.find("/buckets/pictures/@keys/a~2f1.png")) == 2);
  CHECK(sqs.integer(*queues.find("/queues/orders/@_messages/0/@approximate_receive_count")) == 0);
  CHECK(s3.bytes(*buckets.find("/buckets/pictures/@keys/a~2f1.png/1/&set_key")) == "yyyyyyyyyyyy");

  const Graph dynamodb = state("after/dynamodb.state");
  const Tree tables(dynamodb);
  CHECK(text_at(tables, "/tables/orders/@items/=S:o1/=N:1/@attrs/id/@value") == "o1");
  CHECK(tables.item_count(*tables.find("/tables/orders/@items")) == 3);
}

TEST_CASE("what is written of a state has the same tree") {
  for (const char* file : {"after/sqs.state", "after/s3.state", "after/dynamodb.state"}) {
    const Graph read = state(file);
    const Graph written = pod::document::read_pickle(pod::document::write_pickle(read), file);
    const Tree one(read);
    const Tree other(written);
    CHECK(homes(one) == homes(other));
    CHECK(one.subtree_digest(one.root()) == other.subtree_digest(other.root()));
  }
}
