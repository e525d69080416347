// The metamodel of real state: moto's, LocalStack's, a real pod's. Golden models in tests/golden/metamodel; with
// UPDATE_GOLDEN=1 they are written instead.
#include "document/document.hpp"
#include "document/values.hpp"
#include "metamodel/metamodel.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

namespace fs = std::filesystem;
using pod::Resource;
using pod::StatePath;
using pod::document::Edge;
using pod::document::Graph;
using pod::document::Kind;
using pod::document::Tree;
using pod::document::Value;
using pod::metamodel::Place;
using pod::metamodel::Rules;

namespace {

const fs::path data = TEST_DATA;
const fs::path golden = data.parent_path() / "golden" / "metamodel";

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Read {
  StatePath path;
  Place place;
  std::unique_ptr<Graph> graph;
  std::unique_ptr<Tree> tree;
  pod::StateReading reading;
};

Read read(const fs::path& root, const std::string& path) {
  const StatePath state = StatePath::parse(path);
  Read read{state, pod::metamodel::place_of(state), nullptr, nullptr, {.path = state}};
  std::string content = content_of(root / path);
  REQUIRE_FALSE(content.empty());
  read.reading.bytes = content.size();
  const auto format = pod::document::detect(std::string_view(content).substr(0, 4096));
  read.reading.format = pod::document::format_name(format);
  read.reading.digest = std::string(64, '0');  // the canonical digest is its own test's
  read.graph = std::make_unique<Graph>(pod::document::read(std::move(content), format, path));
  read.tree = std::make_unique<Tree>(*read.graph);
  auto model = pod::metamodel::extract(*read.tree, read.place);
  read.reading.resources = std::move(model.resources);
  read.reading.unmapped = std::move(model.unmapped);
  return read;
}

/// One resource a line, so that a difference can be read; without digests, which are the document's to test.
std::string lines_of(pod::StateReading reading) {
  for (Resource& resource : reading.resources) resource.digest = std::string(32, '0');
  std::string text = pod::metamodel::encode(reading, 1);
  for (std::size_t at = 0; (at = text.find("},\"", at)) != std::string::npos;) text.insert(at += 2, "\n");
  return text;
}

std::vector<std::string> state_files(const fs::path& root) {
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root))
    if (entry.is_regular_file() && (entry.path().extension() == ".state" || entry.path().extension() == ".json" ||
                                    entry.path().extension() == ".pkl" || entry.path().extension() == ".db"))
      files.push_back(entry.path().lexically_relative(root).generic_string());
  std::sort(files.begin(), files.end());
  return files;
}

void check_golden(const std::string& name, const std::string& lines) {
  const fs::path file = golden / (name + ".txt");
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    fs::create_directories(golden);
    std::ofstream(file, std::ios::binary) << lines;
    return;
  }
  CAPTURE(name);
  CHECK(content_of(file) == lines);
}

/// Every leaf of the tree that is a secret.
std::vector<std::string> secrets_of(const Read& read) {
  std::vector<std::string> secrets;
  std::vector<Value> open{read.tree->root()};
  while (!open.empty()) {
    const Value value = open.back();
    open.pop_back();
    const auto name = pod::document::class_of(*read.graph, value);
    read.tree->edges(value, [&](const Edge& edge) {
      if (edge.target.kind() == Kind::text || edge.target.kind() == Kind::bytes) {
        const std::string_view text = read.graph->bytes(edge.target);
        const std::string path = read.tree->path(value, edge);
        if (text.size() >= 8 && Rules::built_in().is_secret({.service = read.place.service,
                                                             .class_name = name ? name->name : std::string_view{},
                                                             .path = path,
                                                             .text = text,
                                                             .leaf = true}))
          secrets.emplace_back(text);
      } else if (edge.target.is_node() && !read.tree->is_reference(value, edge)) {
        open.push_back(edge.target);
      }
      return true;
    });
  }
  return secrets;
}

