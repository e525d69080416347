// How the pods here stand to those of a remote, and what is known of the place itself.

#include "flow/remote_access.hpp"
#include "store/engine.hpp"

#include <libpod/remote.hpp>

#include <algorithm>
#include <map>
#include <unordered_set>

namespace pod {
namespace {

/// Commits that `from` reaches, as far as they are here.
std::unordered_set<Oid> history_of(const git::Repository& repository, const Oid& from, const Context& context) {
  std::unordered_set<Oid> seen;
  std::vector<Oid> open{from};
  while (!open.empty()) {
    context.cancel->check();
    const Oid id = open.back();
    open.pop_back();
    if (!seen.insert(id).second) continue;
    for (const Oid& parent : repository.commit(id).parents) open.push_back(parent);
  }
  return seen;
}

void compare(PodStanding& standing, const git::Repository& repository, const Context& context) {
  if (!standing.local || !standing.remote || !standing.remote->version) return;
  const Oid& ours = standing.local->commit;
  const Oid& theirs = standing.remote->version->commit;
  standing.ahead = standing.behind = 0;
  if (ours == theirs) return;
  const auto here = history_of(repository, ours, context);
  const auto there = history_of(repository, theirs, context);
  const auto only_in = [](const auto& a, const auto& b) {
    return static_cast<std::uint64_t>(
        std::count_if(a.begin(), a.end(), [&](const Oid& id) { return !b.contains(id); }));
  };
  standing.ahead = only_in(here, there);
  standing.behind = only_in(there, here);
}

}  // namespace

RemoteStatus remote_status(const Store& store, std::string_view remote, const RemoteOptions& access,
                           const Context& context) {
  RemoteStatus status;
  status.info = remote_named(store, remote);
  status.kind = status.info.url.starts_with("s3://") ? "bucket" : "folder";
  std::map<PodName, PodStanding> pods;
  for (RemotePod& pod : remote_pods(store, remote, access, context)) {
    const PodName name = pod.pod;
    pods.emplace(name, PodStanding{.pod = name, .remote = std::move(pod)});
  }
  for (const PodName& name : store.names())
    if (pods.contains(name) || upstream(store, name) == status.info.name)
      pods.emplace(name, PodStanding{.pod = name}).first->second.local = store.find(PodRef::latest(name));
  for (auto& [name, standing] : pods) {
    compare(standing, store.engine().repository(), context);
    status.pods.push_back(std::move(standing));
  }
  status.last_seen = flow::RemoteMemory(store.path(), status.info.name).last_change();
  status.abilities = flow::known_abilities(store.path(), status.info);
  return status;
}

}  // namespace pod
