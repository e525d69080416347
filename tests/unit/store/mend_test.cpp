// What a repair brings back, and what it says of the rest.
#include "store/store_world.hpp"

#include <doctest/doctest.h>

#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <random>

using namespace pod::store::test;
namespace fs = std::filesystem;
namespace git = pod::git;
using pod::Finding;
using pod::RepairReport;
using pod::Store;

namespace {

pod::PodRef at(std::string_view text) { return pod::PodRef::parse(text); }

/// The checks that did not say "ok", "check: detail".
std::vector<std::string> failures(const std::vector<Finding>& findings) {
  std::vector<std::string> out;
  for (const Finding& finding : findings)
    if (finding.level != Finding::Level::ok) out.push_back(finding.check + ": " + finding.detail);
  return out;
}

bool mention(const std::vector<std::string>& lines, std::string_view start, std::string_view text = {}) {
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
    return line.starts_with(start) && line.find(text) != std::string::npos;
  });
}

std::string read(const Store& store, std::string_view version, std::string_view path) {
  return store.snapshot(store.resolve(at(version))).read(pod::StatePath::parse(path));
}

void flip(const fs::path& file, std::size_t place) {
  std::string bytes = read_file(file);
  bytes.at(place) = static_cast<char>(bytes.at(place) ^ 0x10);
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write, fs::perm_options::add);
  write_file(file, bytes);
}

struct World {
  pod::base::TempFolder folder{memory_folder(), "pod-mend-"};
  fs::path path = folder.path() / "store";
  Store store = Store::init(path);
  std::string large = git::test::noise(2 << 20);
  pod::Version one = commit(store, "shop", "one");
  pod::Version two = commit(store, "shop", {{"file", "two"}, {"large", large}});
  pod::Version three = commit(store, "shop", {{"file", "three"}, {"small", git::test::noise(5000)}});

  /// The pack that holds an object.
  fs::path pack_of(const pod::Oid& id) const {
    for (const fs::path& index : git::test::files_below(path / "objects/pack", ".idx")) {
      const std::string raw(reinterpret_cast<const char*>(id.bytes().data()), pod::Oid::size);
      if (read_file(index).find(raw) != std::string::npos) return fs::path(index).replace_extension(".pack");
    }
    FAIL("no pack holds " << id.hex());
    return {};
  }
  std::vector<fs::path> quarantined() const {
    return fs::exists(path / "pod/quarantine") ? git::test::files_below(path / "pod/quarantine")
                                               : std::vector<fs::path>{};
  }
};

/// Nothing is wrong any more, in our eyes and in stock git's.
void check_whole(const RepairReport& report, const World& world) {
  for (const std::string& line : failures(report.remaining)) FAIL_CHECK(line);
  Store store = Store::open(world.path);
  CHECK(read(store, "shop:1", "file") == "one");
  CHECK(read(store, "shop:2", "large") == world.large);
  CHECK(read(store, "shop:3", "file") == "three");
  check_with_git(store);
  const auto next = commit(store, "shop", "next");
  CHECK(next.number == 4);
  CHECK(store.operations(1).at(0).after == next.commit);
}

}  // namespace

TEST_CASE("a sound store is left as it is") {
  World world;
  const RepairReport report = Store::repair(world.path);
  CHECK(report.done.empty());
  CHECK_FALSE(fs::exists(world.path / "pod/quarantine"));
  check_whole(report, world);
}

TEST_CASE("indexes that are damaged or gone are made again, those of packs with deltas too") {
  World world;
  for (const bool gone : {false, true}) {
    if (gone) git::test::stock_git(world.path, {"gc", "-q", "--prune=now"});
    for (const fs::path& index : git::test::files_below(world.path / "objects/pack", ".idx")) {
      if (gone)
        fs::remove(index);
      else
        flip(index, fs::file_size(index) / 2);
    }
    const RepairReport report = Store::repair(world.path);
    CHECK(mention(report.done, "made the index"));
    for (const std::string& line : failures(report.remaining)) FAIL_CHECK(line);
  }
  check_whole(Store::repair(world.path), world);
}

