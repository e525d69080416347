#include "store/gc_note.hpp"
#include "store/store_world.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

using namespace pod;
using namespace pod::store;
using namespace pod::store::test;
namespace fs = std::filesystem;

namespace {

const GcOptions at_once{.grace = std::chrono::seconds(0), .keep_undo = std::chrono::seconds(0)};

struct World {
  Folder folder;
  Store store = Store::init(folder / "store");
  fs::path objects() const { return store.path() / "objects"; }
  std::vector<fs::path> packs() const { return git::test::files_below(objects() / "pack", ".pack"); }
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> found;
    for (const fs::path& file : git::test::files_below(store.path()))
      if (file.filename() != "lock") found[file.string()] = read_file(file);
    return found;
  }
  std::string text_of(const PodRef& ref) const {
    return store.snapshot(store.resolve(ref)).read(StatePath::parse("file"));
  }
  std::string text_of(const char* ref) const { return text_of(PodRef::parse(ref)); }
};

std::string words(int version) { return git::test::text(20'000) + std::to_string(version); }

void stay_readable(const World& world, int versions) {
  check_with_git(world.store);
  for (int version = 1; version <= versions; ++version)
    CHECK(world.text_of(("shop:" + std::to_string(version)).c_str()) == words(version));
}

}  // namespace

TEST_CASE("the golden bytes of what a gc notes") {
  const World world;
  const std::string ones(40, '1');
  const std::string as(64, 'a');
  const std::string bs(64, 'b');
  save_gc_note(world.store.path(), {.history = "pack-" + ones, .packs = as, .refs = bs, .oldest = 1700000000});
  CHECK(read_file(world.store.path() / "pod/gc") ==
        R"({"check":"67a2e5b6ff870bc7b8c10fd8c2561ca3c553aec08df7ec94c55e52ae66fc7f54","format":1,"history":"pack-)" +
            ones + R"(","oldest":1700000000,"packs":")" + as + R"(","refs":")" + bs + "\"}\n");
  CHECK(load_gc_note(world.store.path()).value().oldest == 1700000000);
}

TEST_CASE("a gc leaves one small pack with every version in it, and the next one has nothing to do") {
  World world;
  for (int version = 1; version <= 30; ++version) commit(world.store, "shop", words(version));
  const GcResult dry = world.store.gc({.dry_run = true});
  const GcResult result = world.store.gc();
  CHECK(result.bytes_after == dry.bytes_after);
  CHECK(result.bytes_after * 5 < result.bytes_before);
  CHECK(result.objects == 92);  // with those that say what the versions are
  CHECK(world.packs().size() == 1);
  stay_readable(world, 30);
  const auto before = world.files();
  CHECK(world.store.gc().nothing_new);
  CHECK(world.files() == before);
  commit(world.store, "shop", words(31));
  const GcResult again = world.store.gc();
  CHECK_FALSE(again.nothing_new);
  CHECK(world.packs().size() == 1);
  stay_readable(world, 31);
}

TEST_CASE("a dry run changes nothing") {
  World world;
  for (int version = 1; version <= 3; ++version) commit(world.store, "shop", words(version));
  const auto before = world.files();
  const Store reader = Store::open(world.store.path(), {.read_only = true});
  Store& same = const_cast<Store&>(reader);
  CHECK(same.gc({.dry_run = true}).bytes_after > 0);
  CHECK(world.files() == before);
}

TEST_CASE("what nothing refers to stays for its grace time, also through the packs of several gcs") {
  World world;
  commit(world.store, "shop", words(1));
  const Version gone = commit(world.store, "gone", "of a pod that goes");
  world.store.remove(PodName::parse("gone"));
  commit(world.store, "shop", words(2));
  const GcOptions soon{.keep_undo = std::chrono::seconds(0)};
  for (int round = 0; round < 3; ++round) {
    const GcResult result = world.store.gc(soon);
    CAPTURE(round);
    CHECK((round == 0 || result.nothing_new || result.young.objects == 3));
    CHECK(result.due.objects == 0);
    CHECK(world.store.engine().repository().objects()->contains(gone.commit));
    CHECK(world.packs().size() == 2);
    check_with_git(world.store);
  }
  commit(world.store, "shop", words(3));
  const GcResult result = world.store.gc(at_once);
  CHECK(result.due.objects == 3);
  CHECK_FALSE(world.store.engine().repository().objects()->contains(gone.commit));
  CHECK(world.packs().size() == 1);
  stay_readable(world, 3);
}

