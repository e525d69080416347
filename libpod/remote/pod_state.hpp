// What a remote says of a pod now, read with as few requests as can be.
#pragma once

#include "objects/object_store.hpp"
#include "remote/manifest.hpp"

#include <libpod/error.hpp>
#include <libpod/names.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::remote {

/// A value.
struct PodState {
  Head head;
  std::string version;               // of HEAD, for who replaces it
  std::int64_t modified = 0;         // of HEAD, by the store's clock
  std::optional<Manifest> manifest;  // none: the pod was deleted
};

/// nullopt: there never was such a pod. `seen` (may be null) is what this reader saw last: if HEAD is still the same it
/// is returned after one request; a manifest that is known is not read again. Two requests else, more only while HEAD
/// moves. Error(corrupt) where something is damaged, missing, not the one that was named, or older than `seen`.
std::optional<PodState> read_state(objects::ObjectStore& store, const PodName& pod, const PodState* seen = nullptr);

/// For a sidecar of who reads: what was seen last. One line and a line feed.
std::string write_state(const PodState& state);
/// Error(corrupt), Error(incompatible).
PodState parse_state(std::string_view text);

struct ReadHead {
  Head head;
  std::int64_t modified = 0;  // by the store's clock
};
/// nullopt: there never was such a pod. Error(corrupt). One request.
std::optional<ReadHead> find_head(objects::ObjectStore& store, const PodName& pod);

struct ReadManifest {
  Manifest manifest;
  std::int64_t modified = 0;  // by the store's clock
};
/// nullopt: it is not there. Error(corrupt) where it is not the one that was named. One request.
std::optional<ReadManifest> find_manifest(objects::ObjectStore& store, const PodName& pod,
                                          const digest::Sha256Value& sha256);

struct ListedPod {
  PodName pod;
  Head head;
  std::int64_t modified = 0;
};
/// Whether what failed so for one pod of a remote may well go for another.
bool is_of_one_pod(ErrorCode code) noexcept;

struct UnreadPod {
  PodName pod;
  Error error;
};
struct PodList {
  std::vector<ListedPod> pods;    // by name, deleted ones too
  std::vector<UnreadPod> unread;  // by name: their HEADs are damaged, or of a newer format
};
/// One request a pod, `connections` at a time, and that of the list.
PodList list_pods(objects::ObjectStore& store, unsigned connections = 8);

}  // namespace pod::remote
