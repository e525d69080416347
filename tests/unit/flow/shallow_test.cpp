// A store that has the newest versions alone.
#include "git/shallow.hpp"

#include "workbench.hpp"

#include <doctest/doctest.h>

using namespace pod;
using namespace pod::test;

namespace {

/// Somebody who pushed versions, and a place for a store that has a part of them.
struct Cut {
  Workbench ann;
  fs::path place = ann.path() / "part";

  explicit Cut(int versions) {
    add_remote(ann.store(), {.name = "origin", .url = (ann.path() / "pods").string()});
    for (int i = 1; i <= versions; ++i) commit("word " + std::to_string(i));
    push();
  }
  Version commit(const std::string& word) { return commit_to(ann.store(), word); }
  Version commit_to(Store& store, const std::string& word) const {
    write_file(ann.path() / "state" / sqs_file, pickled(word));
    return *pod::commit(store, shop, Source::parse((ann.path() / "state").string()), {.author = ada}).version;
  }
  void push() {
    const PodPush row = pod::push(ann.store(), "origin", {shop}).front();
    REQUIRE_FALSE(row.error);
  }
  Store clone(std::size_t depth) const {
    const auto rows =
        pod::clone("file://" + (ann.path() / "pods").string(), place, {.remote = "origin", .depth = depth}).pods;
    REQUIRE(rows.size() == 1);
    REQUIRE_FALSE(rows[0].error);
    return Store::open(place);
  }
  static PodFetch fetch(Store& store, std::optional<std::size_t> depth = std::nullopt) {
    PodFetch row = pod::fetch(store, "origin", {shop}, {.depth = depth}).front();
    if (row.error) FAIL(row.error->message());
    return row;
  }
  static std::vector<std::int64_t> numbers(const Store& store, const std::string& ref = "shop") {
    std::vector<std::int64_t> found;
    store.log(PodRef::parse(ref), [&](const Version& version) {
      found.push_back(version.number);
      return true;
    });
    return found;
  }
  static bool sound(const Store& store) {
    const std::string command =
        "test -z \"$(git -C '" + store.path().string() + "' fsck --strict --no-progress --no-dangling 2>&1)\"";
    bool whole = std::system(command.c_str()) == 0;
    for (const Finding& finding : store.check(true)) whole = whole && finding.level != Finding::Level::fail;
    return whole;
  }
};

using Numbers = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("a shallow clone has the newest versions under their own numbers, and git agrees") {
  Cut cut(6);
  Store store = cut.clone(2);
  CHECK(Cut::numbers(store) == Numbers{6, 5});
  CHECK(Cut::sound(store));
  const Version oldest = store.resolve(PodRef::parse("shop:5"));
  CHECK(oldest.cut);
  CHECK(oldest.parents.empty());
  CHECK(git::read_shallow(store.path()).commits == std::unordered_set<Oid>{oldest.commit});
  const auto missing = error_of([&] { store.resolve(PodRef::parse("shop:4")); });
  REQUIRE(missing);
  CHECK(missing->code() == ErrorCode::not_found);
  CHECK(missing->next() == "podgit fetch --unshallow shop brings them");
  CHECK(error_of([&] { store.resolve(PodRef::parse("shop~2")); })->next() == missing->next());
  CHECK(error_of([&] { store.resolve(PodRef::parse("shop:7")); })->next() == "pod \"shop\" has versions 5 to 6");
}

TEST_CASE("a shallow store goes on as any other") {
  Cut cut(4);
  Store store = cut.clone(1);
  const Version mine = cut.commit_to(store, "mine");
  CHECK(mine.number == 5);
  REQUIRE_FALSE(pod::push(store, "origin", {shop}).front().error);
  CHECK(pull(cut.ann.store(), "origin", shop).version->commit == mine.commit);
  CHECK(cut.ann.history().size() == 5);

  cut.commit("six");
  cut.commit("seven");
  cut.push();
  const PodPull pulled = pull(store, "origin", shop);
  CHECK(pulled.status == PullStatus::fast_forward);
  CHECK(pulled.fetched.versions == 2);
  CHECK(Cut::numbers(store) == Numbers{7, 6, 5, 4});
  store.gc();
  CHECK(Cut::sound(store));
  undo(store, ada, {}, false);
  CHECK(Cut::numbers(store) == Numbers{5, 4});
  CHECK(Cut::sound(store));
}

TEST_CASE("older versions come when they are asked for, some or all") {
  Cut cut(6);
  Store store = cut.clone(1);
  CHECK(Cut::fetch(store, 1).older_versions == 0);
  const PodFetch deeper = Cut::fetch(store, 3);
  CHECK(deeper.status == FetchStatus::up_to_date);
  CHECK(deeper.older_versions == 2);
  CHECK(Cut::numbers(store) == Numbers{6, 5, 4});
  CHECK(Cut::sound(store));
  SUBCASE("what is here stays when less is asked for") {
    Cut::fetch(store, 1);
    CHECK(Cut::numbers(store) == Numbers{6, 5, 4});
  }
  SUBCASE("all, and new ones with them") {
    cut.commit("seven");
    cut.push();
    const PodFetch all = Cut::fetch(store, all_versions);
    CHECK(all.status == FetchStatus::updated);
    CHECK(all.versions == 1);
    CHECK(all.older_versions == 3);
    CHECK(Cut::numbers(store, "origin/shop") == Numbers{7, 6, 5, 4, 3, 2, 1});
    CHECK_FALSE(fs::exists(store.path() / "shallow"));
    CHECK(store.resolve(PodRef::parse("shop:1")).number == 1);
    CHECK(Cut::sound(store));
  }
}

TEST_CASE("what is new on top of what is here comes whole, however few versions are asked for") {
  Cut cut(2);
  Store store = cut.clone(1);
  for (const char* word : {"three", "four", "five"}) cut.commit(word);
  cut.push();
  CHECK(Cut::fetch(store, 1).versions == 3);
  CHECK(Cut::numbers(store, "origin/shop") == Numbers{5, 4, 3, 2});
  CHECK(pull(store, "origin", shop).status == PullStatus::fast_forward);
  CHECK(Cut::sound(store));
}

TEST_CASE("a new version that holds what only old versions held comes whole") {
  Cut cut(3);
  Store store = cut.clone(1);
  cut.commit("word 1");
  cut.push();
  fs::remove_all(store.path() / "pod/remotes");
  CHECK(pull(store, "origin", shop).version->number == 4);
  CHECK(Cut::sound(store));
}

TEST_CASE("a shallow store does not pretend to another remote that it has all") {
  Cut cut(3);
  Store store = cut.clone(1);
  add_remote(store, {.name = "other", .url = (cut.ann.path() / "elsewhere").string()});
  const PodPush refused = push(store, "other", {shop}).front();
  REQUIRE(refused.error);
  CHECK(refused.error->code() == ErrorCode::refused);
  CHECK(refused.error->next().find("--unshallow") != std::string::npos);
  CHECK_FALSE(fs::exists(cut.ann.path() / "elsewhere/pods"));
  Cut::fetch(store, all_versions);
  CHECK(push(store, "other", {shop}).front().status == PushStatus::pushed);
}

TEST_CASE("two pods of one history, one of them whole") {
  Cut cut(3);
  const PodName twin = PodName::parse("twin");
  cut.ann.store().copy(PodRef::latest(shop), twin, false);
  REQUIRE_FALSE(push(cut.ann.store(), "origin", {twin}).front().error);
  Store store = Store::init(cut.place);
  add_remote(store, {.name = "origin", .url = (cut.ann.path() / "pods").string()});
  Cut::fetch(store, 1);
  CHECK(Cut::numbers(store, "origin/shop") == Numbers{3});
  store.copy(PodRef::parse("origin/shop"), shop, false);
  pod::fetch(store, "origin", {twin}, {.depth = all_versions});
  CHECK(Cut::numbers(store, "origin/twin") == Numbers{3, 2, 1});
  CHECK(Cut::numbers(store, "origin/shop") == Numbers{3, 2, 1});
  CHECK(Cut::sound(store));
}

TEST_CASE("lines of the file shallow that name no commit are found, and repaired") {
  Cut cut(3);
  {
    Store store = cut.clone(1);
    std::ofstream(store.path() / "shallow", std::ios::app) << "nothing\n";
    CHECK_FALSE(Cut::sound(store));
  }
  const RepairReport report = Store::repair(cut.place);
  REQUIRE(report.done.size() == 1);
  CHECK(report.done[0].starts_with("the file shallow held"));
  Store store = Store::open(cut.place);
  CHECK(Cut::sound(store));
  CHECK(Cut::numbers(store) == Numbers{3});
}

TEST_CASE("where the file shallow is lost, a fetch of all brings what is missing") {
  Cut cut(3);
  Store store = cut.clone(1);
  fs::remove(store.path() / "shallow");
  store.engine().repository().objects()->refresh();
  CHECK_FALSE(Cut::sound(store));
  CHECK(Cut::fetch(store, all_versions).status == FetchStatus::up_to_date);
  CHECK(Cut::numbers(store) == Numbers{3, 2, 1});
  CHECK(Cut::sound(store));
}