TEST_CASE("undo of the newest operation works after any gc") {
  World world;
  commit(world.store, "shop", words(1));
  commit(world.store, "gone", "of a pod that goes");
  world.store.remove(PodName::parse("gone"));
  world.store.gc(at_once);
  const Operation deleted = world.store.operations(1).front();
  CHECK(deleted.verb == "delete");
  const WriterLock lock = world.store.engine().lock({});
  Operation reverse;
  reverse.verb = "undo";
  reverse.what = "delete gone";
  reverse.ref = deleted.ref;
  reverse.before = deleted.after;
  reverse.after = deleted.before;
  world.store.engine().append(lock, reverse, {});
  CHECK(world.text_of("gone") == "of a pod that goes");
  check_with_git(world.store);
}

TEST_CASE("old tips are kept for their thirty days") {
  World world;
  commit(world.store, "shop", words(1));
  commit(world.store, "gone", "of a pod that goes");
  world.store.remove(PodName::parse("gone"));
  commit(world.store, "shop", words(2));
  const FixedClock later({SystemClock().now().seconds + 29 * 24 * 3600, 0});
  const FixedClock much_later({SystemClock().now().seconds + 31 * 24 * 3600, 0});
  Context context;
  context.clock = &later;
  CHECK(world.store.gc({}, context).undo_removed == 0);
  context.clock = &much_later;
  const GcResult result = world.store.gc({}, context);
  CHECK(result.undo_removed == 1);
  CHECK(result.due.objects == 3);
  stay_readable(world, 2);
}

