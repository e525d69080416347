#include "store/store_world.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <chrono>
#include <csignal>
#include <random>

using namespace pod::store;
using namespace pod::store::test;
namespace git = pod::git;
namespace fs = std::filesystem;
using pod::ErrorCode;
using pod::PodName;
using pod::PodRef;
using pod::Store;

namespace {

PodRef at(std::string_view text) { return PodRef::parse(text); }

/// Commits, copies and removes until somebody kills it.
int work_for_ever(const fs::path& path, unsigned seed) {
  std::mt19937 random(seed);
  Store store = Store::open(path, {.lock_wait = std::chrono::seconds(20)});
  for (int i = 0;; ++i) {
    const std::string text = std::to_string(seed) + "/" + std::to_string(i);
    const auto other = PodName::parse("copy" + std::to_string(random() % 3));
    switch (random() % 4) {
      case 0:
      case 1: commit(store, "shop", {{"file", text}, {"other/" + std::to_string(i % 5), text}}); break;
      case 2: store.copy(at("shop"), other, true); break;
      default:
        if (store.find(PodRef::latest(other))) store.remove(other);
    }
  }
}

/// Linear, numbered without a gap, every file readable.
void check_versions(const Store& store) {
  std::int64_t expected = store.resolve(at("shop")).number;
  store.log(at("shop"), [&](const pod::Version& version) {
    CHECK(version.number == expected--);
    return true;
  });
  CHECK(expected == 0);
  for (const auto& pod : store.pods())
    for (const auto& file : store.snapshot(pod.latest).files())
      CHECK_FALSE(store.snapshot(pod.latest).read(file.path).empty());
}

std::chrono::microseconds time_of(const std::function<void()>& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
}

bool is_temporary(const fs::path& path) {
  const std::string name = path.filename().native();
  return name.starts_with("tmp_") || name.ends_with(".lock");
}

}  // namespace

TEST_CASE("killed anywhere, a store is what it was or what it shall be, and the next change works") {
  const pod::base::TempFolder temporary(memory_folder(), "pod-crash-");
  const fs::path path = temporary.path() / "store";
  std::chrono::microseconds usual{};
  {
    Store store = Store::init(path);
    commit(store, "shop", "start");
    usual = time_of([&] { commit(store, "shop", "measured"); });
  }
  std::mt19937 random(3);
  std::int64_t number = 2;
  std::int64_t survived = 0;
  for (unsigned round = 0; round < 110; ++round) {
    const pid_t child = start_child([&] { return work_for_ever(path, round); });
    ::usleep(static_cast<useconds_t>(random() % static_cast<unsigned long>(usual.count() * 10 + 10'000)));
    ::kill(child, SIGKILL);
    REQUIRE(wait_for(child) == 128 + SIGKILL);
    Store store = Store::open(path);
    const auto before = store.resolve(at("shop"));
    CHECK(before.number >= number);
    survived += before.number - number;
    const auto operations = store.operations(1);
    number = commit(store, "shop", "after " + std::to_string(round)).number;
    CHECK(number == before.number + 1);
    CHECK(store.operations(1).at(0).before == before.commit);
    CHECK(store.operations(1).at(0).id > operations.at(0).id);
    if (round % 10 == 0) {
      check_versions(store);
      for (const auto& finding : store.check(true))
        if (finding.level == pod::Finding::Level::fail) FAIL_CHECK(finding.check << ": " << finding.detail);
    }
    check_with_git(store);
  }
  MESSAGE("killed 110 times, at version " << number << ", of which " << survived
                                          << " were made by those that were killed");
  CHECK(survived > 0);
  std::size_t left = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path / "refs")) left += is_temporary(entry.path());
  CHECK(left == 0);
}

TEST_CASE("killed while it is made, there is a store or none") {
  const pod::base::TempFolder temporary(memory_folder(), "pod-crash-");
  const auto usual = time_of([&] { Store::init(temporary.path() / "measured"); });
  std::mt19937 random(4);
  int made = 0;
  for (int round = 0; round < 30; ++round) {
    const fs::path path = temporary.path() / std::to_string(round);
    const pid_t child = start_child([&] {
      Store::init(path);
      return 0;
    });
    ::usleep(static_cast<useconds_t>(random() % static_cast<unsigned long>(usual.count() * 2)));
    ::kill(child, SIGKILL);
    wait_for(child);
    made += fs::exists(path);
    Store store = Store::open_or_init(path);
    commit(store, "shop", "x");
    check_with_git(store);
  }
  MESSAGE(made << " of 30 were made before the kill");
}

TEST_CASE("an operation that was announced and did not happen is dropped by the next writer") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  const auto one = commit(store, "shop", "one");
  const std::string before = read_file(folder / "store/pod/journal");
  const auto two = commit(store, "shop", "two");
  // As if it had been killed before the ref moved.
  write_file(folder / "store/refs/heads/shop", one.commit.hex() + "\n");
  CHECK(store.operations(10).size() == 1);
  CHECK(store.resolve(at("shop")).commit == one.commit);
  const auto again = commit(store, "shop", "two");
  CHECK(again.number == 2);
  const auto operations = store.operations(10);
  REQUIRE(operations.size() == 2);
  CHECK(operations[0].id == 3);
  CHECK(operations[0].after == again.commit);
  for (const auto& finding : store.check(false)) CHECK(finding.level == pod::Finding::Level::ok);
  (void)two;
}

