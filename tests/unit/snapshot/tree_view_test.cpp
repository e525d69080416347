#include "snapshot/snapshot_world.hpp"

#include <doctest/doctest.h>

using namespace pod::snapshot;
using namespace pod::snapshot::test;
namespace base = pod::base;
namespace git = pod::git;
using pod::ErrorCode;
using pod::FileChange;
using pod::Oid;
using pod::Snapshot;
using pod::StatePath;

namespace {

Snapshot snapshot_of(World& world, const Oid& tree) {
  return Snapshot(std::make_shared<const TreeView>(world.repository.objects(), tree));
}

std::optional<ErrorCode> code_of(const std::function<void()>& action) {
  const auto error = error_of(action);
  return error ? std::optional(error->code()) : std::nullopt;
}

}  // namespace

TEST_CASE("files come back sorted by path, with their sizes and modes") {
  World world;
  const Oid tree = world.build([&](TreeBuilder& builder) {
    add(builder, "b/z", "123");
    add(builder, "b.a", "1", 0755);
    add(builder, "a", "");
  });
  const auto files = world.view(tree).files();
  REQUIRE(files.size() == 3);
  CHECK(files[0].path.str() == "a");
  CHECK(files[0].size == 0);
  CHECK(files[1].path.str() == "b.a");
  CHECK(files[1].mode == 0755);
  CHECK(files[2].path.str() == "b/z");
  CHECK(files[2].size == 3);
}

TEST_CASE("a file is found by its path, and only a file") {
  World world;
  const TreeView view = world.view(world.build([&](TreeBuilder& builder) { add(builder, "a/b/.git", "x"); }));
  CHECK(view.find(StatePath::parse("a/b/.git")).value().size == 1);
  for (const char* path : {"a", "a/b", "a/b/c", "a/b/.git/x", "x", ".pod/info.json", "%2Epod", "a/b/%2Egit"})
    CHECK_FALSE(view.find(StatePath::parse(path)));
}

TEST_CASE("what .pod says does not count as state") {
  World world;
  const auto fill = [](TreeBuilder& builder) { add(builder, "a", "1"); };
  const Oid one = world.build(fill, {1, {"moto", "5.2.1", "3.11"}, {"s3"}, {}, {}});
  const Oid other = world.build(fill, {});
  const Oid third = world.build([](TreeBuilder& builder) { add(builder, "a", "2"); });
  CHECK(one != other);
  CHECK(same_state(*world.repository.objects(), one, other));
  CHECK_FALSE(same_state(*world.repository.objects(), one, third));
}

TEST_CASE("a snapshot reads whole files, in pieces, and refuses too large ones") {
  World world;
  const std::string large = git::test::noise(3 << 20);
  const Snapshot snapshot =
      snapshot_of(world, world.build([&](TreeBuilder& builder) { add(builder, "large", large); }));
  CHECK(snapshot.read(StatePath::parse("large")) == large);
  std::string pieces;
  snapshot.read(StatePath::parse("large"), [&](std::span<const std::byte> piece) { pieces += base::text_of(piece); });
  CHECK(pieces == large);
  CHECK(code_of([&] { snapshot.read(StatePath::parse("large"), 1000); }) == ErrorCode::refused);
  CHECK(code_of([&] { snapshot.read(StatePath::parse("none")); }) == ErrorCode::not_found);
}

TEST_CASE("services come from the info, or from the files") {
  World world;
  const auto fill = [](TreeBuilder& builder) {
    add(builder, "api_states/000000000000/sqs/us-east-1/backend.state", "1");
    add(builder, "assets/s3/x", "1");
    add(builder, "assets/not-a-service", "1");
    add(builder, "README", "1");
  };
  CHECK(snapshot_of(world, world.build(fill)).services() == std::vector<std::string>{"s3", "sqs"});
  CHECK(snapshot_of(world, world.build(fill, {1, {}, {"sqs"}, {}, {}})).services() == std::vector<std::string>{"sqs"});
}

TEST_CASE("a difference names what was added, removed and changed, sorted") {
  World world;
  const Snapshot from = snapshot_of(world, world.build(
                                               [](TreeBuilder& builder) {
                                                 add(builder, "same/x", "1");
                                                 add(builder, "gone/a/b", "12");
                                                 add(builder, "changed", "1");
                                                 add(builder, "mode", "1", 0644);
                                                 add(builder, "turned", "a file");
                                                 add(builder, ".git", "odd");
                                               },
                                               {1, {"moto", "", ""}, {}, {}, {}}));
  const Snapshot to = snapshot_of(world, world.build([](TreeBuilder& builder) {
    add(builder, "same/x", "1");
    add(builder, "changed", "123");
    add(builder, "mode", "1", 0755);
    add(builder, "turned/into", "a folder");
    add(builder, "new", "");
  }));
  std::vector<std::string> lines;
  for (const FileChange& change : diff(from, to))
    lines.push_back("+-~"[static_cast<int>(change.kind)] + change.path.str() + " " + std::to_string(change.old_size) +
                    " " + std::to_string(change.new_size));
  CHECK(lines == std::vector<std::string>{"-.git 3 0", "~changed 1 3", "-gone/a/b 2 0", "~mode 1 1", "+new 0 0",
                                          "-turned 6 0", "+turned/into 0 8"});
  CHECK(diff(from, from).empty());
  CHECK(diff(to, from).size() == 7);
}

