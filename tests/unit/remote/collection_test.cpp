#include "remote/collection.hpp"

#include "objects/fault_store.hpp"
#include "remote/small_remote.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace pod::remote;
using namespace pod::remote::test;
namespace objects = pod::objects;
using objects::Call;
using objects::Content;
using objects::Fault;
using objects::FaultStore;
using pod::ErrorCode;
using pod::PodName;

namespace {

std::vector<std::string> keys_of(const Collection& collection) {
  std::vector<std::string> keys;
  for (const Garbage& one : collection.removed) keys.push_back(one.key);
  return keys;
}

struct Shared : SmallRemote {
  Collection collect(bool dry_run = false) { return collect_garbage(store, {.dry_run = dry_run, .door = {}}, {}); }
  PackInfo orphan(const std::string& text, const std::string& index = {}) {
    return upload(store, now(), {upload_of(text, index)}, {}, {}).packs[0];
  }
  objects::Key manifest_of(const PodState& state) {
    return manifest_key(PodName::parse(state.manifest->refs[0].name.substr(11)), *state.head.manifest);
  }
  /// Everything that the pod needs is there.
  bool whole(const PodName& pod) {
    const auto state = read_state(store, pod);
    if (!state || !state->manifest) return false;
    const auto& packs = state->manifest->packs;
    return std::all_of(packs.begin(), packs.end(),
                       [&](const PackInfo& info) { return has(pack_key(info.day, info.pack.sha256)); });
  }
  /// All packs of the pod become one, and `digit` its tip.
  PodState join(const PodName& pod, const std::string& text) {
    const auto state = read_state(store, pod);
    Change change{.packs = {orphan(text)}, .since = now()};
    for (const PackInfo& info : state->manifest->packs) change.replaced.push_back(info.pack.sha256);
    return publish(store, pod, state, change, options(), {}).state.value();
  }
};

}  // namespace

TEST_CASE("what a HEAD names stays, however old it is") {
  Shared remote;
  remote.push(shop, '1', "one");
  remote.pass(1000 * grace);
  const auto result = remote.collect();
  CHECK(result.removed.empty());
  CHECK(result.kept == 3);
  CHECK(remote.whole(shop));
}

TEST_CASE("what nothing names is taken away after seven days, not before") {
  Shared remote;
  remote.push(shop, '1', "one");
  const PackInfo info = remote.orphan("broken off", "its index");
  remote.pass(grace - 1);
  CHECK(remote.collect().removed.empty());
  remote.pass(1);
  const auto dry = remote.collect(true);
  CHECK(dry.removed.size() == 2);
  CHECK(dry.bytes == 19);
  CHECK(remote.has(pack_key(info.day, info.pack.sha256)));

  const auto result = remote.collect();
  CHECK(keys_of(result) == std::vector<std::string>{index_key(info.day, info.index->sha256).str(),
                                                    pack_key(info.day, info.pack.sha256).str()});
  CHECK(result.bytes == 19);
  CHECK_FALSE(remote.has(pack_key(info.day, info.pack.sha256)));
  CHECK(remote.whole(shop));
}

TEST_CASE("a manifest is a root until its successor is seven days old") {
  Shared remote;
  const PodState old = remote.push(shop, '1', "one");
  remote.pass(30 * grace);
  const PodState joined = remote.join(shop, "joined");
  const auto pack = pack_key(old.manifest->packs[0].day, old.manifest->packs[0].pack.sha256);
  remote.pass(grace - 1);
  CHECK(remote.collect().removed.empty());
  remote.pass(1);
  CHECK(keys_of(remote.collect()) == std::vector<std::string>{remote.manifest_of(old).str(), pack.str()});
  CHECK(remote.has(remote.manifest_of(joined)));
  CHECK(remote.whole(shop));
}