TEST_CASE("locks that a dead writer left are no obstacle") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  commit(store, "shop", "one");
  for (const char* lock :
       {"refs/heads/shop.lock", "refs/heads/new.lock", "HEAD.lock", "config.lock", "packed-refs.lock"})
    write_file(folder / "store" / lock, "");
  write_file(folder / "store/pod/lock", "{\"host\":\"x\",\"pid\":1,\"since\":1}");  // its writer did not end in order
  commit(store, "shop", "two");
  commit(store, "new", "one");
  store.remove(PodName::parse("shop"));
  store.set_config("user.name", "Ada");
  check_with_git(store);
}

TEST_CASE("packs, spools and half files that a dead writer left are removed, packs when they are old enough") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  commit(store, "shop", "one");
  const fs::path old_pack = folder / "store/objects/pack/tmp_pack_old";
  const fs::path young_pack = folder / "store/objects/pack/tmp_pack_young";
  write_file(old_pack, "x");
  write_file(young_pack, "x");
  const timespec times[2] = {{1, 0}, {1, 0}};
  ::utimensat(AT_FDCWD, old_pack.c_str(), times, 0);
  fs::create_directory(folder / "store/pod/tmp/tmp-dead");
  write_file(folder / "store/.tmp-config-dead/config", "half");
  const std::vector<const char*> halves = {".tmp-1",
                                           "objects/pack/.tmp-1",
                                           "pod/.tmp-1",
                                           "pod/buckets/.tmp-1",
                                           "pod/uploads/.tmp-1",
                                           "pod/quarantine/.tmp-1",
                                           "pod/remotes/origin/.tmp-1"};
  for (const char* half : halves) write_file(folder / "store" / half, "half");
  commit(store, "shop", "two");
  CHECK_FALSE(fs::exists(old_pack));
  CHECK(fs::exists(young_pack));
  CHECK_FALSE(fs::exists(folder / "store/pod/tmp/tmp-dead"));
  CHECK_FALSE(fs::exists(folder / "store/.tmp-config-dead"));
  for (const char* half : halves) CHECK_MESSAGE(!fs::exists(folder / "store" / half), half);
}

TEST_CASE("a full disk changes nothing, and the next commit works once there is room") {
  const Folder folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=3m") != 0) {
    MESSAGE("skipped: mounting is not permitted");
    return;
  }
  {
    Store store = Store::init(folder / "store");
    const auto one = commit(store, "shop", "one");
    // At every remaining room from none to plenty.
    for (const std::size_t room : {0u, 4u, 8u, 12u, 16u, 24u, 32u, 48u, 64u}) {
      CAPTURE(room);
      const fs::path filler = folder / "filler";
      const auto space = fs::space(folder.path()).available;
      write_file(filler, std::string(space > room * 1024 ? space - room * 1024 : 0, 'f'));
      const auto tip = store.resolve(at("shop"));
      std::optional<pod::Error> error;
      try {
        commit(store, "shop", {{"file", git::test::noise(40'000, room)}});
      } catch (const pod::Error& thrown) {
        error = thrown;
      }
      fs::remove(filler);
      Store again = Store::open(folder / "store");
      if (error) {
        CHECK(error->code() == ErrorCode::io);
        CHECK(again.resolve(at("shop")).commit == tip.commit);
      } else {
        CHECK(again.resolve(at("shop")).number == tip.number + 1);
      }
      const auto next = commit(again, "shop", "room " + std::to_string(room));
      CHECK(next.parents.at(0) == (error ? tip.commit : again.resolve(at("shop~1")).commit));
      for (const auto& finding : again.check(true)) CHECK(finding.level != pod::Finding::Level::fail);
      check_with_git(again);
    }
    CHECK(store.resolve(at("shop:1")).commit == one.commit);
  }
  ::umount2(folder.path().c_str(), MNT_DETACH);
}
