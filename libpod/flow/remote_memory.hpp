// What a store saw of a remote's pods last: `pod/remotes/<remote>/<pod>`.
//
// It saves requests, tells a remote that went back to an older state, says which packs need not be fetched, and what
// the policy said of the newest version. May be removed at any time.
#pragma once

#include "digest/digest.hpp"
#include "remote/pod_state.hpp"

#include <libpod/context.hpp>
#include <libpod/names.hpp>
#include <libpod/resources.hpp>

#include <filesystem>
#include <optional>
#include <set>
#include <string>

namespace pod::flow {

/// What a fetch said of all files of a version, once.
struct FetchVerdict {
  Oid commit;
  int number = 0;  // reading::number of who judged: by another one it says nothing
  Verdict verdict = Verdict::refuse;
};

struct SeenPod {
  remote::PodState state;
  std::set<digest::Sha256Value> here;  // packs of which this store has, or had, what the pod needs
  std::optional<FetchVerdict> judged;  // none: the tip was never fetched, or by a libpod that kept none
};

/// What `seen` has on this very commit, by this libpod's policy.
std::optional<Verdict> verdict_on(const SeenPod& seen, const Oid& commit);

/// One thread at a time.
class RemoteMemory {
 public:
  /// `store`: its folder.
  RemoteMemory(const std::filesystem::path& store, const std::string& remote);

  /// nullopt where nothing is known, or what is known cannot be read.
  std::optional<SeenPod> find(const PodName& pod) const;
  /// Packs of all pods of the remote whose objects this store has, or had.
  const std::set<digest::Sha256Value>& here();
  void keep(const PodName& pod, const SeenPod& seen);
  void forget(const PodName& pod);
  /// All of the remote.
  void forget_all();
  /// When something was kept last.
  std::optional<Time> last_change() const;

 private:
  std::filesystem::path folder_;
  std::optional<std::set<digest::Sha256Value>> here_;
};

}  // namespace pod::flow
