// What other pods of a remote hold already of what is to be pushed: then their packs are named, and it is not sent.
//
//   const std::int64_t since = store.now();               before the HEAD of another pod is read
//   SharedPacks shared = find_shared_packs(…);
//   missing = find_missing(table, objects, {…, .in_remote = shared.holder()}, context);
//   publish(…, {.packs = uploaded and shared.packs, .since = since}, …);
//
// A pack that a HEAD named after `since` stays long enough for the push to name it as well (FORMATS.md, Garbage).
#pragma once

#include "git/pack_index.hpp"
#include "objects/object_store.hpp"
#include "remote/outgoing.hpp"
#include "remote/pod_state.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace pod::remote {

struct SharedPacks {
  std::vector<PackInfo> packs;
  std::vector<std::shared_ptr<git::PackIndex>> indexes;  // theirs
  std::uint64_t bytes = 0;                               // of what is to be pushed, as it lies here
  /// For Gap::in_remote; good on its own.
  std::function<bool(const Oid&)> holder() const;
};

struct SharingOptions {
  std::size_t most_pods = 64;   // that are looked at: those that were seen before, then those that changed last
  std::size_t most_packs = 16;  // that are relied on: a manifest has room for 64
  unsigned connections = 8;
};

/// Content packs alone, of which an eighth or more is of use: who fetches the pod fetches them whole. `own`: packs that
/// the pod's manifest names already. `seen` says what is known of another pod. `folder`: the caller's, for indexes.
/// Cost: a list, a request for each pod and one more for each that is not as it was seen, and indexes of an eighth of
/// the bytes that are missing at most. A pod that cannot be read is passed over.
SharedPacks find_shared_packs(objects::ObjectStore& store, const PodName& pod, const std::set<digest::Sha256Value>& own,
                              const std::function<std::optional<PodState>(const PodName&)>& seen,
                              const git::ObjectTable& table, const MissingObjects& missing,
                              const std::filesystem::path& folder, const SharingOptions& options,
                              const Context& context);

}  // namespace pod::remote
