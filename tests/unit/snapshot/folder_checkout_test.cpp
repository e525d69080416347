#include "snapshot/snapshot_world.hpp"

#include "snapshot/exchange.hpp"
#include "snapshot/folder.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <chrono>
#include <csignal>
#include <random>

using namespace pod::snapshot;
using namespace pod::snapshot::test;
namespace base = pod::base;
namespace fs = std::filesystem;
namespace git = pod::git;
using pod::ErrorCode;
using pod::FileEntry;
using pod::Oid;
using pod::StatePath;

namespace {

Written write(World& world, const Oid& tree, const fs::path& target, bool replace = false) {
  return checkout_folder(world.view(tree), target, replace, {}, world.context);
}

std::optional<ErrorCode> failure(World& world, const Oid& tree, const fs::path& target, bool replace) {
  const auto error = error_of([&] { write(world, tree, target, replace); });
  return error ? std::optional(error->code()) : std::nullopt;
}

unsigned mode_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

/// Work folders that were left beside a target.
std::size_t left_overs(const fs::path& parent) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(parent))
    count += entry.path().native().find(".podgit-") != std::string::npos;
  return count;
}

Oid sample(World& world) {
  return world.build([](TreeBuilder& builder) {
    add(builder, "api_states/0/s3/global/backend.state", "state");
    add(builder, "assets/run", "#!/bin/sh\n", 0755);
    add(builder, "odd\n\xff/.git/x.chunks", "odd");
    builder.add_empty_folder(StatePath::parse("assets/none/below"));
  });
}

}  // namespace

TEST_CASE("a folder comes back as it was captured") {
  World world;
  const Folder from;
  const Folder to;
  write_file(from / "api_states/0/s3/global/backend.state", git::test::noise(2 << 20));
  write_file(from / "assets/empty", "");
  write_file(from / "assets/run", "#!/bin/sh\n");
  ::chmod((from / "assets/run").c_str(), 0755);
  fs::create_directories(from / "assets/none/below");
  const Oid tree = world.captured(from.path());
  const Written written = write(world, tree, to / "out");
  CHECK(written.files == 3);
  CHECK(written.bytes == (2 << 20) + 10);
  CHECK(files_in(to / "out") == files_in(from.path()));
  CHECK(fs::is_directory(to / "out/assets/none/below"));
  CHECK(world.captured(to / "out") == tree);
  CHECK(left_overs(to.path()) == 0);
}

TEST_CASE("modes come from the version and the umask, as in git") {
  World world;
  const Oid tree = sample(world);
  for (const mode_t mask : {0022u, 0077u, 0002u}) {
    const Folder to;
    const mode_t before = ::umask(mask);
    write(world, tree, to / "out");
    ::umask(before);
    CHECK(mode_of(to / "out") == (0777 & ~mask));
    CHECK(mode_of(to / "out/assets") == (0777 & ~mask));
    CHECK(mode_of(to / "out/assets/none/below") == (0777 & ~mask));
    CHECK(mode_of(to / "out/assets/run") == (0777 & ~mask));
    CHECK(mode_of(to / "out/api_states/0/s3/global/backend.state") == (0666 & ~mask));
  }
}

TEST_CASE("a folder that is not empty is replaced only when asked") {
  World world;
  const Folder to;
  const Oid tree = sample(world);
  write_file(to / "out/foreign/file", "mine");
  CHECK(failure(world, tree, to / "out", false) == ErrorCode::already_exists);
  CHECK(read_file(to / "out/foreign/file") == "mine");
  CHECK(left_overs(to.path()) == 0);
  ::chmod((to / "out").c_str(), 0750);
  write(world, tree, to / "out", true);
  CHECK_FALSE(fs::exists(to / "out/foreign"));
  CHECK(mode_of(to / "out") == 0750);
  CHECK(files_in(to / "out").size() == 3);
  CHECK(left_overs(to.path()) == 0);
}

TEST_CASE("an empty folder is as good as none") {
  World world;
  const Folder to;
  fs::create_directory(to / "out");
  write(world, sample(world), to / "out/");
  CHECK(files_in(to / "out").size() == 3);
}

