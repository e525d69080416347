#include "snapshot/snapshot_world.hpp"

#include "digest/digest.hpp"
#include "snapshot/folder.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <ctime>
#include <random>
#include <set>

using namespace pod::snapshot;
using namespace pod::snapshot::test;
namespace base = pod::base;
namespace digest = pod::digest;
namespace git = pod::git;
using pod::ErrorCode;
using pod::Oid;
using pod::SnapshotInfo;
using pod::StatePath;

namespace {

const SnapshotInfo moto{1, {"moto", "5.2.1", "3.11"}, {"sqs", "s3"}, {"sns"}, {{"kms", "cannot pickle \"x\""}}};

const std::vector<std::pair<std::string, std::string>> files{
    {"api_states/000000000000/s3/global/backend.state", "s3 state"},
    {"api_states/000000000000/sqs/us-east-1/backend.state", "sqs state"},
    {"api_states/000000000000/sqs/us-east-1/store.state", ""},
    {"assets/lambda/code.zip", std::string(100'000, 'z')},
    {"assets/lambda.old/code", "older"},
    {"assets/lambda-x", "sorts before the folder"},
    {"metadata.yaml", "name: x\n"},
};

Oid build_golden(World& world, unsigned seed) {
  auto shuffled = files;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(seed));
  return world.build(
      [&](TreeBuilder& builder) {
        if (seed % 2 == 1) builder.add_empty_folder(StatePath::parse("assets/s3/empty"));
        for (const auto& [path, content] : shuffled) add(builder, path, content, path.ends_with("code") ? 0755 : 0644);
        if (seed % 2 == 0) builder.add_empty_folder(StatePath::parse("assets/s3/empty"));
        builder.add_empty_folder(StatePath::parse("assets"));  // is not empty
      },
      moto);
}

// These are the format: where one of them changes, every store changes.
const std::string golden_tree = "b8105d2af569c466d2b77d8dab4cdc8af8180b1a";
const std::string golden_info =
    R"({"emulator":{"name":"moto","python":"3.11","version":"5.2.1"},"format":1,"services":{"captured":["s3","sqs"],"empty":["sns"],)"
    R"("failed":[{"reason":"cannot pickle \"x\"","service":"kms"}]}})"
    "\n";
const std::string golden_files = R"({"empty":["assets/s3/empty"],"format":1})"
                                 "\n";

}  // namespace

TEST_CASE("the same state gives the same tree, and it is the golden one") {
  for (unsigned seed = 0; seed < 6; ++seed) {
    World world;
    const Oid tree = build_golden(world, seed);
    CHECK(tree.hex() == golden_tree);
    world.check_with_git(tree);
  }
}

TEST_CASE("locale, time zone and time leave no trace in a tree") {
  const char* zone = std::getenv("TZ");
  const std::string zone_before = zone ? zone : "";
  ::setenv("TZ", "Asia/Kathmandu", 1);
  ::tzset();
  for (const char* locale : {"tr_TR.UTF-8", "de_DE.UTF-8", "C.UTF-8"}) {
    std::setlocale(LC_ALL, locale);
    World world;
    CHECK(build_golden(world, 3).hex() == golden_tree);
  }
  std::setlocale(LC_ALL, "C");
  if (zone)
    ::setenv("TZ", zone_before.c_str(), 1);
  else
    ::unsetenv("TZ");
  ::tzset();
}

TEST_CASE("the golden bytes of info.json and files.json") {
  World world;
  const std::string tree = build_golden(world, 1).hex();
  const auto shown = [&](const std::string& path) {
    return git::test::stock_git(world.repository.path(), {"cat-file", "blob", tree + ":" + path}) + "\n";
  };
  CHECK(shown(".pod/info.json") == golden_info);
  CHECK(shown(".pod/files.json") == golden_files);
  CHECK(encode_info(moto) == golden_info);
}

TEST_CASE("info comes back sorted and otherwise as it was") {
  SnapshotInfo sorted = moto;
  std::sort(sorted.captured.begin(), sorted.captured.end());
  CHECK(parse_info(encode_info(moto)) == sorted);
  CHECK(parse_info(encode_info({})) == SnapshotInfo{});
}

TEST_CASE("text that no terminal should see is escaped in info") {
  const SnapshotInfo info{1, {"moto\x1b[31m", "\xff", ""}, {}, {}, {{"s3", "line\nbreak"}}};
  const SnapshotInfo read = parse_info(encode_info(info));
  CHECK(read.emulator.name == "moto\\x1b[31m");
  CHECK(read.emulator.version == "\\xff");
  CHECK(read.failed[0].reason == "line\\x0abreak");
}

TEST_CASE("info that is damaged or lies is refused") {
  const auto code_of = [](std::string_view text) { return error_of([&] { parse_info(text); }).value().code(); };
  for (const char* text : {"", "{", "[]", "{}", R"({"format":1})", R"({"format":"1","emulator":{},"services":{}})",
                           R"({"format":0,"emulator":{},"services":{"captured":[],"empty":[],"failed":[]}})",
                           R"({"format":1,"emulator":{},"services":{"captured":["../x"],"empty":[],"failed":[]}})",
                           R"({"format":1,"emulator":{},"services":{"captured":[1],"empty":[],"failed":[]}})",
                           R"({"format":1,"emulator":{},"services":{"captured":[],"empty":[],"failed":["s3"]}})"})
    CHECK(code_of(text) == ErrorCode::corrupt);
  CHECK(code_of(R"({"format":2,"emulator":{},"services":{"captured":[],"empty":[],"failed":[]}})") ==
        ErrorCode::incompatible);
}

