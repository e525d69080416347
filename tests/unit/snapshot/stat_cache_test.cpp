#include "snapshot/stat_cache.hpp"

#include "snapshot/folder.hpp"
#include "snapshot/snapshot_world.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#include <ctime>
#include <random>

using namespace pod::snapshot;
using namespace pod::snapshot::test;
namespace fs = std::filesystem;
using pod::Oid;
using pod::StatePath;
using pod::Verdict;

namespace {

const std::string maker = "a test";

/// Captures of one folder, each with what the one before noted.
class Captures {
 public:
  explicit Captures(const fs::path& folder) : folder_(folder) {}

  /// The tree as the cache gives it; `fresh` is what a capture without one gives.
  Oid again() {
    as_known = false;
    reused = 0;
    FolderCapture capture(folder_, world.context, {}, cache ? &*cache : nullptr, fs::temp_directory_path());
    if (capture.as_known()) {
      as_known = true;
      return tree_;
    }
    std::optional<StatCache> next;
    tree_ = world.build([&](TreeBuilder& builder) {
      next = capture.add_to(builder, [&](const StatePath&, const KnownFile& file) {
        ++reused;
        return world.repository.objects()->contains(file.id);
      });
    });
    // As it comes back from the disk.
    cache = next ? decode_stat_cache(encode_stat_cache(*next, maker), maker) : std::nullopt;
    return tree_;
  }
  Oid fresh() { return world.captured(folder_); }

  World world;
  std::optional<StatCache> cache;
  bool as_known = false;
  std::size_t reused = 0;

 private:
  fs::path folder_;
  Oid tree_;
};

/// Until what was written before has an earlier time than what is written now, however fine or coarse the times are.
void next_tick() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t before = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  while (file_clock() <= before) ::usleep(200);
}

void overwrite(const fs::path& file, std::string_view content) {
  const pod::base::Fd fd = pod::base::open_file(file, O_WRONLY);
  pod::base::write_all(fd.get(), pod::base::bytes_of(content), file);
}

void set_modified(const fs::path& file, const struct stat& from) {
  const timespec times[2] = {from.st_atim, from.st_mtim};
  REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
}

StatCache sample() {
  StatCache cache;
  cache.device = 7;
  cache.taken = 1000;
  cache.files = 2;
  cache.bytes = 12;
  cache.verdict = Verdict::review;
  cache.state = Oid::parse("1111111111111111111111111111111111111111");
  cache.folders[""] = {};
  cache.folders["a/b"] = {{"one",
                           {1, 5, 10, 20, 0100644},
                           Oid::parse("2222222222222222222222222222222222222222"),
                           0100644,
                           {},
                           Verdict::accept},
                          {"two",
                           {2, 7, 11, 21, 0100755},
                           Oid::parse("3333333333333333333333333333333333333333"),
                           0100755,
                           Oid::parse("4444444444444444444444444444444444444444"),
                           Verdict::review}};
  return cache;
}

}  // namespace

TEST_CASE("a stat cache comes back as it was written") {
  const StatCache cache = sample();
  auto back = decode_stat_cache(encode_stat_cache(cache, maker), maker);
  REQUIRE(back);
  CHECK(back->device == 7);
  CHECK(back->taken == 1000);
  CHECK(back->state == cache.state);
  CHECK(back->files == 2);
  CHECK(back->bytes == 12);
  CHECK(back->verdict == Verdict::review);
  CHECK(back->folders.size() == 2);
  const KnownFile* two = back->find(StatePath::parse("a/b/two"));
  REQUIRE(two != nullptr);
  CHECK(two->stat == FileStat{2, 7, 11, 21, 0100755});
  CHECK(two->mode == 0100755);
  CHECK(two->verdict == Verdict::review);
  CHECK(two->model.hex() == std::string(40, '4'));
  CHECK(back->find(StatePath::parse("a/b/three")) == nullptr);
  CHECK(back->find(StatePath::parse("one")) == nullptr);
  CHECK_FALSE(decode_stat_cache(encode_stat_cache(cache, maker), "another reading"));
}

TEST_CASE("a stat cache that is cut or has one bit changed is no stat cache") {
  const std::string bytes = encode_stat_cache(sample(), maker);
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(decode_stat_cache(bytes.substr(0, size), maker));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ (1 << at % 8));
    CHECK_FALSE(decode_stat_cache(changed, maker));
  }
}

TEST_CASE("a file is known only while its times are older than the look at it") {
  const StatCache cache = sample();
  CHECK(cache.settled({1, 1, 999, 999, 0}));
  CHECK_FALSE(cache.settled({1, 1, 1000, 999, 0}));
  CHECK_FALSE(cache.settled({1, 1, 999, 1000, 0}));
}

