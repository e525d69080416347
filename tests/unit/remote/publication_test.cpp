#include "remote/publication.hpp"

#include "objects/counting_store.hpp"
#include "objects/fault_store.hpp"
#include "remote/small_remote.hpp"

#include <doctest/doctest.h>

using namespace pod::remote;
using namespace pod::remote::test;
namespace objects = pod::objects;
using objects::Call;
using objects::Fault;
using objects::FaultStore;
using pod::Error;
using pod::ErrorCode;

namespace {

/// Says of the first replacements that nobody knows, and does them or not.
class Doubtful final : public objects::ForwardingStore {
 public:
  Doubtful(objects::ObjectStore& inner, int times, bool done) : ForwardingStore(inner), times_(times), done_(done) {}
  std::function<void()> meanwhile = [] {};
  int sent = 0;
  std::vector<std::string> bodies;

  objects::Replacement put_if_match(const objects::Key& key, const objects::Content& content,
                                    const std::string& version) override {
    bodies.push_back(pod::base::read_all(*content.open(0, content.size), content.size));
    if (sent++ >= times_) return ForwardingStore::put_if_match(key, content, version);
    if (done_) ForwardingStore::put_if_match(key, content, version);
    meanwhile();
    throw Error(ErrorCode::outcome_unknown, "no answer");
  }

 private:
  int times_;
  bool done_;
};

}  // namespace

TEST_CASE("a first push makes the marker, a manifest and HEAD") {
  SmallRemote remote;
  const PodState state = remote.push(shop, '1', "one");
  CHECK(state.head.generation == 1);
  CHECK(find_format(remote.store, {}) == Format{});
  const auto read = read_state(remote.store, shop).value();
  CHECK(read.head == state.head);
  CHECK(read.version == state.version);
  CHECK(read.manifest == state.manifest);
  CHECK(read.manifest->refs == refs_of(shop, '1'));
  CHECK(read.manifest->packs.size() == 1);
  CHECK_FALSE(read.manifest->previous);
}

TEST_CASE("a small push takes five requests") {
  SmallRemote remote;
  remote.push(shop, '1', "one");
  objects::CountingStore counting(remote.store);
  CHECK(remote.push(shop, '2', "two", counting).outcome == Outcome::published);
  CHECK(counting.calls(Call::get) == 2);
  CHECK(counting.calls(Call::create) == 2);
  CHECK(counting.calls(Call::replace) == 1);
  CHECK(counting.calls(Call::head) == 0);
  CHECK(counting.calls(Call::list) == 0);
}

TEST_CASE("each push names the packs before it, and the manifest before it") {
  SmallRemote remote;
  const PodState one = remote.push(shop, '1', "one");
  const PodState two = remote.push(shop, '2', "two");
  CHECK(two.head.generation == 2);
  CHECK(two.manifest->previous == one.head.manifest);
  CHECK(two.manifest->packs.size() == 2);
  CHECK(two.head.nonce != one.head.nonce);
}

TEST_CASE("of two who push at once one is told that the other was faster, and by whom to go on") {
  SmallRemote remote;
  const PodState one = remote.push(shop, '1', "one");
  const PodState theirs = remote.push(shop, '2', "two");
  const Published mine =
      publish(remote.store, shop, one, {.refs = refs_of(shop, '3'), .since = remote.now()}, SmallRemote::options(), {});
  CHECK(mine.outcome == Outcome::moved);
  CHECK(mine.state->head == theirs.head);
  CHECK(mine.state->manifest->refs == refs_of(shop, '2'));
  CHECK(read_state(remote.store, shop)->head == theirs.head);
}

TEST_CASE("of two who make the same pod one is told that the other was faster") {
  SmallRemote remote;
  remote.push(shop, '1', "one");
  const Published mine = publish(remote.store, shop, std::nullopt, {.refs = refs_of(shop, '3'), .since = remote.now()},
                                 SmallRemote::options(), {});
  CHECK(mine.outcome == Outcome::moved);
}

