// What a remote holds, and what is taken away there.

#include "flow/remote_access.hpp"
#include "remote/collection.hpp"
#include "remote/layout.hpp"
#include "remote/publication.hpp"
#include "store/engine.hpp"
#include "store/versions.hpp"

#include <libpod/remote.hpp>

#include <algorithm>

namespace pod {

std::vector<RemotePod> remote_pods(const Store& store, std::string_view remote, const RemoteOptions& access,
                                   const Context& context) {
  flow::OpenRemote opened(store, remote, flow::Access::read, access, context);
  static_cast<void>(remote::find_format(*opened.objects, remote::Format{}));
  const remote::PodList list = remote::list_pods(*opened.objects);
  std::vector<RemotePod> pods;
  for (const remote::UnreadPod& unread : list.unread) pods.push_back({.pod = unread.pod, .error = unread.error});
  for (const remote::ListedPod& listed : list.pods) {
    RemotePod& pod = pods.emplace_back(RemotePod{.pod = listed.pod});
    pod.deleted = !listed.head.manifest;
    pod.generation = listed.head.generation;
    pod.changed = {.seconds = listed.modified, .offset_minutes = 0};
    const auto seen = opened.memory.find(listed.pod);
    if (!seen || !seen->state.manifest || seen->state.head != listed.head) continue;
    pod.commit = flow::tip_of(*seen->state.manifest, listed.pod);
    pod.verdict = flow::verdict_on(*seen, *pod.commit);
    if (store.engine().repository().objects()->contains(*pod.commit))
      pod.version = store::load_version(store.engine().repository(), listed.pod, *pod.commit);
  }
  std::sort(pods.begin(), pods.end(), [](const RemotePod& a, const RemotePod& b) { return a.pod < b.pod; });
  return pods;
}

std::optional<Verdict> fetched_verdict(const Store& store, const Version& version) {
  std::optional<Verdict> worst;
  for (const RemoteInfo& remote : remotes(store)) {
    const flow::RemoteMemory memory(store.path(), remote.name);
    const std::string prefix = "refs/remotes/" + remote.name + "/";
    for (const git::Ref& ref : store.engine().repository().refs(prefix)) {
      if (ref.target != version.commit) continue;
      const auto seen = memory.find(PodName::parse(ref.name.substr(prefix.size())));
      const auto verdict = seen ? flow::verdict_on(*seen, version.commit) : std::nullopt;
      if (verdict) worst = std::max(worst.value_or(*verdict), *verdict);
    }
  }
  return worst;
}

void remove_remote_pod(Store& store, std::string_view remote, const PodName& pod, const RemoteOptions& access,
                       const Context& context) {
  flow::OpenRemote opened(store, remote, flow::Access::write, access, context);
  const auto state = remote::read_state(*opened.objects, pod);
  if (!state || !state->manifest)
    throw Error(ErrorCode::not_found, "there is no pod " + quote(pod.str()) + " at " + opened.info.url)
        .hint("podgit list --remote=" + opened.info.name);
  const remote::Published done = remote::delete_pod(*opened.objects, pod, *state, {}, context);
  if (done.outcome != remote::Outcome::published)
    throw Error(ErrorCode::conflict, "somebody pushed " + quote(pod.str()) + " meanwhile")
        .keeping("it is not deleted")
        .hint("podgit fetch " + pod.str() + ", look, and delete it again");
  const store::WriterLock lock = store.engine().lock(context);
  flow::set_tracking_ref(store, opened, pod, Oid(), "delete");
  opened.memory.forget(pod);
}

RemoteGarbage collect_remote_garbage(const Store& store, std::string_view remote, bool dry_run,
                                     const RemoteOptions& access, const Context& context) {
  flow::OpenRemote opened(store, remote, flow::Access::read, access, context);
  static_cast<void>(remote::find_format(*opened.objects, remote::Format{}));
  const remote::Collection collected =
      remote::collect_garbage(*opened.objects, {.dry_run = dry_run, .connections = 8}, context);
  return {.removed = collected.removed.size(), .bytes = collected.bytes, .kept = collected.kept};
}

}  // namespace pod