TEST_CASE("of a mode only the owner's executable bit counts") {
  World world;
  const auto tree = [&](unsigned plain, unsigned executable) {
    return world.build([&](TreeBuilder& builder) {
      add(builder, "plain", "x", plain);
      add(builder, "run", "x", executable);
    });
  };
  const Oid usual = tree(0644, 0755);
  for (const unsigned plain : {0600u, 0664u, 0666u, 0640u, 0400u, 0444u, 0611u, 04644u, 0100644u})
    for (const unsigned executable : {0700u, 0775u, 0777u, 0750u, 0500u, 06755u})
      CHECK(tree(plain, executable) == usual);
  CHECK(tree(0755, 0755) != usual);
  const auto found = world.view(usual).files();
  CHECK(found[0].mode == 0644);
  CHECK(found[1].mode == 0755);
}

TEST_CASE("a folder written under any umask gives the same tree") {
  World world;
  std::set<std::string> trees;
  for (const mode_t mask : {0000u, 0002u, 0022u, 0027u, 0077u}) {
    const Folder folder;
    const mode_t before = ::umask(mask);
    std::filesystem::create_directories(folder / "assets/s3/empty");
    write_file(folder / "assets/s3/file", "content");
    const int fd = ::open((folder / "run").c_str(), O_CREAT | O_WRONLY, 0777);
    ::umask(before);
    REQUIRE(fd >= 0);
    ::close(fd);
    trees.insert(world.captured(folder.path()).hex());
  }
  CHECK(trees.size() == 1);
}

TEST_CASE("a blob's path always holds content with that digest") {
  World world;
  const std::string content = "body of an object";
  const std::string digest = digest::hex(digest::sha256(content));
  const std::string path = "assets/s3/blobs/" + digest.substr(0, 2) + "/" + digest;
  const Oid tree = world.build([&](TreeBuilder& builder) { add(builder, path, content); });
  CHECK(world.content(world.view(tree), path) == content);

  const auto failed = error_of([&] { world.build([&](TreeBuilder& builder) { add(builder, path, "another body"); }); });
  CHECK(failed.value().code() == ErrorCode::corrupt);
  CHECK(failed->message().find(digest) != std::string::npos);
  // Elsewhere a name of hex digits promises nothing.
  world.build([&](TreeBuilder& builder) {
    add(builder, "assets/s3/other/" + digest.substr(0, 2) + "/" + digest, "x");
    add(builder, "assets/s3/blobs/" + digest, "x");
    add(builder, "other/s3/blobs/" + digest.substr(0, 2) + "/" + digest, "x");
  });
}

TEST_CASE("content with another digest than the one given is refused") {
  World world;
  const auto add_with = [&](const std::string& digest) {
    world.build([&](TreeBuilder& builder) {
      base::MemorySource source("content");
      builder.add_file(StatePath::parse("file"), 7, source, 0644, digest);
    });
  };
  add_with(digest::hex(digest::sha256("content")));
  CHECK(error_of([&] { add_with(digest::hex(digest::sha256("other"))); }).value().code() == ErrorCode::corrupt);
}

TEST_CASE("a path is there once, and a file or a folder") {
  World world;
  const auto clash = [&](std::string_view first, std::string_view second) {
    const auto failed = error_of([&] {
      world.build([&](TreeBuilder& builder) {
        add(builder, first, "1");
        add(builder, second, "2");
      });
    });
    return failed && failed->code() == ErrorCode::invalid_argument;
  };
  CHECK(clash("a", "a"));
  CHECK(clash("a", "a/b"));
  CHECK(clash("a/b", "a"));
  CHECK(clash("a/b/c/d", "a/b"));
  CHECK_FALSE(clash("a/b", "a.b"));
  CHECK_FALSE(clash("a/b", "a-b/b"));
  CHECK_FALSE(clash("a", "A"));
  const auto folder_clash = error_of([&] {
    world.build([&](TreeBuilder& builder) {
      add(builder, "a", "1");
      builder.add_empty_folder(StatePath::parse("a"));
    });
  });
  CHECK(folder_clash.value().code() == ErrorCode::invalid_argument);
}

TEST_CASE("a file that is there already costs nothing and is the same file") {
  World world;
  const Oid first = world.build([&](TreeBuilder& builder) {
    add(builder, "a/file", "content", 0755);
    add(builder, "b", "other");
  });
  const auto found = world.view(first).files();
  const Oid second = world.build([&](TreeBuilder& builder) {
    for (const auto& file : found) builder.add_existing(file);
    CHECK(builder.files() == 2);
    CHECK(builder.bytes() == 12);
  });
  CHECK(second == first);
}

TEST_CASE("a source that fails half way leaves a builder and a pack that go on") {
  class Failing final : public base::ByteSource {
   public:
    std::size_t read(std::span<std::byte> buffer) override {
      if (given_ >= 3 << 20) throw pod::Error(ErrorCode::io, "the disk went away");
      const std::size_t count = std::min<std::size_t>(buffer.size(), 64 * 1024);
      for (std::size_t i = 0; i < count; ++i) buffer[i] = static_cast<std::byte>((given_ + i) * 2654435761u >> 7);
      given_ += count;
      return count;
    }
    std::size_t given_ = 0;
  };
  World world;
  const Oid tree = world.build([&](TreeBuilder& builder) {
    add(builder, "before", "1");
    Failing failing;
    CHECK(error_of([&] { builder.add_file(StatePath::parse("large"), 8 << 20, failing); }).value().code() ==
          ErrorCode::io);
    add(builder, "large", "the second time");
    add(builder, "after", "2");
  });
  world.check_with_git(tree);
  CHECK(paths(world.view(tree)) == std::vector<std::string>{"after", "before", "large"});
}