TEST_CASE("all manifests of the last seven days keep their packs") {
  Shared remote;
  std::vector<PodState> states{remote.push(shop, '1', "zero")};
  for (int i = 1; i <= 10; ++i) {
    remote.pass(86400);
    states.push_back(remote.join(shop, "joined " + std::to_string(i)));
  }
  remote.collect();
  // Number i had its successor 9 - i days ago.
  for (int i = 0; i <= 10; ++i) {
    CAPTURE(i);
    const PodState& state = states[static_cast<std::size_t>(i)];
    CHECK(remote.has(remote.manifest_of(state)) == (i >= 3));
    const PackInfo& info = state.manifest->packs.back();
    CHECK(remote.has(pack_key(info.day, info.pack.sha256)) == (i >= 3));
  }
}

TEST_CASE("a deleted pod stays for seven days, its tombstone for ever") {
  Shared remote;
  const PodState old = remote.push(shop, '1', "one");
  remote.pass(30 * grace);
  delete_pod(remote.store, shop, old, SmallRemote::options(), {});
  remote.pass(grace - 1);
  CHECK(remote.collect().removed.empty());
  remote.pass(1);
  CHECK(remote.collect().removed.size() == 2);
  CHECK(read_state(remote.store, shop)->head.generation == 2);
  remote.push(shop, '2', "two");
  CHECK(remote.collect().removed.empty());
  CHECK(remote.whole(shop));
}

TEST_CASE("a pack that two pods share stays as long as one of them names it") {
  Shared remote;
  const PodState one = remote.push(shop, '1', "one");
  publish(remote.store, till, std::nullopt,
          {.refs = refs_of(till, '1'), .packs = one.manifest->packs, .since = remote.now()}, SmallRemote::options(),
          {});
  delete_pod(remote.store, shop, one, SmallRemote::options(), {});
  remote.pass(grace);
  CHECK(keys_of(remote.collect()) == std::vector<std::string>{remote.manifest_of(one).str()});
  CHECK(remote.whole(till));
}

TEST_CASE("what is nothing of ours stays") {
  Shared remote;
  remote.push(shop, '1', "one");
  for (const char* key : {"readme.txt", "pods/shop/notes", "packs/readme.txt", "packs/2020-01-01/x", "packs/other/x"})
    remote.store.put_if_absent(objects::Key::parse(key), Content::of("mine"));
  remote.pass(grace);
  const auto result = remote.collect();
  CHECK(result.removed.empty());
  CHECK(result.foreign == 3);
}

TEST_CASE("nothing is removed where a HEAD or what it names cannot be read") {
  Shared remote;
  const PodState state = remote.push(shop, '1', "one");
  remote.push(till, '1', "one");
  const PackInfo info = remote.orphan("broken off");
  remote.pass(grace);
  remote.store.remove(remote.manifest_of(state));
  CHECK(code_of([&] { remote.collect(); }) == ErrorCode::corrupt);
  remote.store.put_if_match(head_key(shop), Content::of("{}"), state.version);
  CHECK(code_of([&] { remote.collect(); }) == ErrorCode::corrupt);
  CHECK(remote.has(pack_key(info.day, info.pack.sha256)));
}

TEST_CASE("a remote of a podhub is cleaned by nobody else") {
  Shared remote;
  require_format(remote.store, {"podhub:7f"});
  CHECK(code_of([&] { remote.collect(); }) == ErrorCode::incompatible);
}

TEST_CASE("killed at any removal, every manifest that is left has its packs") {
  for (std::uint64_t at = 1; at <= 6; ++at) {
    Shared remote;
    remote.push(shop, '1', "one");
    remote.push(shop, '2', "two");
    remote.join(shop, "joined");
    remote.push(shop, '3', "three");
    remote.orphan("broken off", "its index");
    remote.pass(grace);
    FaultStore bad(remote.store, objects::nth(Call::remove, at, {.effect = Fault::Effect::lost_answer}));
    CHECK(code_of([&] { collect_garbage(bad, {.connections = 1}, {}); }) == ErrorCode::unreachable);
    remote.store.list("pods/", [&](const objects::ListedObject& object) {
      const auto place = parse_key(object.key);
      if (place->part != Part::manifest) return;
      const auto manifest = find_manifest(remote.store, shop, place->sha256).value();
      for (const PackInfo& info : manifest.manifest.packs) CHECK(remote.has(pack_key(info.day, info.pack.sha256)));
    });
    CHECK(remote.whole(shop));
    const std::size_t rest = remote.collect().removed.size();
    CHECK(rest == 7 - at);
    CHECK(remote.collect().removed.empty());
  }
}

