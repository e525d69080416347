#include "workbench.hpp"

#include <doctest/doctest.h>

using namespace pod;
using namespace pod::test;

namespace {

const PodName orders = PodName::parse("orders");

/// Two people with a store each, and a folder that both see.
class Team {
 public:
  Team() {
    for (Workbench* person : {&ann, &bob}) add_remote(person->store(), {.name = "origin", .url = remote().string()});
  }
  fs::path remote() const { return ann.path() / "pods"; }

  static Version commit(Workbench& person, const std::string& word, const PodName& pod = shop) {
    write_file(person.path() / "state" / sqs_file, pickled(word));
    return *pod::commit(person.store(), pod, Source::parse((person.path() / "state").string()), {.author = ada})
                .version;
  }
  static PodPush push(Workbench& person, const PushOptions& options = {}) {
    return pod::push(person.store(), "origin", {shop}, options).front();
  }
  static PodFetch fetch(Workbench& person) { return pod::fetch(person.store(), "origin", {shop}).front(); }

  Workbench ann;
  Workbench bob;
};

std::string word_at(Workbench& bench, const std::string& ref) { return bench.content(ref).at(sqs_file); }

}  // namespace

TEST_CASE("what one pushes, the other pulls") {
  Team team;
  const Version first = Team::commit(team.ann, "one");
  const PodPush pushed = Team::push(team.ann);
  REQUIRE_FALSE(pushed.error);
  CHECK(pushed.status == PushStatus::pushed);
  CHECK(pushed.before.is_zero());
  CHECK(pushed.versions == 1);
  CHECK(pushed.packs == 1);
  CHECK(upstream(team.ann.store(), shop) == "origin");

  const PodPull pulled = pull(team.bob.store(), "origin", shop);
  CHECK(pulled.status == PullStatus::created);
  CHECK(pulled.version->commit == first.commit);
  CHECK(pulled.fetched.status == FetchStatus::created);
  CHECK(word_at(team.bob, "shop") == "one");
  CHECK(team.bob.sound());
  CHECK(team.bob.tidy());

  const Version second = Team::commit(team.ann, "two");
  CHECK(Team::push(team.ann).objects <= 12);
  const PodPull again = pull(team.bob.store(), "origin", shop);
  CHECK(again.status == PullStatus::fast_forward);
  CHECK(again.before->number == 1);
  CHECK(again.version->commit == second.commit);
  CHECK(again.fetched.packs == 1);
  CHECK(word_at(team.bob, "shop:1") == "one");
  CHECK(word_at(team.bob, "shop") == "two");
  CHECK(pull(team.bob.store(), "origin", shop).status == PullStatus::up_to_date);
  CHECK(Team::push(team.ann).status == PushStatus::up_to_date);
}

TEST_CASE("of two who go on from the same version, the second is told, and loses nothing") {
  Team team;
  Team::commit(team.ann, "one");
  Team::push(team.ann);
  pull(team.bob.store(), "origin", shop);
  const Version anns = Team::commit(team.ann, "by ann");
  const Version bobs = Team::commit(team.bob, "by bob");
  CHECK(Team::push(team.ann).status == PushStatus::pushed);

  const PodPush rejected = Team::push(team.bob);
  CHECK(rejected.status == PushStatus::rejected);
  CHECK(rejected.error->code() == ErrorCode::conflict);
  const auto diverged = error_of([&] { pull(team.bob.store(), "origin", shop); });
  REQUIRE(diverged);
  CHECK(diverged->code() == ErrorCode::conflict);
  CHECK(team.bob.store().resolve(PodRef::latest(shop)).commit == bobs.commit);
  CHECK(team.bob.store().resolve(PodRef::parse("origin/shop")).commit == anns.commit);

  SUBCASE("theirs is taken") {
    team.bob.store().copy(PodRef::parse("origin/shop"), shop, true);
    CHECK(word_at(team.bob, "shop") == "by ann");
  }
  SUBCASE("the own one replaces it, since it was seen") {
    const PodPush forced = Team::push(team.bob, {.force_with_lease = true});
    REQUIRE_FALSE(forced.error);
    CHECK(forced.forced);
    const PodFetch fetched = Team::fetch(team.ann);
    CHECK(fetched.status == FetchStatus::replaced);
    CHECK(word_at(team.ann, "origin/shop") == "by bob");
    CHECK(word_at(team.ann, "shop") == "by ann");
  }
}

TEST_CASE("what this store has not seen is not replaced with a lease") {
  Team team;
  Team::commit(team.ann, "one");
  Team::push(team.ann);
  Team::commit(team.bob, "another");
  const PodPush forced = Team::push(team.bob, {.force_with_lease = true});
  CHECK(forced.status == PushStatus::rejected);
  CHECK(word_at(team.ann, "origin/shop") == "one");
}

TEST_CASE("a dry run sends nothing and makes nothing") {
  Team team;
  Team::commit(team.ann, "one");
  const PodPush would = Team::push(team.ann, {.dry_run = true});
  CHECK(would.error->code() == ErrorCode::not_found);  // there is no folder yet
  fs::create_directory(team.remote());
  CHECK(Team::push(team.ann, {.dry_run = true}).objects > 0);
  CHECK(fs::is_empty(team.remote()));
}

