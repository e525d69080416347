#include "store/store_world.hpp"

#include "metamodel/metamodel.hpp"
#include "reading/state_file.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>

using namespace pod::store::test;
namespace fs = std::filesystem;
namespace git = pod::git;
using pod::Finding;
using pod::Store;

namespace {

/// The findings that are not ok, "check: detail".
std::vector<std::string> troubles(const Store& store, bool deep = true) {
  std::vector<std::string> out;
  for (const Finding& finding : store.check(deep))
    if (finding.level != Finding::Level::ok) out.push_back(finding.check + ": " + finding.detail + " | " + finding.fix);
  return out;
}

bool mention(const std::vector<std::string>& lines, std::string_view start, std::string_view text = {}) {
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
    return line.starts_with(start) && line.find(text) != std::string::npos;
  });
}

struct World {
  Folder folder;
  Store store = Store::init(folder / "store");
  pod::Version one = commit(store, "shop", "one");
  pod::Version two = commit(store, "shop", {{"file", "two"}, {"large", git::test::noise(2 << 20)}});
  fs::path path = folder / "store";
};

void flip(const fs::path& file, std::size_t at) {
  std::string bytes = read_file(file);
  bytes.at(at) = static_cast<char>(bytes.at(at) ^ 0x10);
  write_file(file, bytes);
}

}  // namespace

TEST_CASE("a sound store has nothing wrong, and every check says so") {
  World world;
  CHECK(troubles(world.store).empty());
  std::vector<std::string> names;
  for (const Finding& finding : world.store.check(true)) names.push_back(finding.check);
  for (const char* name :
       {"format", "rights", "config", "packs", "refs", "head", "journal", "left-overs", "objects", "models", "history"})
    CHECK(std::count(names.begin(), names.end(), name) == 1);
}

TEST_CASE("an annotated tag of stock git is nothing wrong") {
  World world;
  git::test::stock_git(world.path, {"-c", "user.name=Ada", "-c", "user.email=ada@example.org", "tag", "-a", "-m",
                                    "text", "one", world.one.commit.hex()});
  git::test::stock_git(world.path, {"-c", "user.name=Ada", "-c", "user.email=ada@example.org", "tag", "-a", "-m",
                                    "text", "of-a-tag", "one"});
  CHECK(troubles(world.store).empty());
}

TEST_CASE("a pack whose writer was killed before the index had its name is indexed by the next writer") {
  World world;
  fs::path orphan;
  for (const auto& entry : fs::directory_iterator(world.path / "objects/pack"))
    if (entry.path().extension() == ".idx") orphan = entry.path();
  const std::string index = read_file(orphan);
  fs::remove(orphan);
  write_file(world.path / "objects/pack/.tmp-0123", "half an index");
  write_file(world.path / "pod/lock", "pid 1 on elsewhere\n");  // its holder never let go
  Store store = Store::open(world.path);
  commit(store, "other", "x");
  CHECK(read_file(orphan) == index);
  CHECK_FALSE(fs::exists(world.path / "objects/pack/.tmp-0123"));
  CHECK(troubles(store).empty());
}

TEST_CASE("a ref that was emptied, cut or overwritten is found, and restored by the next change") {
  for (const char* text : {"", "garbage", "1234", "ref: refs/heads/shop\n"}) {
    CAPTURE(text);
    World world;
    commit(world.store, "other", "x");
    write_file(world.path / "refs/heads/shop", text);
    Store store = Store::open(world.path);
    CHECK(mention(troubles(store, false), "refs: ", world.two.commit.hex()));
    CHECK(store.resolve(pod::PodRef::parse("other")).number == 1);
    commit(store, "other", "y");
    CHECK(store.resolve(pod::PodRef::parse("shop")).commit == world.two.commit);
    CHECK(troubles(store).empty());
    check_with_git(store);
  }
}

TEST_CASE("a ref to what is not there, or is no commit, is found with the journal's word") {
  World world;
  for (const std::string& target : {std::string(40, '1'), world.two.tree.hex()}) {
    write_file(world.path / "refs/heads/shop", target + "\n");
    Store store = Store::open(world.path);
    CHECK(mention(troubles(store, false), "refs: ", world.two.commit.hex()));
    CHECK(code_of([&] { store.resolve(pod::PodRef::parse("shop")); }) == pod::ErrorCode::corrupt);
    CHECK(commit(store, "other" + target.substr(0, 2), "x").number == 1);
  }
}

TEST_CASE("a damaged journal is found; versions go on; undo has nothing to go by") {
  World world;
  flip(world.path / "pod/journal", 20);
  Store store = Store::open(world.path);
  CHECK(mention(troubles(store), "journal: line 1"));
  CHECK(code_of([&] { store.operations(1); }) == pod::ErrorCode::corrupt);
  CHECK(commit(store, "shop", "three").number == 3);
  check_with_git(store);
}

TEST_CASE("a journal that lost its end is put aside by the next change") {
  World world;
  const std::string whole = read_file(world.path / "pod/journal");
  write_file(world.path / "pod/journal", whole.substr(0, whole.size() - 10));
  CHECK(mention(troubles(world.store), "journal: "));
  commit(world.store, "shop", "three");
  CHECK(troubles(world.store).empty());
  CHECK(world.store.operations(10).size() == 2);
}

TEST_CASE("a journal that is gone begins anew") {
  World world;
  fs::remove(world.path / "pod/journal");
  CHECK(mention(troubles(world.store), "journal: there is no journal"));
  CHECK(world.store.operations(10).empty());
  commit(world.store, "shop", "three");
  CHECK(troubles(world.store).empty());
}