TEST_CASE("links in a target are never followed") {
  World world;
  const Folder to;
  const Folder outside;
  write_file(outside / "canary", "alive");
  fs::create_directory(to / "out");
  fs::create_symlink(outside.path(), to / "out/assets");
  fs::create_symlink(outside / "canary", to / "out/api_states");
  write(world, sample(world), to / "out", true);
  CHECK(files_in(outside.path()) == std::map<std::string, std::string>{{"canary", "alive"}});
  CHECK(fs::is_directory(fs::symlink_status(to / "out/assets")));
  CHECK(files_in(to / "out").size() == 3);
}

TEST_CASE("a target that is a link, a file or the root is refused") {
  World world;
  const Folder to;
  const Oid tree = sample(world);
  fs::create_directory(to / "real");
  fs::create_directory_symlink(to / "real", to / "link");
  fs::create_symlink(to / "nowhere", to / "dangling");
  write_file(to / "file", "x");
  for (const char* name : {"link", "link/", "dangling", "file"})
    CHECK(failure(world, tree, to / name, true) == ErrorCode::refused);
  CHECK(failure(world, tree, "/", true) == ErrorCode::refused);
  CHECK(failure(world, tree, to / "none/out", true) == ErrorCode::not_found);
  CHECK(fs::is_empty(to / "real"));
  CHECK(left_overs(to.path()) == 0);
}

TEST_CASE("a target that holds a mount point is refused") {
  World world;
  const Folder to;
  const Oid tree = sample(world);
  const fs::path point = to / "out/in side";
  fs::create_directories(point);
  if (::mount("tmpfs", point.c_str(), "tmpfs", 0, "size=1m") != 0) {
    MESSAGE("skipped: mounting is not permitted");
    return;
  }
  write_file(point / "canary", "alive");
  const auto code = failure(world, tree, to / "out", true);
  const bool alive = read_file(point / "canary") == "alive";
  ::umount2(point.c_str(), MNT_DETACH);
  CHECK(code == ErrorCode::refused);
  CHECK(alive);
}

TEST_CASE("only the files that are wanted are written") {
  World world;
  const Folder to;
  const auto wanted = [](const FileEntry& file) { return pod::service_of(file.path) == "s3"; };
  const Written written = checkout_folder(world.view(sample(world)), to / "out", false, wanted, world.context);
  CHECK(written.files == 1);
  CHECK(files_in(to / "out") == std::map<std::string, std::string>{{"api_states/0/s3/global/backend.state", "state"}});
  CHECK_FALSE(fs::exists(to / "out/assets"));
}

TEST_CASE("a version whose content is damaged leaves the target as it was") {
  World world;
  const Folder to;
  const Oid bad = world.raw_tree({{"a", 0100644, world.blob("x")}, {"b", 0120000, world.blob("/etc/passwd")}});
  write_file(to / "out/mine", "mine");
  CHECK(failure(world, bad, to / "out", true) == ErrorCode::corrupt);
  CHECK(files_in(to / "out") == std::map<std::string, std::string>{{"mine", "mine"}});
  CHECK(left_overs(to.path()) == 0);
}

TEST_CASE("an empty folder that is a file, too, is refused") {
  World world;
  const Folder to;
  const Oid own = world.raw_tree({{"files.json", 0100644, world.blob(R"({"format":1,"empty":["a","a/b"]})")}});
  const Oid tree = world.raw_tree({{".pod", 040000, own}, {"a", 0100644, world.blob("x")}});
  CHECK(failure(world, tree, to / "out", true));
  CHECK_FALSE(fs::exists(to / "out"));
}

TEST_CASE("a full disk leaves the target as it was") {
  World world;
  const Folder to;
  if (::mount("tmpfs", to.path().c_str(), "tmpfs", 0, "size=2m") != 0) {
    MESSAGE("skipped: mounting is not permitted");
    return;
  }
  const Oid large = world.build([](TreeBuilder& builder) {
    add(builder, "a", git::test::noise(1 << 20));
    add(builder, "b", git::test::noise(4 << 20, 2));
  });
  write_file(to / "out/mine", "mine");
  const auto error = error_of([&] { write(world, large, to / "out", true); });
  const auto left = files_in(to / "out");
  const std::size_t over = left_overs(to.path());
  write(world, sample(world), to / "out", true);  // once there is room
  const std::size_t after = files_in(to / "out").size();
  ::umount2(to.path().c_str(), MNT_DETACH);
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::io);
  CHECK(error->next() != "");
  CHECK(left == std::map<std::string, std::string>{{"mine", "mine"}});
  CHECK(over == 0);
  CHECK(after == 3);
}