TEST_CASE("where only packs were joined meanwhile, a push goes on top of them") {
  SmallRemote remote;
  remote.push(shop, '1', "one");
  const PodState two = remote.push(shop, '2', "two");
  const auto joined = upload(remote.store, remote.now(), {upload_of("onetwo")}, {}, {});
  Change joining{.packs = joined.packs, .since = remote.now()};
  for (const PackInfo& info : two.manifest->packs) joining.replaced.push_back(info.pack.sha256);
  REQUIRE(publish(remote.store, shop, two, joining, SmallRemote::options(), {}).outcome == Outcome::published);

  const auto mine = upload(remote.store, remote.now(), {upload_of("three")}, {}, {});
  const Published result =
      publish(remote.store, shop, two, {.refs = refs_of(shop, '3'), .packs = mine.packs, .since = remote.now()},
              SmallRemote::options(), {});
  CHECK(result.outcome == Outcome::published);
  CHECK(result.state->head.generation == 4);
  CHECK(result.state->manifest->packs == std::vector<PackInfo>{joined.packs[0], mine.packs[0]});
}

TEST_CASE("where a version was pushed meanwhile, joined packs take the place of those that they hold") {
  SmallRemote remote;
  remote.push(shop, '1', "one");
  const PodState two = remote.push(shop, '2', "two");
  const PodState three = remote.push(shop, '3', "three");
  const auto joined = upload(remote.store, remote.now(), {upload_of("onetwo")}, {}, {});
  Change joining{.packs = joined.packs, .since = remote.now()};
  for (const PackInfo& info : two.manifest->packs) joining.replaced.push_back(info.pack.sha256);
  const Published result = publish(remote.store, shop, two, joining, SmallRemote::options(), {});
  CHECK(result.outcome == Outcome::published);
  CHECK(result.state->manifest->refs == refs_of(shop, '3'));
  CHECK(result.state->manifest->packs == std::vector<PackInfo>{three.manifest->packs[2], joined.packs[0]});
}

TEST_CASE("a lost answer is found out by the own nonce") {
  SmallRemote remote;
  remote.push(shop, '1', "one");
  FaultStore bad(remote.store, objects::nth(Call::replace, 1, {.effect = Fault::Effect::lost_answer}));
  const Published result = remote.push(shop, '2', "two", bad);
  CHECK(result.outcome == Outcome::published);
  CHECK(result.state->head.generation == 2);
  CHECK(read_state(remote.store, shop)->head == result.state->head);
}

TEST_CASE("a lost request is sent again with the same bytes") {
  SmallRemote remote;
  remote.push(shop, '1', "one");
  Doubtful store(remote.store, 3, false);
  CHECK(remote.push(shop, '2', "two", store).outcome == Outcome::published);
  CHECK(store.sent == 4);
  CHECK(store.bodies.front() == store.bodies.back());
  CHECK(read_state(remote.store, shop)->head.generation == 2);
}

TEST_CASE("a lost answer is found out by the own manifest where others have built on it") {
  for (int others : {1, 5, 63}) {
    SmallRemote remote;
    remote.push(shop, '1', "one");
    Doubtful store(remote.store, 1, true);
    store.meanwhile = [&] {
      // The same packs: a manifest has place for 64.
      for (int i = 0; i < others; ++i) remote.push(shop, '3', "three");
    };
    const Published result = remote.push(shop, '2', "two", store);
    CHECK(result.outcome == Outcome::published);
    CHECK(result.state->head.generation == 2 + others);
  }
}

TEST_CASE("a lost answer is found out where the pod was deleted on top of it") {
  SmallRemote remote;
  remote.push(shop, '1', "one");
  Doubtful store(remote.store, 1, true);
  store.meanwhile = [&] {
    delete_pod(remote.store, shop, read_state(remote.store, shop).value(), SmallRemote::options(), {});
  };
  const Published result = remote.push(shop, '2', "two", store);
  CHECK(result.outcome == Outcome::published);
  CHECK_FALSE(result.state->manifest);
}

TEST_CASE("a lost request is known as such where others were faster") {
  SmallRemote remote;
  remote.push(shop, '1', "one");
  Doubtful store(remote.store, 1, false);
  store.meanwhile = [&] {
    remote.push(shop, '3', "three");
    remote.push(shop, '4', "four");
  };
  const Published result = remote.push(shop, '2', "two", store);
  CHECK(result.outcome == Outcome::moved);
  CHECK(result.state->manifest->refs == refs_of(shop, '4'));
}

