#include "snapshot/snapshot_world.hpp"

#include "snapshot/folder.hpp"
#include "snapshot/in_place.hpp"

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
using pod::Oid;
using Files = std::map<std::string, std::string>;

namespace {

/// A tmpfs, as long as this lives.
class Mounted {
 public:
  Mounted() : path_(place_ / "mounted") {
    fs::create_directory(path_);
    is_there_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=32m") == 0;
    if (!is_there_) MESSAGE("skipped: mounting is not permitted");
  }
  ~Mounted() {
    if (is_there_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  explicit operator bool() const { return is_there_; }
  const fs::path& path() const { return path_; }

 private:
  Folder place_;
  fs::path path_;
  bool is_there_ = false;
};

std::size_t work_folders(const fs::path& target) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(target))
    count += entry.path().filename().native().starts_with(in_place_prefix);
  return count;
}

/// A target in which a checkout that wrote `new` was killed.
struct Interrupted {
  Folder place;
  fs::path target = place / "target";
  fs::path work = target / (std::string(in_place_prefix) + "1");

  Interrupted(const Files& there, const Files& old, const Files& fresh, bool marked) {
    for (const auto& [name, content] : there) write_file(target / name, content);
    for (const auto& [name, content] : old) write_file(work / "old" / name, content);
    for (const auto& [name, content] : fresh) write_file(work / "new" / name, content);
    if (marked) write_file(work / "placing", "");
  }
};

}  // namespace

TEST_CASE("what a checkout killed half way left in its target goes back, or comes to its end") {
  SUBCASE("while the version was written") {
    const Interrupted left({{"a/x", "old"}}, {}, {{"b/y", "new"}}, false);
    settle_in_place(left.target);
    CHECK(files_in(left.target) == Files{{"a/x", "old"}});
  }
  SUBCASE("while the old entries were moved away: those of somebody else stay") {
    const Interrupted left({{"c", "old"}, {"made since", "mine"}}, {{"a/x", "old"}}, {{"b/y", "new"}}, false);
    settle_in_place(left.target);
    CHECK(files_in(left.target) == Files{{"a/x", "old"}, {"c", "old"}, {"made since", "mine"}});
  }
  SUBCASE("while the new ones came") {
    const Interrupted left({{"b/y", "new"}, {"made since", "mine"}}, {{"a/x", "old"}}, {{"c/z", "new"}}, true);
    settle_in_place(left.target);
    CHECK(files_in(left.target) == Files{{"b/y", "new"}, {"c/z", "new"}, {"made since", "mine"}});
  }
  SUBCASE("while the old ones were removed") {
    const Interrupted left({{"b/y", "new"}}, {{"a/x", "old"}}, {}, true);
    settle_in_place(left.target);
    CHECK(files_in(left.target) == Files{{"b/y", "new"}});
  }
  SUBCASE("when all but the mark was removed") {
    const Interrupted left({{"b/y", "new"}}, {}, {}, true);
    settle_in_place(left.target);
    CHECK(files_in(left.target) == Files{{"b/y", "new"}});
  }
}