const Resource* find(const pod::StateReading& reading, std::string_view type, std::string_view id) {
  for (const Resource& resource : reading.resources)
    if (resource.type == type && resource.id == id) return &resource;
  return nullptr;
}

std::uint64_t count(const Resource& resource, std::string_view name) {
  for (const auto& [known, value] : resource.counts)
    if (known == name) return value;
  return ~std::uint64_t{0};
}

}  // namespace

TEST_CASE("the models of moto's state are those of the golden files") {
  const fs::path root = data / "state";
  const auto files = state_files(root);
  CHECK(files.size() == 30);
  for (const std::string& file : files) {
    const Read state = read(root, file);
    CAPTURE(file);
    CHECK_FALSE(state.reading.resources.empty());
    check_golden(state.place.service, lines_of(state.reading));
    CHECK(pod::metamodel::encode(pod::metamodel::decode(pod::metamodel::encode(state.reading, 1), state.path).reading,
                                 1) == pod::metamodel::encode(state.reading, 1));
  }
}

TEST_CASE("the models of LocalStack's state are those of the golden files") {
  for (const char* version : {"v4", "v4_binary"}) {
    std::string all;
    const fs::path root = data / "localstack-persist" / version;
    for (const std::string& file : state_files(root)) all += file + "\n" + lines_of(read(root, file).reading);
    check_golden(std::string("localstack-") + version, all);
  }
}

TEST_CASE("a resource has the same path, of whatever format the file is") {
  const Read json = read(data / "localstack-persist" / "v4", "sqs/store.json");
  const Read pickle = read(data / "localstack-persist" / "v4_binary", "sqs/store.pkl");
  REQUIRE(json.reading.resources.size() == 1);
  REQUIRE(pickle.reading.resources.size() == 1);
  CHECK(json.reading.resources[0].path == "/000000000000/us-east-1/@attr_queues/test-queue");
  CHECK(pickle.reading.resources[0].path == json.reading.resources[0].path);
  const auto without_time = [](std::vector<std::pair<std::string, std::string>> attributes) {
    std::erase_if(attributes, [](const auto& attribute) { return attribute.first == "created"; });
    return attributes;
  };
  CHECK(without_time(pickle.reading.resources[0].attributes) == without_time(json.reading.resources[0].attributes));
  CHECK(pickle.reading.resources[0].attributes.size() > 2);
}

TEST_CASE("items are counted through hash and range keys, objects through their versions") {
  const Read tables = read(data / "state", "api_states/123456789012/dynamodb/us-east-1/backend.state");
  const Resource* orders = find(tables.reading, "table", "world-orders");
  REQUIRE(orders != nullptr);
  CHECK(count(*orders, "items") == 10);
  const Read buckets = read(data / "state", "api_states/123456789012/s3/global/backend.state");
  const Resource* large = find(buckets.reading, "bucket", "world-large");
  REQUIRE(large != nullptr);
  CHECK(count(*large, "objects") == 4);
  CHECK(large->bytes == 15734760);
}

TEST_CASE("no secret stands in a model") {
  std::size_t seen = 0;
  const auto check = [&](const fs::path& root, const std::string& file) {
    const Read state = read(root, file);
    const std::string model = pod::metamodel::encode(state.reading, 1);
    for (const std::string& secret : secrets_of(state)) {
      ++seen;
      CAPTURE(file);
      CHECK_MESSAGE(model.find(secret) == std::string::npos, secret.substr(0, 40));
    }
    // What the world was seeded with.
    for (const char* secret :
         {"not-a-secret-1", "Not-a-secret-2", "BEGIN PRIVATE KEY", "BEGIN RSA PRIVATE KEY", "\"password\":\"p\""})
      CHECK(model.find(secret) == std::string::npos);
  };
  for (const std::string& file : state_files(data / "state")) check(data / "state", file);
  for (const char* version : {"v4", "v4_binary"})
    for (const std::string& file : state_files(data / "localstack-persist" / version))
      check(data / "localstack-persist" / version, file);
  CHECK(seen > 40);
}
