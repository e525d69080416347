// A pod's HEAD moves: by compare-and-swap, told exactly whether it did.
//
//   const auto state = read_state(store, pod);
//   const std::int64_t since = store.now();   // before the first upload, and before the HEAD of another pod is read
//   const Uploaded packs = upload(store, since, missing, {}, context);
//   const Published result = publish(store, pod, state, {.refs = refs, .packs = packs.packs, .since = since}, {},
//   context);
//
// Two small requests once the packs are there, where nobody else is at it.
#pragma once

#include "objects/object_store.hpp"
#include "remote/layout.hpp"
#include "remote/pod_state.hpp"

#include <libpod/context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pod::remote {

/// How long a push may take from `since` to its compare-and-swap.
constexpr std::int64_t push_limit = std::int64_t{24} * 3600;

struct Change {
  /// All refs that the pod is to have; nullopt: those that it has (only packs change).
  std::optional<std::vector<ManifestRef>> refs;
  /// What is to be named beside the packs of the expected state: own uploads, and packs that HEADs of other pods named
  /// after `since`.
  std::vector<PackInfo> packs;
  /// What need not be named any more, since `packs` hold all that it holds.
  std::vector<digest::Sha256Value> replaced;
  /// The store's time before the first upload, and before a HEAD of another pod was read.
  std::int64_t since = 0;
};

struct PublishOptions {
  Format door;                                          // of a first push
  std::function<std::string()> nonce = new_nonce;       // tests have their own
  std::function<void(std::chrono::milliseconds)> wait;  // empty: sleeps, until the context is cancelled
};

enum class Outcome : std::uint8_t {
  published,
  moved,    // somebody else moved the refs: `state` is theirs
  expired,  // more than 24 hours since `since`: upload again, which sends only what has become too old, then publish
};

struct Published {
  Outcome outcome = Outcome::published;
  /// The newest that was seen: with `published` it holds the change, and perhaps what others built on it.
  std::optional<PodState> state;
};

/// The caller has looked at the remote's marker (find_format), once. `expected`: what the change was made for; nullopt
/// for a pod that is not there. Where only the packs moved meanwhile, the change is put on top of them, five times at
/// most (then Error(busy)). Error(outcome_unknown) where no answer came and HEAD cannot be read: nothing is deleted,
/// and a repetition finds out. Error(refused) for more than 64 packs.
Published publish(objects::ObjectStore& store, const PodName& pod, const std::optional<PodState>& expected,
                  const Change& change, const PublishOptions& options, const Context& context);

/// Puts a tombstone in HEAD's place; `moved` where the pod is not as expected any more. Its generation goes on if it
/// is made again. Throws as publish.
Published delete_pod(objects::ObjectStore& store, const PodName& pod, const PodState& expected,
                     const PublishOptions& options, const Context& context);

}  // namespace pod::remote