TEST_CASE("each pod is pushed by itself") {
  Team team;
  Team::commit(team.ann, "one");
  Team::commit(team.ann, "two", orders);
  Team::push(team.ann);
  Team::commit(team.bob, "another");
  Team::commit(team.bob, "mine", PodName::parse("bobs"));
  const auto rows = push(team.bob.store(), "origin", {shop, PodName::parse("bobs")});
  CHECK(rows[0].status == PushStatus::rejected);
  CHECK(rows[1].status == PushStatus::pushed);
}

TEST_CASE("a clone has every pod, and goes on as the others do") {
  Team team;
  Team::commit(team.ann, "one");
  Team::commit(team.ann, "two", orders);
  push(team.ann.store(), "origin", {shop, orders});
  const fs::path folder = team.ann.path() / "clone";
  const CloneResult cloned = clone("file://" + team.remote().string(), folder);
  CHECK(cloned.pods.size() == 2);
  Store store = Store::open(folder);
  CHECK(store.names().size() == 2);
  CHECK(store.resolve(PodRef::latest(shop)).number == 1);
  CHECK(remote_named(store, "origin").url == "file://" + team.remote().string());
  CHECK(push(store, "origin", {shop}).front().status == PushStatus::up_to_date);
  CHECK_FALSE(fs::exists(team.ann.path() / "clone.part"));
  CHECK_THROWS_AS(clone("file://" + team.remote().string(), folder), Error);
}

TEST_CASE("a clone of what is no remote leaves nothing") {
  Workbench bench;
  CHECK_THROWS_AS(clone("file://" + (bench.path() / "nothing").string(), bench.path() / "clone"), Error);
  CHECK_FALSE(fs::exists(bench.path() / "clone"));
  CHECK_FALSE(fs::exists(bench.path() / "clone.part"));
}

TEST_CASE("a clone that was killed before its store had a remote goes on, and one into somebody's store does not") {
  Team team;
  Team::commit(team.ann, "one");
  push(team.ann.store(), "origin", {shop});
  const fs::path folder = team.ann.path() / "clone";
  const std::string url = "file://" + team.remote().string();
  SUBCASE("killed") {
    Store::init(team.ann.path() / "clone.part");
    CHECK(clone(url, folder).pods.size() == 1);
    CHECK(Store::open(folder).resolve(PodRef::latest(shop)).number == 1);
  }
  SUBCASE("somebody's") {
    fs::copy(team.ann.store().path(), team.ann.path() / "clone.part", fs::copy_options::recursive);
    Store store = Store::open(team.ann.path() / "clone.part");
    remove_remote(store, "origin");
    CHECK_THROWS_AS(clone(url, folder), Error);
    CHECK(remotes(store).empty());
  }
}

TEST_CASE("a pod that is deleted at the remote goes from what was seen there, and can be pushed again") {
  Team team;
  Team::commit(team.ann, "one");
  Team::push(team.ann);
  pull(team.bob.store(), "origin", shop);
  remove_remote_pod(team.ann.store(), "origin", shop);
  CHECK(Team::fetch(team.bob).status == FetchStatus::deleted);
  CHECK_FALSE(team.bob.store().find(PodRef::parse("origin/shop")));
  CHECK(word_at(team.bob, "shop") == "one");
  const auto pods = remote_pods(team.bob.store(), "origin");
  REQUIRE(pods.size() == 1);
  CHECK(pods[0].deleted);
  CHECK(error_of([&] { pull(team.bob.store(), "origin", shop); })->code() == ErrorCode::not_found);
  CHECK(Team::push(team.bob).status == PushStatus::pushed);
  CHECK(Team::fetch(team.ann).status == FetchStatus::created);
}

TEST_CASE("an undo takes a pull back") {
  Team team;
  Team::commit(team.ann, "one");
  Team::push(team.ann);
  pull(team.bob.store(), "origin", shop);
  Team::commit(team.ann, "two");
  Team::push(team.ann);
  pull(team.bob.store(), "origin", shop);
  undo(team.bob.store(), ada, {}, false);
  CHECK(word_at(team.bob, "shop") == "one");
  CHECK(word_at(team.bob, "origin/shop") == "two");
}

TEST_CASE("what was seen of a remote can be removed at any time") {
  Team team;
  Team::commit(team.ann, "one");
  Team::push(team.ann);
  pull(team.bob.store(), "origin", shop);
  Team::commit(team.ann, "two");
  Team::push(team.ann);
  fs::remove_all(team.bob.path() / "store/pod/remotes");
  fs::remove_all(team.ann.path() / "store/pod/remotes");
  CHECK(pull(team.bob.store(), "origin", shop).status == PullStatus::fast_forward);
  CHECK(Team::push(team.ann).status == PushStatus::up_to_date);
  CHECK(word_at(team.bob, "shop") == "two");
}

TEST_CASE("after many pushes the manifest names few packs, and everything is there") {
  Team team;
  for (int i = 0; i < 40; ++i) {
    Team::commit(team.ann, "word " + std::to_string(i));
    const PodPush pushed = Team::push(team.ann);
    REQUIRE_FALSE(pushed.error);
  }
  const PodFetch fetched = Team::fetch(team.bob);
  REQUIRE_FALSE(fetched.error);
  CHECK(fetched.packs <= 33);
  CHECK(fetched.versions == 40);
  CHECK(word_at(team.bob, "origin/shop:1") == "word 0");
  CHECK(word_at(team.bob, "origin/shop") == "word 39");
  Team::commit(team.ann, "one more");
  Team::push(team.ann);
  CHECK(pull(team.bob.store(), "origin", shop).fetched.packs <= 2);
  CHECK(team.bob.sound());
}
