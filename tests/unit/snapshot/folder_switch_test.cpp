#include "snapshot/snapshot_world.hpp"

#include "snapshot/chunk_data.hpp"
#include "snapshot/folder.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

using namespace pod::snapshot;
using namespace pod::snapshot::test;
namespace fs = std::filesystem;
using pod::ErrorCode;
using pod::Oid;
using pod::StatePath;

namespace {

struct stat status_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

/// A folder that goes from version to version, with what podgit remembers of it.
struct Switching {
  World world;
  Folder place;
  fs::path target = place / "out";
  std::optional<StatCache> known;

  Written to(const Oid& tree) {
    Written written = checkout_folder(world.view(tree), target, true, {}, world.context, known ? &*known : nullptr);
    known = std::move(written.known);
    return written;
  }
  Oid files(const std::map<std::string, std::string>& contents) {
    return world.build([&](TreeBuilder& builder) {
      for (const auto& [path, content] : contents) add(builder, path, content);
    });
  }
};

using Files = std::map<std::string, std::string>;

}  // namespace

TEST_CASE("going to another version writes only the files that differ") {
  Switching switching;
  const Files one{{"a/same", "same"}, {"a/other", "one"}, {"b/gone", "gone"}};
  const Files two{{"a/same", "same"}, {"a/other", "two"}, {"c/new", "new"}};
  CHECK(switching.to(switching.files(one)).kept == 0);
  REQUIRE(switching.known);
  const auto same = status_of(switching.target / "a/same").st_ino;
  CHECK(switching.to(switching.files(two)).kept == 1);
  CHECK(files_in(switching.target) == two);
  CHECK(status_of(switching.target / "a/same").st_ino == same);
  CHECK(status_of(switching.target / "a/same").st_nlink == 1);

  SUBCASE("and back, and to what it is already") {
    CHECK(switching.to(switching.files(one)).kept == 1);
    CHECK(files_in(switching.target) == one);
    CHECK(switching.to(switching.files(one)).kept == 3);
    CHECK(files_in(switching.target) == one);
    CHECK(status_of(switching.target / "a/same").st_ino == same);
  }
  SUBCASE("a file that somebody changed is written again, however like it it looks") {
    write_file(switching.target / "a/same", "SAME");
    write_file(switching.target / "a/other", "TWO");
    CHECK(switching.to(switching.files(two)).kept == 1);
    CHECK(files_in(switching.target) == two);
  }
  SUBCASE("a file that got other rights gets those of a fresh one") {
    ::chmod((switching.target / "a/same").c_str(), 0600);
    CHECK(switching.to(switching.files(two)).kept == 2);
    CHECK(status_of(switching.target / "a/same").st_mode == status_of(switching.target / "a/other").st_mode);
  }
  SUBCASE("a file that has a name elsewhere stays apart from it") {
    fs::create_hard_link(switching.target / "a/same", switching.place / "elsewhere");
    CHECK(switching.to(switching.files(two)).kept == 2);
    write_file(switching.place / "elsewhere", "changed");
    CHECK(files_in(switching.target) == two);
  }
  SUBCASE("a link or a folder in a file's place is not taken for it") {
    write_file(switching.place / "outside", "same");
    fs::remove(switching.target / "a/same");
    fs::create_symlink(switching.place / "outside", switching.target / "a/same");
    fs::remove(switching.target / "a/other");
    fs::create_directory(switching.target / "a/other");
    CHECK(switching.to(switching.files(two)).kept == 1);
    CHECK(files_in(switching.target) == two);
    CHECK(fs::is_regular_file(fs::symlink_status(switching.target / "a/same")));
    CHECK(read_file(switching.place / "outside") == "same");
  }
  SUBCASE("a folder that is now a link to one with the same files is not walked through") {
    fs::rename(switching.target / "a", switching.place / "moved");
    fs::create_directory_symlink(switching.place / "moved", switching.target / "a");
    CHECK(switching.to(switching.files(two)).kept == 1);
    CHECK(files_in(switching.target) == two);
    CHECK(files_in(switching.place / "moved").size() == 2);
  }
}

TEST_CASE("what a checkout wrote is known: a capture reads nothing of it, and sees every change") {
  Switching switching;
  const Oid tree = switching.files({{"a/one", "one"}, {"two", "two"}});
  bool again = false;
  SUBCASE("freshly written") {}
  SUBCASE("with files that were kept") { again = true; }
  switching.to(tree);
  if (again) switching.to(switching.files({{"a/one", "one"}, {"two", "2"}}));
  REQUIRE(switching.known);
  const auto capture = [&](std::size_t& known) {
    FolderCapture found(switching.target, switching.world.context, {}, &*switching.known, switching.place.path());
    return switching.world.build([&](TreeBuilder& builder) {
      found.add_to(builder, [&](const StatePath&, const KnownFile&) {
        ++known;
        return true;
      });
    });
  };
  std::size_t known = 0;
  CHECK(state_id(switching.world.view(capture(known)).objects(), capture(known)) != Oid());
  CHECK(known == 4);
  // In the same tick, of the same size.
  write_file(switching.target / "two", again ? "3" : "TWO");
  known = 0;
  const Oid changed = capture(known);
  CHECK(known == 1);
  CHECK(switching.world.content(switching.world.view(changed), "two") == (again ? "3" : "TWO"));
}