TEST_CASE(
    "of a damaged pack what is sound is kept, what is lost is named with its version, and comes back with its state") {
  World world;
  const fs::path pack = world.pack_of(world.two.commit);
  flip(pack, fs::file_size(pack) / 2);
  const std::string damaged = read_file(pack);
  SUBCASE("its index is sound") {}
  SUBCASE("its index is gone, too") { fs::remove(fs::path(pack).replace_extension(".idx")); }
  SUBCASE("its index is damaged, too") { flip(fs::path(pack).replace_extension(".idx"), 1100); }

  const RepairReport report = Store::repair(world.path);
  const auto lines = failures(report.remaining);
  CHECK(mention(lines, "history: shop:2 lacks the file \"large\""));
  CHECK(mention(lines, "newest: ", "shop:3"));
  const auto lost = std::find_if(report.remaining.begin(), report.remaining.end(),
                                 [](const Finding& finding) { return finding.check == "history"; });
  REQUIRE(lost != report.remaining.end());
  CHECK(lost->affects == std::vector<std::string>{"shop:2 large"});
  CHECK(lost->object.size() == 40);
  CHECK(mention(report.done, "put " + pack.filename().native() + " aside"));
  const auto aside = world.quarantined();
  CHECK(std::any_of(aside.begin(), aside.end(), [&](const fs::path& file) { return read_file(file) == damaged; }));

  Store store = Store::open(world.path);
  CHECK(read(store, "shop:2", "file") == "two");
  CHECK(read(store, "shop:3", "file") == "three");
  CHECK(code_of([&] { read(store, "shop:2", "large"); }) == pod::ErrorCode::not_found);
  CHECK(Store::repair(world.path).done.empty());
  // The same state once more brings back what version 2 lacks of it.
  commit(store, "shop", {{"file", "two"}, {"large", world.large}});
  check_with_git(store);
  CHECK(failures(store.check(true)).empty());
  CHECK(read(store, "shop:2", "large") == world.large);
}

TEST_CASE("a pack whose checksum alone is wrong loses nothing") {
  World world;
  const fs::path pack = world.pack_of(world.two.commit);
  flip(pack, fs::file_size(pack) - 5);
  check_whole(Store::repair(world.path), world);
  CHECK_FALSE(world.quarantined().empty());
}