TEST_CASE("the service of a path") {
  const auto service = [](const char* path) { return std::string(pod::service_of(StatePath::parse(path))); };
  CHECK(service("api_states/0/s3/global/backend.state") == "s3");
  CHECK(service("assets/lambda/x") == "lambda");
  CHECK(service("assets/lambda") == "");
  CHECK(service("api_states/0/s3") == "");
  CHECK(service("metadata.yaml") == "");
}

TEST_CASE("empty folders come back") {
  World world;
  const TreeView view = world.view(world.build([](TreeBuilder& builder) {
    builder.add_empty_folder(StatePath::parse("b/.git/\xff"));
    builder.add_empty_folder(StatePath::parse("a"));
    builder.add_empty_folder(StatePath::parse("b"));
  }));
  REQUIRE(view.empty_folders().size() == 2);
  CHECK(view.empty_folders()[0].str() == "a");
  CHECK(view.empty_folders()[1].str() == "b/.git/\xff");
}

TEST_CASE("a tree that no snapshot has is refused when it is read") {
  World world;
  const Oid blob = world.blob("x");
  const Oid folder = world.raw_tree({{"f", 0100644, blob}});
  const auto read = [&](const std::vector<git::TreeEntry>& entries) {
    const Oid tree = world.raw_tree(entries);
    return code_of([&] { world.view(tree).files(); });
  };
  CHECK(read({{"link", 0120000, blob}}) == ErrorCode::corrupt);
  CHECK(read({{"module", 0160000, blob}}) == ErrorCode::corrupt);
  CHECK(read({{"odd", 0100600, blob}}) == ErrorCode::corrupt);
  CHECK(read({{"..", 0100644, blob}}) == ErrorCode::corrupt);
  CHECK(read({{".", 040000, folder}}) == ErrorCode::corrupt);
  CHECK(read({{"..", 040000, folder}}) == ErrorCode::corrupt);
  CHECK(read({{"a/b", 0100644, blob}}) == ErrorCode::corrupt);
  CHECK(read({{"/etc", 0100644, blob}}) == ErrorCode::corrupt);
  CHECK(read({{".git", 040000, folder}}) == ErrorCode::corrupt);
  CHECK(read({{".GIT", 0100644, blob}}) == ErrorCode::corrupt);
  CHECK(read({{"a\\b", 0100644, blob}}) == ErrorCode::corrupt);
  CHECK(read({{"a", 0100644, blob}, {"a", 0100644, blob}}) == ErrorCode::corrupt);
  CHECK(read({{"a", 0100644, blob}, {"a", 040000, folder}}) == ErrorCode::corrupt);
  CHECK(read({{"b", 0100644, blob}, {"a", 0100644, blob}}) == ErrorCode::corrupt);
  CHECK(read({{"x.chunks", 040000, folder}}) == ErrorCode::corrupt);
  CHECK(read({{"missing", 0100644, Oid::parse("1111111111111111111111111111111111111111")}}) == ErrorCode::corrupt);
  CHECK(read({{"good", 0100644, blob}, {"run", 0100755, blob}}) == std::nullopt);
}

TEST_CASE("a tree that is too deep or multiplies is refused in bounded time") {
  World world;
  Oid deep = world.raw_tree({{"f", 0100644, world.blob("x")}});
  for (int i = 0; i < 80; ++i) deep = world.raw_tree({{"d", 040000, deep}});
  CHECK(code_of([&] { world.view(deep).files(); }) == ErrorCode::refused);

  // 10^10 files, and as many folders.
  for (const bool with_files : {true, false}) {
    Oid bomb = with_files ? world.raw_tree({{"f", 0100644, world.blob("x")}}) : world.raw_tree({});
    for (int level = 0; level < 10; ++level) {
      std::vector<git::TreeEntry> entries;
      for (char c = '0'; c <= '9'; ++c) entries.push_back({std::string(1, c), 040000, bomb});
      bomb = world.raw_tree(entries);
    }
    CHECK(code_of([&] { world.view(bomb).files(false); }) == ErrorCode::refused);
  }
}

TEST_CASE("claims in .pod that are damaged say so") {
  World world;
  const auto with_own = [&](const char* name, std::string_view content) {
    const Oid own = world.raw_tree({{name, 0100644, world.blob(content)}});
    return world.raw_tree({{".pod", 040000, own}});
  };
  CHECK(code_of([&] { world.view(with_own("info.json", "{")).info(); }) == ErrorCode::corrupt);
  CHECK(code_of([&] { world.view(with_own("files.json", "{")).empty_folders(); }) == ErrorCode::corrupt);
  CHECK(code_of([&] { world.view(with_own("files.json", R"({"format":1,"empty":["../x"]})")).empty_folders(); }) ==
        ErrorCode::corrupt);
  CHECK(code_of([&] { world.view(with_own("files.json", R"({"format":1,"empty":["/x"]})")).empty_folders(); }) ==
        ErrorCode::corrupt);
  CHECK(code_of([&] { world.view(with_own("files.json", R"({"format":1,"empty":["a","a"]})")).empty_folders(); }) ==
        ErrorCode::corrupt);
  CHECK(code_of([&] { world.view(with_own("files.json", R"({"format":2,"empty":[]})")).empty_folders(); }) ==
        ErrorCode::incompatible);
  CHECK(world.view(world.raw_tree({})).info() == pod::SnapshotInfo{});
}