TEST_CASE("of a large file only the chunks that differ are written") {
  Switching switching;
  std::string before = seeded_database(3 << 20, 1);
  std::string after = before;
  SUBCASE("some pages") {
    after.replace(1 << 20, 100, std::string(100, 'x'));
    after.replace((2 << 20) + 5000, 100, std::string(100, 'y'));
  }
  SUBCASE("it grows") { after += seeded(300'000, 7); }
  SUBCASE("it shrinks") { after.resize((2 << 20) + 4096); }
  SUBCASE("a part becomes zeros") { after.replace(1 << 20, 65536, std::string(65536, '\0')); }
  SUBCASE("it is of chunks that content cuts") {
    before = seeded(3 << 20, 2);
    after = before;
    after.insert(1 << 20, "something new");
  }
  SUBCASE("nothing") {}
  switching.to(switching.files({{"large", before}}));
  const Written written = switching.to(switching.files({{"large", after}}));
  CHECK(read_file(switching.target / "large") == after);
  CHECK(written.kept == (before == after ? 1 : 0));
  // And what is known of it is true.
  switching.to(switching.files({{"large", before}}));
  CHECK(read_file(switching.target / "large") == before);
}

TEST_CASE("a large file that somebody changed is written whole") {
  Switching switching;
  const std::string before = seeded_database(2 << 20, 1);
  std::string after = before;
  after.replace(1 << 20, 3, "new");
  switching.to(switching.files({{"large", before}}));
  std::string edited = before;
  edited.replace(5000, 5, "edits");
  write_file(switching.target / "large", edited);
  switching.to(switching.files({{"large", after}}));
  CHECK(read_file(switching.target / "large") == after);
}

TEST_CASE("chunks of zeros take no space") {
  Switching switching;
  std::string sparse = seeded_database(16 << 20, 3);
  std::fill(sparse.begin() + (1 << 20), sparse.begin() + (15 << 20), '\0');
  std::string zeros(8 << 20, '\0');
  const Oid tree = switching.files({{"database", sparse}, {"zeros", zeros}});
  switching.to(tree);
  CHECK(read_file(switching.target / "database") == sparse);
  CHECK(read_file(switching.target / "zeros") == zeros);
  CHECK(status_of(switching.target / "database").st_blocks * 512 < 3 << 20);
  CHECK(status_of(switching.target / "zeros").st_blocks * 512 < 1 << 20);
  // A copy of it has the holes, too.
  sparse.replace((15 << 20) + 5000, 1, "x");
  switching.to(switching.files({{"database", sparse}}));
  CHECK(read_file(switching.target / "database") == sparse);
  CHECK(status_of(switching.target / "database").st_blocks * 512 < 3 << 20);
}

TEST_CASE("a checkout that is cancelled leaves folder and files as they were") {
  Switching switching;
  const Files one{{"a", "one"}, {"b", "same"}, {"c", seeded(2 << 20, 1)}};
  switching.to(switching.files(one));
  const auto links = status_of(switching.target / "b").st_nlink;
  const Oid two = switching.files({{"a", "two"}, {"b", "same"}, {"c", seeded(2 << 20, 2)}});
  pod::CancelToken stop;
  stop.cancel();
  switching.world.context.cancel = &stop;
  const auto error = error_of([&] { switching.to(two); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::cancelled);
  CHECK(files_in(switching.target) == one);
  CHECK(status_of(switching.target / "b").st_nlink == links);
  CHECK(std::distance(fs::directory_iterator(switching.place.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("many files and folders come back, in whatever order the store has them") {
  Switching switching;
  Files files;
  for (int i = 0; i < 3000; ++i)
    files["d" + std::to_string(i % 37) + (i % 3 == 0 ? "/e-" : "/e/") + std::to_string(i)] = std::to_string(i * i);
  switching.to(switching.files(files));
  CHECK(files_in(switching.target) == files);
  for (int i = 0; i < 30; ++i) files["d1/new" + std::to_string(i)] = "new";
  CHECK(switching.to(switching.files(files)).kept == 3000);
  CHECK(files_in(switching.target) == files);
}