TEST_CASE("a removal that is under way does not meet a pack of the same bytes that is pushed meanwhile") {
  Shared remote;
  remote.push(shop, '1', "one");
  const PackInfo old = remote.orphan("of a push that broke");
  remote.pass(grace);
  FaultStore late(remote.store, [&](std::uint64_t, Call call, const std::string&) {
    if (call == Call::remove) remote.push(shop, '2', "of a push that broke");
    return Fault{};
  });
  CHECK(collect_garbage(late, {}, {}).removed.size() == 1);
  CHECK_FALSE(remote.has(pack_key(old.day, old.pack.sha256)));
  CHECK(remote.whole(shop));
}

TEST_CASE("what a push finds on the last day that it may is still there when HEAD comes as late as it may") {
  Shared remote;
  remote.push(shop, '1', "one");
  remote.clock.seconds = Day{Day::of(remote.now()).number + 1}.begin();
  const PackInfo old = remote.orphan("of a push that broke", "its index");
  remote.pass(3 * 86400 - 1);
  const std::int64_t since = remote.now();
  const auto found = upload(remote.store, since, {upload_of("of a push that broke", "its index")}, {.ask_from = 0}, {});
  REQUIRE(found.packs[0] == old);
  const auto before = read_state(remote.store, shop);
  remote.pass(push_limit - 1);
  // The request is under way for two days, and a collector comes by every hour.
  FaultStore slow(remote.store, [&](std::uint64_t, Call call, const std::string&) {
    if (call == Call::replace)
      for (int hours = 0; hours < 48; ++hours) {
        remote.pass(3600);
        remote.collect();
      }
    return Fault{};
  });
  const auto result = publish(slow, shop, before, {.refs = refs_of(shop, '2'), .packs = found.packs, .since = since},
                              SmallRemote::options(), {});
  REQUIRE(result.outcome == Outcome::published);
  remote.pass(30 * grace);
  remote.collect();
  CHECK(remote.whole(shop));
}

TEST_CASE("a fetch that lasts four days finds all that the HEAD which it read names") {
  Shared remote;
  const PodState first = remote.push(shop, '1', "one");
  const PackInfo joined = remote.orphan("joined");
  const std::int64_t since = remote.now();
  remote.pass(push_limit - 1);
  std::optional<PodState> fetching;
  // The successor's manifest is there for three days before its HEAD; then somebody reads the old HEAD once more.
  FaultStore slow(remote.store, [&](std::uint64_t, Call call, const std::string&) {
    if (call != Call::replace) return Fault{};
    remote.pass(2 * 86400);
    fetching = read_state(remote.store, shop);
    return Fault{};
  });
  Change change{.packs = {joined}, .replaced = {first.manifest->packs[0].pack.sha256}, .since = since};
  REQUIRE(publish(slow, shop, first, change, SmallRemote::options(), {}).outcome == Outcome::published);
  REQUIRE(fetching->head == first.head);
  remote.pass(4 * 86400);
  remote.collect();
  for (const PackInfo& info : fetching->manifest->packs) CHECK(remote.has(pack_key(info.day, info.pack.sha256)));
}

TEST_CASE("a collector stops when it is cancelled") {
  Shared remote;
  remote.push(shop, '1', "one");
  pod::CancelToken stop;
  pod::Context context;
  context.cancel = &stop;
  stop.cancel();
  CHECK(code_of([&] { collect_garbage(remote.store, {}, context); }) == ErrorCode::cancelled);
}