TEST_CASE("killed anywhere, the target is what it was or what it shall be") {
  World world;
  const Folder to;
  const Oid old_tree = world.build([](TreeBuilder& builder) {
    for (int i = 0; i < 40; ++i)
      add(builder, "old/" + std::to_string(i), git::test::noise(10'000, static_cast<unsigned>(i)));
  });
  const Oid new_tree = world.build([](TreeBuilder& builder) {
    for (int i = 0; i < 40; ++i)
      add(builder, "new/" + std::to_string(i), git::test::noise(10'000, static_cast<unsigned>(100 + i)));
  });
  const Folder reference;
  write(world, old_tree, reference / "old");
  write(world, new_tree, reference / "new");
  const auto old_files = files_in(reference / "old");
  const auto new_files = files_in(reference / "new");
  write(world, old_tree, to / "out");
  const auto start = std::chrono::steady_clock::now();
  write(world, old_tree, to / "out", true);
  const auto usual =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start).count();
  std::mt19937 random(5);
  int killed = 0;
  bool want_new = true;
  for (int round = 0; round < 40; ++round) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        write(world, want_new ? new_tree : old_tree, to / "out", true);
      } catch (...) {
      }
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(random() % static_cast<unsigned long>(usual * 3 / 2)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    killed += WIFSIGNALED(status);
    const auto now = files_in(to / "out");
    CHECK((now == old_files || now == new_files));
    want_new = now == old_files;
  }
  MESSAGE(killed << " of 40 checkouts were killed");
  CHECK(killed > 0);
  write(world, new_tree, to / "out", true);
  CHECK(files_in(to / "out") == new_files);
  CHECK(left_overs(to.path()) == 0);
}

TEST_CASE("where a file system cannot exchange, two renames do, and a kill between them is put right") {
  const Folder place;
  const auto make = [&](const char* name, const char* content) { write_file(place / name, content); };
  make("target/file", "old");
  make(".target.podgit-1/new/file", "new");
  const base::Fd parent = base::open_file(place.path(), O_RDONLY | O_DIRECTORY);
  const base::Fd work = base::open_file(place / ".target.podgit-1", O_RDONLY | O_DIRECTORY);
  put_in_place_of(parent.get(), "target", work.get(), place / "target", Exchange::by_steps);
  CHECK(read_file(place / "target/file") == "new");
  CHECK(read_file(place / ".target.podgit-1/old/file") == "old");

  SUBCASE("after both: the old one goes") {
    recover_left_overs(place.path(), "target");
    CHECK(read_file(place / "target/file") == "new");
  }
  SUBCASE("between them: the old one comes back") {
    fs::rename(place / "target", place / ".target.podgit-1/new");
    recover_left_overs(place.path(), "target");
    CHECK(read_file(place / "target/file") == "old");
  }
  SUBCASE("between them, and somebody made another target: nothing is lost") {
    fs::rename(place / "target", place / ".target.podgit-1/new");
    make("target/file", "somebody's");
    recover_left_overs(place.path(), "target");
    CHECK(read_file(place / "target/file") == "somebody's");
    CHECK(read_file(place / ".target.podgit-1/old/file") == "old");
    return;
  }
  CHECK_FALSE(fs::exists(place / ".target.podgit-1"));
}

TEST_CASE("a work folder that somebody uses is not swept") {
  const Folder place;
  const base::TempFolder used(place.path(), work_prefix("target"));
  fs::create_directory(place.path() / (work_prefix("target") + "gone"));
  recover_left_overs(place.path(), "target");
  CHECK(fs::exists(used.path()));
  CHECK(left_overs(place.path()) == 1);
}