TEST_CASE("a gc refuses a store that lost an object, and changes nothing") {
  World world;
  for (int version = 1; version <= 3; ++version)
    commit(world.store, "shop", git::test::noise(20'000, 40u + static_cast<unsigned>(version)));
  const fs::path pack = world.packs().front();
  std::string bytes = read_file(pack);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  fs::permissions(pack, fs::perms::owner_all);
  write_file(pack, bytes);
  const auto before = world.files();
  const auto error = error_of([&] { world.store.gc(at_once); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::corrupt);
  CHECK(error->next().find("podgit fsck") != std::string::npos);
  CHECK(world.files() == before);
}

TEST_CASE("objects that a writer relies on are not taken away") {
  World world;
  commit(world.store, "shop", words(1));
  commit(world.store, "gone", words(7));
  world.store.remove(PodName::parse("gone"));
  commit(world.store, "shop", words(2));
  Store other = Store::open(world.store.path());
  {
    const auto pack = other.engine().pack_writer({});
    const GcResult result = world.store.gc(at_once);
    CHECK(result.held_back);
    CHECK(result.due.objects == 3);
    CHECK(world.store.engine().removals() == 0);
  }
  CHECK_FALSE(world.store.gc(at_once).held_back);
  CHECK(world.store.engine().removals() == 1);
  commit(other, "gone", words(7));  // its database still lists the packs of before
  CHECK(world.text_of("gone") == words(7));
  stay_readable(world, 2);
}

TEST_CASE("loose objects and packs of stock git are taken in, packs with a .keep are left") {
  World world;
  for (int version = 1; version <= 3; ++version) commit(world.store, "shop", words(version));
  const fs::path kept = world.packs().front();
  write_file(fs::path(kept).replace_extension(".keep"), "");
  for (int version = 4; version <= 5; ++version) commit(world.store, "shop", words(version));
  const std::string loose = git::test::stock_git(world.store.path(), {"hash-object", "-w", "--stdin"}, "loose");
  git::test::stock_git(world.store.path(), {"update-ref", "refs/tags/loose", loose});
  git::test::stock_git(world.store.path(), {"hash-object", "-w", "--stdin"}, "a stray");
  const GcResult result = world.store.gc();
  CHECK(result.loose_objects == 2);
  CHECK(result.young.objects == 1);
  CHECK(fs::exists(kept));
  CHECK(world.packs().size() == 3);
  stay_readable(world, 5);
  CHECK(git::test::stock_git(world.store.path(), {"cat-file", "-p", loose}) == "loose");
  fs::remove(fs::path(kept).replace_extension(".keep"));
  git::test::stock_git(world.store.path(), {"gc", "--quiet"});
  stay_readable(world, 5);
  world.store.gc();
  stay_readable(world, 5);
  CHECK(git::test::stock_git(world.store.path(), {"count-objects"}).starts_with("0 objects"));
}

TEST_CASE("halves of packs that a killed gc left go with the next one, those that stock git may be at stay") {
  World world;
  for (int version = 1; version <= 5; ++version) commit(world.store, "shop", words(version));
  world.store.gc();
  const fs::path pack = world.packs().front();
  const fs::path left = pack.parent_path() / ("pack-" + std::string(40, 'a') + ".pack");
  fs::copy_file(pack, left);
  fs::copy_file(fs::path(pack).replace_extension(".idx"),
                pack.parent_path() / ("pack-" + std::string(40, 'b') + ".idx"));
  world.store.gc();
  CHECK(fs::exists(left));
  CHECK(git::test::files_below(world.objects() / "pack").size() == 3);
  fs::last_write_time(left, fs::file_time_type::clock::now() - std::chrono::minutes(2));
  commit(world.store, "shop", words(6));
  world.store.gc();
  CHECK(git::test::files_below(world.objects() / "pack").size() == 2);
  stay_readable(world, 6);
}

TEST_CASE("a reader of before finds every object after a gc") {
  World world;
  for (int version = 1; version <= 6; ++version) commit(world.store, "shop", words(version));
  const Store reader = Store::open(world.store.path());
  std::vector<Snapshot> snapshots;
  for (int version = 1; version <= 6; ++version)
    snapshots.push_back(reader.snapshot(reader.resolve(PodRef::numbered(PodName::parse("shop"), version))));
  CHECK(snapshots[2].read(StatePath::parse("file")) == words(3));
  world.store.gc();
  for (int version = 1; version <= 6; ++version)
    CHECK(snapshots[static_cast<std::size_t>(version) - 1].read(StatePath::parse("file")) == words(version));
}

TEST_CASE("a gc that is cancelled leaves the store as it was") {
  World world;
  for (int version = 1; version <= 3; ++version) commit(world.store, "shop", words(version));
  const auto before = world.files();
  CancelToken stop;
  stop.cancel();
  Context context;
  context.cancel = &stop;
  CHECK(code_of([&] { world.store.gc({}, context); }) == ErrorCode::cancelled);
  CHECK(world.files() == before);
}

TEST_CASE("commits of other processes lose nothing to a gc in a loop") {
  World world;
  std::vector<pid_t> children;
  for (int child = 0; child < 4; ++child)
    children.push_back(start_child([&, child] {
      for (int round = 0; round < 12; ++round) {
        Store store = Store::open(world.store.path());
        const std::string pod = "pod" + std::to_string(child);
        // The same content again and again, so that objects without a ref are found and used.
        commit(store, pod, words(round % 3));
        if (round % 4 == 3 && round < 11) store.remove(PodName::parse(pod));
      }
      return 0;
    }));
  std::vector<int> ends;
  while (ends.size() < children.size()) {
    world.store.gc(at_once);
    for (pid_t& child : children)
      if (child > 0 && !fs::exists("/proc/" + std::to_string(child) + "/fd/0")) {
        ends.push_back(wait_for(child));
        child = 0;
      }
  }
  CHECK(std::all_of(ends.begin(), ends.end(), [](int end) { return end == 0; }));
  world.store.gc(at_once);
  check_with_git(world.store);
  for (int child = 0; child < 4; ++child)
    CHECK(world.store.resolve(PodRef::parse("pod" + std::to_string(child))).number == 4);
}
