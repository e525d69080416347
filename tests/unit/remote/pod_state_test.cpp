#include "remote/pod_state.hpp"

#include "objects/counting_store.hpp"
#include "remote/small_remote.hpp"

#include <doctest/doctest.h>

using namespace pod::remote;
using namespace pod::remote::test;
namespace objects = pod::objects;
namespace digest = pod::digest;
using objects::Call;
using objects::Content;
using pod::ErrorCode;
using pod::PodName;

namespace {

void overwrite(objects::ObjectStore& store, const objects::Key& key, const std::string& text) {
  store.remove(key);
  store.put_if_absent(key, Content::of(text));
}

bool holds(const std::optional<pod::Error>& error, const std::string& part) {
  return error && error->code() == ErrorCode::corrupt && error->message().find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a pod that never was is none") {
  SmallRemote remote;
  CHECK_FALSE(read_state(remote.store, shop));
}

TEST_CASE("where nothing is new one request is enough") {
  SmallRemote remote;
  const PodState seen = remote.push(shop, '1', "one");
  objects::CountingStore counting(remote.store);
  const auto state = read_state(counting, shop, &seen);
  CHECK(state->manifest == seen.manifest);
  CHECK(counting.calls() == 1);
}

TEST_CASE("a manifest that is known is not read again") {
  SmallRemote remote;
  PodState seen = remote.push(shop, '1', "one");
  seen.version = "of before a store was copied";
  objects::CountingStore counting(remote.store);
  CHECK(read_state(counting, shop, &seen)->manifest == seen.manifest);
  CHECK(counting.calls(Call::get) == 1);
  CHECK(counting.calls() == 1);
}

TEST_CASE("what is new takes two requests") {
  SmallRemote remote;
  const PodState seen = remote.push(shop, '1', "one");
  remote.push(shop, '2', "two");
  objects::CountingStore counting(remote.store);
  CHECK(read_state(counting, shop, &seen)->manifest->refs == refs_of(shop, '2'));
  CHECK(counting.calls() == 2);
}

TEST_CASE("an older HEAD than before is an alarm, and so is another one under the same number") {
  SmallRemote remote;
  remote.push(shop, '1', "one");
  const std::string old = objects::read_object(remote.store, head_key(shop), head_limit)->first;
  const PodState seen = remote.push(shop, '2', "two");
  overwrite(remote.store, head_key(shop), old);
  CHECK(holds(error_of([&] { read_state(remote.store, shop, &seen); }), "older state of the pod \"shop\""));
  CHECK(read_state(remote.store, shop)->head.generation == 1);

  Head fork = seen.head;
  fork.nonce = new_nonce();
  overwrite(remote.store, head_key(shop), write_head(fork));
  CHECK(holds(error_of([&] { read_state(remote.store, shop, &seen); }), "under the same number"));
}

TEST_CASE("a HEAD that has vanished is an alarm") {
  SmallRemote remote;
  const PodState seen = remote.push(shop, '1', "one");
  remote.store.remove(head_key(shop));
  CHECK(holds(error_of([&] { read_state(remote.store, shop, &seen); }), "has vanished"));
}

TEST_CASE("a manifest that is missing, or not the one that was named, is an alarm") {
  SmallRemote remote;
  const PodState state = remote.push(shop, '1', "one");
  const objects::Key key = manifest_key(shop, *state.head.manifest);
  overwrite(remote.store, key, write_manifest(*state.manifest) + " ");
  CHECK(holds(error_of([&] { read_state(remote.store, shop); }), "does not have the digest of its name"));
  remote.store.remove(key);
  CHECK(holds(error_of([&] { read_state(remote.store, shop); }), "is missing"));
}

TEST_CASE("a manifest of another pod, or of another HEAD, is not taken") {
  SmallRemote remote;
  const PodState ours = remote.push(shop, '1', "one");
  const PodState theirs = remote.push(till, '2', "two");
  remote.store.put_if_absent(manifest_key(shop, *theirs.head.manifest), Content::of(write_manifest(*theirs.manifest)));
  overwrite(remote.store, head_key(shop), write_head(theirs.head));
  CHECK(holds(error_of([&] { read_state(remote.store, shop); }), "is of another pod"));

  Head replayed = ours.head;
  replayed.generation = 2;
  overwrite(remote.store, head_key(shop), write_head(replayed));
  CHECK(holds(error_of([&] { read_state(remote.store, shop); }), "was not made for the HEAD"));
}

TEST_CASE("a damaged HEAD is named") {
  SmallRemote remote;
  remote.store.put_if_absent(head_key(shop), Content::of("{}\n"));
  CHECK(holds(error_of([&] { read_state(remote.store, shop); }), "\"pods/shop/HEAD\""));
  overwrite(remote.store, head_key(shop), std::string(5000, ' '));
  CHECK(code_of([&] { read_state(remote.store, shop); }) == ErrorCode::refused);
}

TEST_CASE("all pods are listed, those that were deleted and those that cannot be read too") {
  SmallRemote remote;
  for (int i = 0; i < 30; ++i) remote.push(PodName::parse("pod" + std::to_string(100 + i)), '1', "one");
  const PodState gone = remote.push(shop, '1', "one");
  delete_pod(remote.store, shop, gone, SmallRemote::options(), {});
  remote.store.put_if_absent(head_key(till), Content::of("damaged"));
  remote.store.put_if_absent(manifest_key(PodName::parse("begun"), {}), Content::of("a first push that broke"));
  remote.store.put_if_absent(objects::Key::parse("pods/-none/HEAD"), Content::of("a folder that is no pod's"));
  const PodList list = list_pods(remote.store);
  REQUIRE(list.pods.size() == 31);
  CHECK(list.pods[0].pod.str() == "pod100");
  CHECK(list.pods[30].pod == shop);
  CHECK(list.pods[30].head.deleted);
  REQUIRE(list.unread.size() == 1);
  CHECK(list.unread[0].pod == till);
  CHECK(list.unread[0].error.code() == ErrorCode::corrupt);
  CHECK(list.unread[0].error.message().find("pods/till/HEAD") != std::string::npos);
}

TEST_CASE("what was seen is kept as a line, and read back whole or not at all") {
  SmallRemote remote;
  const PodState state = remote.push(shop, '1', "one");
  const std::string text = write_state(state);
  const PodState read = parse_state(text);
  CHECK((read.head == state.head && read.manifest == state.manifest && read.version == state.version));
  CHECK(read.modified == state.modified);
  objects::CountingStore counting(remote.store);
  read_state(counting, shop, &read);
  CHECK(counting.calls() == 1);

  const PodState gone = delete_pod(remote.store, shop, state, SmallRemote::options(), {}).state.value();
  CHECK(parse_state(write_state(gone)).head == gone.head);

  PodState mixed = remote.push(till, '2', "two");
  mixed.head = state.head;
  CHECK(code_of([&] { parse_state(write_state(mixed)); }) == ErrorCode::corrupt);
  CHECK(code_of([&] { parse_state(text.substr(0, text.size() / 2)); }) == ErrorCode::corrupt);
}