TEST_CASE("an object that is damaged in one place and sound in another is not lost") {
  World world;
  // All of it once more, as stock git packs it.
  const std::string list = git::test::stock_git(world.path, {"rev-list", "--objects", "--all", "--no-object-names"});
  const std::string name = git::test::stock_git(
      world.path, {"pack-objects", "-q", (world.path / "objects/pack/pack").native()}, list + "\n");
  fs::path damaged;
  SUBCASE("ours is damaged") { damaged = world.pack_of(world.two.commit); }
  SUBCASE("stock git's is damaged") { damaged = world.path / "objects/pack" / ("pack-" + name + ".pack"); }
  SUBCASE("a loose one is damaged, too") {
    damaged = world.pack_of(world.two.commit);
    const std::string hex = world.three.commit.hex();
    write_file(world.path / "objects" / hex.substr(0, 2) / hex.substr(2), "x\x9c garbage");
  }
  for (std::size_t place = 100; place < fs::file_size(damaged); place += 60'000) flip(damaged, place);
  CHECK_FALSE(failures(Store::open(world.path).check(true)).empty());
  check_whole(Store::repair(world.path), world);
}

TEST_CASE("a ref that was cut, or names what is not there, is put back by the journal, a pod's and undo's alike") {
  World world;
  world.store.copy(at("shop:1"), pod::PodName::parse("shop"), true);
  const fs::path kept = git::test::files_below(world.path / "refs/pod/journal").at(0);
  const std::string value = read_file(kept);
  for (const std::string& text : {std::string(), std::string("12"), std::string(40, '1') + "\n"}) {
    CAPTURE(text);
    write_file(world.path / "refs/heads/shop", text);
    write_file(kept, text);
    const RepairReport report = Store::repair(world.path);
    CHECK(failures(report.remaining).empty());
    CHECK(read_file(kept) == value);
    CHECK(Store::open(world.path).resolve(at("shop")).commit == world.one.commit);
  }
  for (const fs::path& file : {fs::path(world.path / "refs/heads/shop"), kept}) fs::remove(file);
  CHECK(mention(failures(Store::open(world.path).check(false)), "refs: ", "is not there"));
  CHECK(failures(Store::repair(world.path).remaining).empty());
  CHECK(read_file(kept) == value);
}

TEST_CASE("a pod whose latest version is lost goes back to the newest one that can be read, and says so") {
  World world;
  const fs::path pack = world.pack_of(world.three.commit);
  write_file(pack, "PACK");
  const RepairReport report = Store::repair(world.path);
  CHECK(
      mention(report.done, "restored ref \"refs/heads/shop\" to " + world.two.commit.hex(), world.three.commit.hex()));
  CHECK(failures(report.remaining).empty());
  Store store = Store::open(world.path);
  CHECK(store.resolve(at("shop")).commit == world.two.commit);
  CHECK(read(store, "shop", "large") == world.large);
  check_with_git(store);
  CHECK(commit(store, "shop", "again").number == 3);
}

TEST_CASE("a branch that nobody knows anything of stays as it is") {
  World world;
  write_file(world.path / "refs/heads/unknown", std::string(40, '1') + "\n");
  const RepairReport report = Store::repair(world.path);
  CHECK(mention(failures(report.remaining), "refs: ", "unknown"));
  CHECK(read_file(world.path / "refs/heads/unknown") == std::string(40, '1') + "\n");
}

TEST_CASE("a damaged journal is written again with the lines that can be read, and undo works") {
  World world;
  const fs::path journal = world.path / "pod/journal";
  const std::string before = read_file(journal);
  SUBCASE("a line in the middle") { flip(journal, before.find('\n') + 30); }
  SUBCASE("the last line") { flip(journal, before.size() - 30); }
  SUBCASE("its end is cut off") { write_file(journal, before.substr(0, before.size() - 30)); }
  SUBCASE("its last line is gone") { write_file(journal, before.substr(0, before.rfind('\n', before.size() - 2) + 1)); }
  SUBCASE("all of it is gone") { write_file(journal, ""); }
  CHECK_FALSE(failures(Store::open(world.path).check(false)).empty());
  const std::string damaged = read_file(journal);
  const RepairReport report = Store::repair(world.path);
  CHECK(failures(report.remaining).empty());
  Store store = Store::open(world.path);
  const auto next = commit(store, "shop", "next");
  CHECK(store.operations(1).at(0).before == world.three.commit);
  CHECK(store.operations(1).at(0).after == next.commit);
  for (const auto& operation : store.operations(10)) CHECK(operation.verb == "commit");
  CHECK(failures(store.check(true)).empty());
  CHECK(Store::repair(world.path).done.empty());
}

TEST_CASE("HEAD, configuration, format file, packed-refs and sidecars are put right") {
  World world;
  commit(world.store, "other", "x");
  git::test::stock_git(world.path, {"pack-refs", "--all"});
  const auto write = [&](const char* name, std::string_view text) { write_file(world.path / name, text); };
  SUBCASE("HEAD is garbage") { write("HEAD", "garbage"); }
  SUBCASE("HEAD is empty") { write("HEAD", ""); }
  SUBCASE("the configuration is cut") { write("config", "[core"); }
  SUBCASE("the configuration is empty") { write("config", ""); }
  SUBCASE("stock git's gc is on") { git::test::stock_git(world.path, {"config", "gc.auto", "100"}); }
  SUBCASE("the format file has a flipped bit") { flip(world.path / "pod/format", 20); }
  SUBCASE("a pack of refs was cut") {
    const std::string text = read_file(world.path / "packed-refs");
    write("packed-refs", text.substr(0, text.size() - 10));
  }
  SUBCASE("a pack of refs has garbage") {
    std::string text = read_file(world.path / "packed-refs");
    text.insert(text.find('\n') + 5, "garbage\n");
    write("packed-refs", text);
  }
  SUBCASE("numbers that are damaged") { write("pod/numbers/0123456789abcdef0123456789abcdef", "podnums"); }
  SUBCASE("a cache that is damaged") { write("pod/captures", "podcapt"); }
  SUBCASE("temporary files") {
    write("pod/.tmp-1", "x");
    write("config.lock", "x");
    write("pod/lock", "{}");
    fs::create_directory(world.path / "pod/tmp/tmp-dead");
  }
  const RepairReport report = Store::repair(world.path);
  check_whole(report, world);
  CHECK(Store::open(world.path).resolve(at("other")).number == 1);
  CHECK_FALSE(fs::exists(world.path / "pod/.tmp-1"));
  CHECK_FALSE(fs::exists(world.path / "config.lock"));
}

TEST_CASE("a check of one pod reads what that pod needs, and nothing else") {
  World world;
  commit(world.store, "other", git::test::noise(3000));
  const fs::path pack = world.pack_of(world.two.commit);
  flip(pack, fs::file_size(pack) / 2);
  const Store store = Store::open(world.path);
  const auto check = [&](const char* pod) { return failures(store.check(true, {}, {pod::PodName::parse(pod)})); };
  CHECK(check("other").empty());
  CHECK(mention(check("shop"), "history: shop:2 lacks the file \"large\""));
  CHECK(code_of([&] { check("none"); }) == pod::ErrorCode::not_found);
}

TEST_CASE("a repair that is killed anywhere can be run again") {
  World world;
  const fs::path pack = world.pack_of(world.two.commit);
  flip(pack, fs::file_size(pack) / 2);
  flip(fs::path(world.pack_of(world.three.commit)).replace_extension(".idx"), 1100);
  write_file(world.path / "refs/heads/shop", "");
  flip(world.path / "pod/journal", 20);
  std::mt19937 random(5);
  const fs::path work = world.folder.path() / "work";
  for (int round = 0; round < 20; ++round) {
    CAPTURE(round);
    fs::remove_all(work);
    fs::copy(world.path, work, fs::copy_options::recursive);
    for (int kills = 0; kills < 3; ++kills) {
      const pid_t child = start_child([&] {
        Store::repair(work);
        return 0;
      });
      ::usleep(static_cast<useconds_t>(random() % 60'000));
      ::kill(child, SIGKILL);
      wait_for(child);
    }
    const RepairReport report = Store::repair(work);
    const auto lines = failures(report.remaining);
    CHECK(std::all_of(lines.begin(), lines.end(), [](const std::string& line) {
      return line.starts_with("history: shop:2 lacks") || line.starts_with("newest:") ||
             line.starts_with("left-overs:");
    }));
    Store store = Store::open(work);
    CHECK(read(store, "shop:1", "file") == "one");
    CHECK(read(store, "shop:2", "file") == "two");
    CHECK(read(store, "shop:3", "file") == "three");
  }
}