TEST_CASE("what was made meanwhile under a name that an interrupted checkout needs is not lost") {
  for (const bool marked : {false, true}) {
    const Interrupted left({{"a", "mine"}}, {{"a", "old"}}, {{"a", "new"}}, marked);
    const auto error = error_of([&] { settle_in_place(left.target); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::conflict);
    CHECK(error->next() != "");
    CHECK(read_file(left.target / "a") == "mine");
    CHECK(read_file(left.work / "old/a") == "old");
    fs::rename(left.target / "a", left.place / "elsewhere");
    settle_in_place(left.target);
    CHECK(files_in(left.target) == Files{{"a", marked ? "new" : "old"}});
  }
}

TEST_CASE("a folder with an interrupted checkout, or one under way, is not captured") {
  World world;
  const Interrupted left({{"a", "old"}}, {}, {{"a", "new"}}, false);
  const auto error = error_of([&] { world.captured(left.target); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::conflict);
  settle_in_place(left.target);
  world.captured(left.target);

  const base::TempFolder used(left.target, in_place_prefix);
  const auto busy = error_of([&] { settle_in_place(left.target); });
  REQUIRE(busy);
  CHECK(busy->code() == ErrorCode::busy);
}

TEST_CASE("entries that cannot all be moved go back") {
  const Folder place;
  write_file(place / "target/a", "old");
  write_file(place / "target/b", "old");
  base::TempFolder work(place / "target", in_place_prefix);
  const fs::path path = work.path();
  write_file(path / "new/a", "new");
  // What cannot be renamed: the mark is in the way of itself.
  write_file(path / "placing", "");
  const base::Fd target = base::open_file(place / "target", O_RDONLY | O_DIRECTORY);
  CHECK(error_of([&] { replace_entries(target.get(), work, place / "target"); }));
  CHECK(files_in(place / "target") == Files{{"a", "old"}, {"b", "old"}});
  CHECK(work_folders(place / "target") == 0);
}

TEST_CASE("a version comes into a mount point and stays within it") {
  World world;
  const Mounted mounted;
  if (!mounted) return;
  const Oid first = world.build([](TreeBuilder& builder) {
    add(builder, "same/file", "the same");
    add(builder, "old/file", "old");
    add(builder, "top", "old");
  });
  const Oid second = world.build([](TreeBuilder& builder) {
    add(builder, "same/file", "the same");
    add(builder, "new/file", "new");
    add(builder, "top", "new");
  });
  ::chmod(mounted.path().c_str(), 0750);
  fs::create_directory(mounted.path() / "lost+found");
  checkout_folder(world.view(first), mounted.path(), false, {}, world.context);
  const auto again = error_of([&] { checkout_folder(world.view(second), mounted.path(), false, {}, world.context); });
  REQUIRE(again);
  CHECK(again->code() == ErrorCode::already_exists);
  write_file(mounted.path() / "mine", "mine");

  auto written = checkout_folder(world.view(second), mounted.path(), true, {}, world.context);
  CHECK(files_in(mounted.path()) == Files{{"same/file", "the same"}, {"new/file", "new"}, {"top", "new"}});
  CHECK(fs::is_directory(mounted.path() / "lost+found"));
  struct stat status {};
  REQUIRE(::stat(mounted.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0750);
  REQUIRE(written.known);
  written = checkout_folder(world.view(first), mounted.path(), true, {}, world.context, &*written.known);
  CHECK(written.kept == 1);
  CHECK(files_in(mounted.path()) == Files{{"same/file", "the same"}, {"old/file", "old"}, {"top", "old"}});
  REQUIRE(::stat((mounted.path() / "same/file").c_str(), &status) == 0);
  CHECK(status.st_nlink == 1);
  CHECK(work_folders(mounted.path()) == 0);
  CHECK(std::distance(fs::directory_iterator(mounted.path().parent_path()), {}) == 1);
}

TEST_CASE("killed anywhere, a checkout into a mount point is ended by the next one") {
  World world;
  const Mounted mounted;
  if (!mounted) return;
  const auto version = [&](const char* name, unsigned seed) {
    return world.build([&](TreeBuilder& builder) {
      for (unsigned i = 0; i < 20; ++i) {
        add(builder, name + std::to_string(i) + "/file", git::test::noise(1000, seed + i));
        add(builder, "both" + std::to_string(i), git::test::noise(1000, seed + i));
      }
    });
  };
  const Oid trees[] = {version("old", 0), version("new", 100)};
  Files content[2];
  for (int i = 0; i < 2; ++i) {
    const Folder reference;
    checkout_folder(world.view(trees[i]), reference / "out", false, {}, world.context);
    content[i] = files_in(reference / "out");
  }
  const auto write = [&](int which) {
    checkout_folder(world.view(trees[which]), mounted.path(), true, {}, world.context);
  };
  write(0);
  const auto start = std::chrono::steady_clock::now();
  write(0);
  const auto usual =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start).count();
  std::mt19937 random(5);
  int killed = 0;
  int interrupted = 0;
  int now = 0;
  for (int round = 0; round < 60; ++round) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        write(1 - now);
      } catch (...) {
      }
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(random() % static_cast<unsigned long>(usual * 3 / 2)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    killed += WIFSIGNALED(status);
    interrupted += work_folders(mounted.path()) > 0;
    settle_in_place(mounted.path());
    const auto files = files_in(mounted.path());
    CHECK((files == content[0] || files == content[1]));
    now = files == content[1];
  }
  MESSAGE(killed << " of 60 checkouts were killed, " << interrupted << " left work");
  CHECK(killed > 0);
  write(1);
  CHECK(files_in(mounted.path()) == content[1]);
}