TEST_CASE("where HEAD cannot be read either, the outcome is unknown, and nothing was deleted") {
  SmallRemote remote;
  remote.push(shop, '1', "one");
  int gets = 0;
  Doubtful doubtful(remote.store, 1, true);
  FaultStore bad(doubtful, [&](std::uint64_t, Call call, const std::string&) {
    // The first two are those of the push itself.
    if (call == Call::get && ++gets > 2) return Fault{.effect = Fault::Effect::lost_request};
    return Fault{};
  });
  const auto error = error_of([&] { remote.push(shop, '2', "two", bad); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::outcome_unknown);
  CHECK(pod::exit_code(error->code()) == 13);
  CHECK(error->kept() == "nothing was deleted");
  CHECK(read_state(remote.store, shop)->head.generation == 2);
}

TEST_CASE("more than 64 generations on top of it are too many to look through") {
  SmallRemote remote;
  remote.push(shop, '1', "one");
  Doubtful store(remote.store, 1, true);
  store.meanwhile = [&] {
    for (int i = 0; i < 70; ++i) remote.push(shop, '3', "three");
  };
  CHECK(code_of([&] { remote.push(shop, '2', "two", store); }) == ErrorCode::outcome_unknown);
}

TEST_CASE("what was never sent is no unknown outcome") {
  SmallRemote remote;
  remote.push(shop, '1', "one");
  FaultStore bad(remote.store, objects::nth(Call::replace, 1, {.effect = Fault::Effect::lost_request}));
  CHECK(code_of([&] { remote.push(shop, '2', "two", bad); }) == ErrorCode::unreachable);
  CHECK(read_state(remote.store, shop)->head.generation == 1);
}

TEST_CASE("a push that took a day starts over, and sends nothing twice") {
  SmallRemote remote;
  const PodState one = remote.push(shop, '1', "one");
  std::int64_t since = remote.now();
  auto packs = upload(remote.store, since, {upload_of("two")}, {.connections = 1, .ask_from = 0}, {});
  CHECK(packs.sent == 3);
  remote.pass(push_limit);
  const auto again = [&] {
    return publish(remote.store, shop, one, {.refs = refs_of(shop, '2'), .packs = packs.packs, .since = since},
                   SmallRemote::options(), {});
  };
  CHECK(again().outcome == Outcome::expired);
  CHECK(read_state(remote.store, shop)->head.generation == 1);
  since = remote.now();
  packs = upload(remote.store, since, {upload_of("two")}, {.connections = 1, .ask_from = 0}, {});
  CHECK(packs.sent == 0);
  CHECK(again().outcome == Outcome::published);
}

TEST_CASE("a deleted pod leaves a tombstone, and its generations go on when it is made again") {
  SmallRemote remote;
  const PodState one = remote.push(shop, '1', "one");
  const Published gone = delete_pod(remote.store, shop, one, SmallRemote::options(), {});
  CHECK(gone.outcome == Outcome::published);
  const auto state = read_state(remote.store, shop).value();
  CHECK(state.head.generation == 2);
  CHECK(state.head.deleted == one.head.manifest);
  CHECK_FALSE(state.manifest);
  CHECK(code_of([&] { delete_pod(remote.store, shop, state, SmallRemote::options(), {}); }) == ErrorCode::not_found);

  const PodState again = remote.push(shop, '3', "three");
  CHECK(again.head.generation == 3);
  CHECK(again.manifest->previous == one.head.manifest);
  CHECK(again.manifest->packs.size() == 1);
}

TEST_CASE("a pod that was pushed meanwhile is not deleted") {
  SmallRemote remote;
  const PodState one = remote.push(shop, '1', "one");
  const PodState two = remote.push(shop, '2', "two");
  const Published result = delete_pod(remote.store, shop, one, SmallRemote::options(), {});
  CHECK(result.outcome == Outcome::moved);
  CHECK(result.state->head == two.head);
}

TEST_CASE("a lost answer of a removal is found out, also where the pod was made again") {
  SmallRemote remote;
  const PodState one = remote.push(shop, '1', "one");
  Doubtful store(remote.store, 1, true);
  store.meanwhile = [&] { remote.push(shop, '2', "two"); };
  CHECK(delete_pod(store, shop, one, SmallRemote::options(), {}).outcome == Outcome::published);

  Doubtful lost(remote.store, 1, false);
  lost.meanwhile = [&] { remote.push(shop, '3', "three"); };
  const auto now = read_state(remote.store, shop).value();
  CHECK(delete_pod(lost, shop, now, SmallRemote::options(), {}).outcome == Outcome::moved);
}

TEST_CASE("a pod of more than 64 packs is refused") {
  SmallRemote remote;
  Change change{.refs = refs_of(shop, '1'), .since = remote.now()};
  for (int i = 0; i < 65; ++i) {
    change.packs.push_back(upload_of(std::to_string(i)).info);
  }
  CHECK(code_of([&] { publish(remote.store, shop, std::nullopt, change, SmallRemote::options(), {}); }) ==
        ErrorCode::refused);
}

TEST_CASE("a remote of another door is left alone") {
  SmallRemote remote;
  require_format(remote.store, {"podhub:7f"});
  CHECK(code_of([&] { remote.push(shop, '1', "one"); }) == ErrorCode::incompatible);
  CHECK_FALSE(remote.has(head_key(shop)));
  CHECK_NOTHROW(require_format(remote.store, {"podhub:7f"}));
}

TEST_CASE("a push waits between tries, and no longer than it is let") {
  SmallRemote remote;
  remote.push(shop, '1', "one");
  Doubtful store(remote.store, 4, false);
  std::vector<std::chrono::milliseconds> waits;
  PublishOptions options;
  options.wait = [&](std::chrono::milliseconds wait) { waits.push_back(wait); };
  const auto state = read_state(remote.store, shop);
  publish(store, shop, state, {.refs = refs_of(shop, '2'), .since = remote.now()}, options, {});
  REQUIRE(waits.size() == 4);
  for (std::size_t i = 0; i < waits.size(); ++i) CHECK(waits[i].count() <= 100 << (i + 1));

  pod::CancelToken stop;
  pod::Context context;
  context.cancel = &stop;
  Doubtful cancelled(remote.store, 1, false);
  cancelled.meanwhile = [&] { stop.cancel(); };
  CHECK(code_of([&] {
          publish(cancelled, shop, read_state(remote.store, shop), {.refs = refs_of(shop, '3'), .since = remote.now()},
                  {}, context);
        }) == ErrorCode::cancelled);
}

TEST_CASE("broken off at any request, before it was done or after, a push that is done again comes to the same end") {
  for (const auto effect : {Fault::Effect::lost_request, Fault::Effect::lost_answer})
    for (std::uint64_t at = 1; at <= 10; ++at) {
      CAPTURE(at);
      SmallRemote remote;
      const std::vector<Upload> uploads{upload_of("one", "index of one"), upload_of("two", "index of two")};
      const auto push = [&](objects::ObjectStore& store) {
        const auto state = read_state(store, shop);
        if (state && state->manifest && state->manifest->refs == refs_of(shop, '1')) return std::uint64_t{0};
        const std::int64_t since = store.now();
        const auto packs = upload(store, since, uploads, {.connections = 1}, {});
        const auto result =
            publish(store, shop, state, {.refs = refs_of(shop, '1'), .packs = packs.packs, .since = since},
                    SmallRemote::options(), {});
        CHECK(result.outcome == Outcome::published);
        return packs.sent;
      };
      FaultStore bad(remote.store, [&](std::uint64_t number, Call, const std::string&) {
        return Fault{.effect = number == at ? effect : Fault::Effect::none};
      });
      const auto error = error_of([&] { push(bad); });
      const bool asked_again = effect == Fault::Effect::lost_answer && bad.calls() > 10;
      CHECK((error || asked_again));
      if (error) CHECK(error->code() == ErrorCode::unreachable);
      // GET HEAD, the time, two packs and two indexes, the marker, the manifest, the time, HEAD.
      const std::uint64_t sent = push(remote.store);
      if (at >= 7) CHECK(sent == 0);
      const auto state = read_state(remote.store, shop).value();
      CHECK(state.head.generation == 1);
      CHECK(state.manifest->packs.size() == 2);
      CHECK(read_state(remote.store, shop)->manifest->refs == refs_of(shop, '1'));
    }
}
