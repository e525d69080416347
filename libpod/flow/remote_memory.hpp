// What a store saw of a remote's pods last: `pod/remotes/<remote>/<pod>`.
//
// It saves requests, tells a remote that went back to an older state, and says which packs need not be fetched. May be
// removed at any time.
#pragma once

#include "digest/digest.hpp"
#include "remote/pod_state.hpp"

#include <libpod/names.hpp>

#include <filesystem>
#include <optional>
#include <set>
#include <string>

namespace pod::flow {

struct SeenPod {
  remote::PodState state;
  std::set<digest::Sha256Value> here;  // packs whose objects this store has, or had
};

/// One thread at a time.
class RemoteMemory {
 public:
  /// `store`: its folder.
  RemoteMemory(const std::filesystem::path& store, const std::string& remote);

  /// nullopt where nothing is known, or what is known cannot be read.
  std::optional<SeenPod> find(const PodName& pod) const;
  void keep(const PodName& pod, const SeenPod& seen);
  void forget(const PodName& pod);
  /// All of the remote.
  void forget_all();

 private:
  std::filesystem::path folder_;
};

}  // namespace pod::flow