TEST_CASE("a folder in which nothing changed is looked at and not read") {
  const Folder folder;
  write_file(folder / "a/file", "content");
  write_file(folder / "file", "content");
  fs::create_directories(folder / "empty/below");
  next_tick();
  Captures captures(folder.path());
  const Oid first = captures.again();
  CHECK_FALSE(captures.as_known);
  CHECK(captures.again() == first);
  CHECK(captures.as_known);
  CHECK(captures.fresh() == first);

  SUBCASE("a new empty folder is a change") { fs::create_directories(folder / "another"); }
  SUBCASE("so is a file that went") { fs::remove(folder / "file"); }
  SUBCASE("so is an empty folder that went") { fs::remove(folder / "empty/below"); }
  SUBCASE("so is a folder that became a link") {
    fs::rename(folder / "a", folder / "b");
    fs::create_symlink("b", folder / "a");
  }
  SUBCASE("so is a file that may be executed now") { fs::permissions(folder / "file", fs::perms::owner_all); }
  const Oid second = captures.again();
  CHECK_FALSE(captures.as_known);
  CHECK(second != first);
  CHECK(second == captures.fresh());
}

TEST_CASE("a change that keeps size and modification time is seen by the time of the change") {
  const Folder folder;
  write_file(folder / "file", "before");
  write_file(folder / "other", "before");
  next_tick();
  Captures captures(folder.path());
  captures.again();
  next_tick();
  struct stat status {};
  REQUIRE(::stat((folder / "file").c_str(), &status) == 0);
  overwrite(folder / "file", "behind");
  set_modified(folder / "file", status);
  const Oid tree = captures.again();
  CHECK(captures.reused == 1);
  CHECK(tree == captures.fresh());
  CHECK(captures.world.content(captures.world.view(tree), "file") == "behind");
}

TEST_CASE("a change in the very moment of the capture is seen by the next one") {
  // Within one tick of the clock a file's times do not move: only the rule for racy timestamps helps.
  for (int round = 0; round < 50; ++round) {
    const Folder folder;
    write_file(folder / "file", "before");
    Captures captures(folder.path());
    captures.again();
    overwrite(folder / "file", "behind");
    const Oid tree = captures.again();
    CHECK(captures.world.content(captures.world.view(tree), "file") == "behind");
  }
}

TEST_CASE("a file whose objects are gone is read again") {
  const Folder folder;
  write_file(folder / "file", "content");
  next_tick();
  Captures captures(folder.path());
  const Oid first = captures.again();
  Captures elsewhere(folder.path());
  elsewhere.cache = captures.cache;
  write_file(folder / "new", "content of its own");
  const Oid tree = elsewhere.again();
  CHECK(tree != first);
  CHECK(elsewhere.world.content(elsewhere.world.view(tree), "file") == "content");
  elsewhere.world.check_with_git(tree);
}

TEST_CASE("what has a log beside it and is no database is read each time") {
  const Folder folder;
  write_file(folder / "state.db", "main");
  write_file(folder / "state.db-wal", "log");
  write_file(folder / "other", "content");
  next_tick();
  Captures captures(folder.path());
  captures.again();
  captures.again();
  CHECK_FALSE(captures.as_known);
  CHECK(captures.reused == 1);
  fs::remove(folder / "state.db-wal");
  CHECK(captures.again() == captures.fresh());
  CHECK(captures.reused == 1);
}

TEST_CASE("whatever is done to a folder, its tree is the same with a cache and without") {
  std::mt19937 random(20);
  const auto pick = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  const Folder folder;
  const auto name = [&] {
    const std::string file = "f" + std::to_string(pick(12)) + (pick(3) == 0 ? ".x" : "");
    const int where = pick(4);
    return where == 0 ? file : "d" + std::to_string(where) + (pick(2) == 0 ? "/e/" : ".e/") + file;
  };
  const auto content = [&] {
    return std::string(static_cast<std::size_t>(1 + pick(3)), static_cast<char>('a' + pick(3)));
  };
  Captures captures(folder.path());
  std::size_t unchanged = 0;
  for (int round = 0; round < 150; ++round) {
    CAPTURE(round);
    for (int edits = pick(6); edits > 0; --edits) {
      const fs::path file = folder.path() / name();
      struct stat before {};
      const bool there = ::stat(file.c_str(), &before) == 0;
      switch (there ? pick(7) : 0) {
        case 0: write_file(file, content()); break;
        case 1: overwrite(file, content()); break;
        case 2:
          overwrite(file, content());
          set_modified(file, before);
          break;
        case 3: fs::remove(file); break;
        case 4:
          fs::permissions(file, fs::perms::owner_exec, pick(2) == 0 ? fs::perm_options::add : fs::perm_options::remove);
          break;
        case 5: {
          const fs::path to = folder.path() / name();
          fs::create_directories(to.parent_path());
          fs::rename(file, to);
          break;
        }
        default: fs::remove_all(file.parent_path() == folder.path() ? file : file.parent_path()); break;
      }
    }
    if (pick(2) == 0) next_tick();
    const Oid tree = captures.again();
    unchanged += captures.as_known ? 1 : 0;
    REQUIRE(tree == captures.fresh());
  }
  CHECK(unchanged > 5);
}