TEST_CASE("a pack or index that is damaged is named, and the versions it breaks") {
  for (const char* end : {".pack", ".idx"}) {
    World world;
    const auto packs = git::test::files_below(world.path / "objects/pack", ".pack");
    REQUIRE(packs.size() == 2);
    // The larger one holds version 2.
    fs::path large = fs::file_size(packs[0]) > fs::file_size(packs[1]) ? packs[0] : packs[1];
    large.replace_extension(end);
    flip(large, fs::file_size(large) / 2);
    Store store = Store::open(world.path);
    const auto lines = troubles(store);
    CAPTURE(lines.size());
    // Without its index nothing of a pack is there; with it, all but what was hit.
    if (std::string_view(end) == ".idx") {
      CHECK(mention(lines, "packs: ", large.stem().native()));
      CHECK(mention(lines, "refs: ", "refs/heads/shop"));
    } else {
      CHECK(mention(lines, "history: shop:2 lacks", "large"));
    }
    CHECK(store.snapshot(pod::Version{world.one}).read(pod::StatePath::parse("file")) == "one");
  }
}

TEST_CASE("an object that is missing deep in history is named with the version that lacks it") {
  World world;
  commit(world.store, "shop", "three");
  // Loose objects, of which one goes.
  const auto pack_folder = world.path / "objects/pack";
  for (const auto& pack : git::test::files_below(pack_folder, ".pack")) {
    const std::string bytes = read_file(pack);
    fs::remove(pack);
    fs::path index = pack;
    fs::remove(index.replace_extension(".idx"));
    git::test::stock_git(world.path, {"unpack-objects", "-q"}, bytes);
  }
  const std::string blob = git::test::stock_git(world.path, {"rev-parse", world.one.commit.hex() + ":file"});
  fs::remove(world.path / "objects" / blob.substr(0, 2) / blob.substr(2));
  Store store = Store::open(world.path);
  CHECK(mention(troubles(store), "history: shop:1 lacks", blob));
  CHECK(store.snapshot(store.resolve(pod::PodRef::parse("shop"))).read(pod::StatePath::parse("file")) == "three");
  CHECK(commit(store, "shop", "four").number == 4);
}

TEST_CASE("rights, left-overs and odd branches are warnings") {
  World world;
  fs::permissions(world.path, fs::perms(0755));
  fs::create_directory(world.path / "pod/tmp/tmp-dead");
  write_file(world.path / "objects/pack/tmp_pack_dead", "x");
  write_file(world.path / "refs/heads/shop.lock", "");
  write_file(world.path / "refs/heads/feature/x", world.one.commit.hex() + "\n");
  write_file(world.path / "refs/heads/Shop", world.one.commit.hex() + "\n");
  Store store = Store::open(world.path);
  const auto lines = troubles(store);
  CHECK(mention(lines, "rights: "));
  CHECK(mention(lines, "left-overs: ", "pod/tmp/tmp-dead"));
  CHECK(mention(lines, "left-overs: ", "tmp_pack_dead"));
  CHECK(mention(lines, "left-overs: ", "shop.lock"));
  CHECK(mention(lines, "refs: ", "feature/x"));
  CHECK(mention(lines, "refs: ", "in case alone"));
}

TEST_CASE("what somebody uses now is no left-over") {
  World world;
  const pod::base::TempFolder spool(world.store.engine().spool_folder());
  const auto pack = world.store.engine().pack_writer({});
  CHECK(troubles(world.store).empty());
  commit(world.store, "shop", "three");
  CHECK(fs::exists(spool.path()));
}

TEST_CASE("HEAD without a pod is noticed") {
  World world;
  write_file(world.path / "HEAD", "ref: refs/heads/none\n");
  CHECK(mention(troubles(world.store), "head: "));
  commit(world.store, "shop", "three");
  CHECK(troubles(world.store).empty());
}

TEST_CASE("a version that says of its state what is not so is named, one that tells the truth is not") {
  World world;
  const pod::StatePath file = pod::StatePath::parse("api_states/000000000000/sqs/us-east-1/backend.state");
  const std::string model = pod::metamodel::model_path(file)->str();
  const std::string state = "\x80\x04\x8c\x05queue.";
  pod::StateReading reading = pod::reading::read_state_file(state, file).reading;
  commit(world.store, "shop", {{file.str(), state}, {model, pod::metamodel::encode(reading)}});
  CHECK(troubles(world.store).empty());

  SUBCASE("another verdict") {
    reading.verdict = pod::Verdict::review;
    commit(world.store, "shop", {{file.str(), state}, {model, pod::metamodel::encode(reading)}});
  }
  SUBCASE("a resource that is not there") {
    pod::Resource queue;
    queue.type = "queue";
    queue.id = "orders";
    queue.path = "/orders";
    queue.digest = std::string(32, '0');
    reading.resources.push_back(queue);
    commit(world.store, "shop", {{file.str(), state}, {model, pod::metamodel::encode(reading)}});
  }
  SUBCASE("no model at all") { commit(world.store, "shop", {{file.str(), state}, {model, "not a model"}}); }
  SUBCASE("a model of no file") {
    commit(world.store, "shop", {{"other", state}, {model, pod::metamodel::encode(reading)}});
  }
  const auto found = troubles(world.store);
  REQUIRE(found.size() == 1);
  CHECK(mention(found, "models: shop:4: ", "model"));
  CHECK(troubles(world.store, false).empty());
}
