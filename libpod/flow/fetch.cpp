// What a remote has, on its way into the store: packs first into `pod/incoming`, checked there object by object, then
// installed, and only then the refs.

#include "base/files.hpp"
#include "flow/history_part.hpp"
#include "flow/judging.hpp"
#include "flow/progress_step.hpp"
#include "flow/remote_access.hpp"
#include "git/shallow.hpp"
#include "reading/state_file.hpp"
#include "remote/content_download.hpp"
#include "remote/intake.hpp"
#include "remote/layout.hpp"
#include "remote/pack_download.hpp"
#include "store/engine.hpp"
#include "store/versions.hpp"

#include <libpod/remote.hpp>

#include <algorithm>
#include <map>

namespace pod {
namespace {

using flow::OpenRemote;
using flow::SeenPod;
using remote::PodState;

constexpr unsigned connections = 4;
constexpr int most_rounds = 4;  // where the remote moves while its packs are fetched

/// What a remote that has any pods says first; a remote nobody pushed to has none.
void check_format(OpenRemote& remote) { static_cast<void>(remote::find_format(*remote.objects, remote::Format{})); }

class Fetch {
 public:
  Fetch(Store& store, OpenRemote& remote, const FetchOptions& options, const Context& context)
      : store_(store),
        repository_(store.engine().repository()),
        remote_(remote),
        options_(options),
        context_(context) {}

  PodFetch run(const PodName& pod) {
    PodFetch row{.pod = pod};
    row.before = repository_.find_ref(remote_.tracking_ref(pod)).value_or(Oid());
    for (int round = 1; round <= most_rounds; ++round)
      if (try_once(row)) return row;
    throw Error(ErrorCode::busy, quote(remote_.info.name + "/" + pod.str()) + " moves faster than it can be fetched")
        .hint("try again");
  }

 private:
  /// False where the remote went on meanwhile and what was named is there no more.
  bool try_once(PodFetch& row) {
    std::optional<SeenPod> seen = remote_.memory.find(row.pod);
    if (!seen) check_format(remote_);
    const auto state = remote::read_state(*remote_.objects, row.pod, seen ? &seen->state : nullptr);
    if (!state || !state->manifest) return gone(row, state.has_value());
    const Oid tip = flow::tip_of(*state->manifest, row.pod);
    std::set<digest::Sha256Value> here = seen ? std::move(seen->here) : std::set<digest::Sha256Value>();
    // Until a ref names them, nothing else keeps the new objects from a gc.
    const store::ObjectHold hold = store_.engine().hold(context_);
    if (options_.depth || (tip != row.before && !is_here(row.pod, tip))) {
      if (!bring(row, *state, tip)) return false;
      for (const remote::PackInfo& pack : state->manifest->packs) here.insert(pack.pack.sha256);
    }
    tell(row, tip);
    const flow::FetchVerdict judged = judge(*row.version, seen ? seen->judged : std::nullopt);
    row.verdict = judged.verdict;
    const store::WriterLock lock = store_.engine().lock(context_);
    store::refuse_case_twin(repository_, row.pod);
    flow::set_tracking_ref(store_, remote_, row.pod, tip, "fetch");
    remote_.memory.keep(row.pod, SeenPod{*state, std::move(here), judged});
    return true;
  }

  bool gone(PodFetch& row, bool deleted) {
    if (row.before.is_zero())
      throw Error(ErrorCode::not_found, "there is no pod " + quote(row.pod.str()) + " at " + remote_.info.url)
          .because(deleted ? "it was deleted" : "nobody pushed it yet")
          .hint("podgit list --remote=" + remote_.info.name);
    row.status = FetchStatus::deleted;
    const store::WriterLock lock = store_.engine().lock(context_);
    flow::set_tracking_ref(store_, remote_, row.pod, Oid(), "fetch");
    remote_.memory.forget(row.pod);
    return true;
  }

  /// A version of the pod itself has all that it reaches.
  bool is_here(const PodName& pod, const Oid& tip) const {
    const auto local = repository_.find_ref(pod.branch());
    return local && repository_.objects()->contains(tip) && repository_.is_ancestor(tip, *local);
  }

  bool bring(PodFetch& row, const PodState& state, const Oid& tip) {
    const remote::IncomingFolder incoming(store_.path() / "pod" / "incoming", std::chrono::seconds(30), context_);
    if (!(options_.depth ? bring_part(row, state, tip, incoming) : bring_whole(row, state, tip, incoming)))
      return false;
    incoming.remove(state.manifest->packs);
    return true;
  }

  bool bring_whole(PodFetch& row, const PodState& state, const Oid& tip, const remote::IncomingFolder& incoming) {
    const std::set<digest::Sha256Value>& here = remote_.memory.here();
    const std::vector<remote::PackInfo>& all = state.manifest->packs;
    std::vector<remote::PackInfo> wanted;
    for (const remote::PackInfo& pack : all)
      if (!here.contains(pack.pack.sha256)) wanted.push_back(pack);
    if (!download(row, wanted, incoming)) return false;
    if (wanted.size() < all.size()) {
      try {
        take(row, wanted, tip, incoming);
        return true;
      } catch (const Error& error) {
        // What this store had once, it may have thrown away since; or it never took all of it.
        if (error.code() != ErrorCode::corrupt) refused(error, all, incoming);
      }
      if (!git::read_shallow(repository_.path()).commits.empty()) return bring_part(row, state, tip, incoming);
      if (!download(row, all, incoming)) return false;
    }
    try {
      take(row, all, tip, incoming);
    } catch (const Error& error) {
      refused(error, all, incoming);
    }
    return true;
  }

  /// What was refused is not kept for another try: it would be refused again.
  [[noreturn]] static void refused(const Error& error, const std::vector<remote::PackInfo>& packs,
                                   const remote::IncomingFolder& incoming) {
    if (error.code() == ErrorCode::corrupt || error.code() == ErrorCode::refused) incoming.remove(packs);
    throw error;
  }

  bool bring_part(PodFetch& row, const PodState& state, const Oid& tip, const remote::IncomingFolder& incoming) {
    std::vector<remote::PackInfo> skeletons;
    std::vector<remote::PackInfo> contents;
    for (const remote::PackInfo& pack : state.manifest->packs)
      (pack.kind == remote::PackKind::content ? contents : skeletons).push_back(pack);
    if (!download(row, skeletons, incoming)) return false;
    try {
      return take_part(row, skeletons, contents, tip, incoming);
    } catch (const Error& error) {
      refused(error, state.manifest->packs, incoming);
    }
  }

  /// Some of the versions: all commits and folders are looked at in quarantine, and what is not wanted stays out.
  bool take_part(PodFetch& row, const std::vector<remote::PackInfo>& skeletons,
                 const std::vector<remote::PackInfo>& contents, const Oid& tip,
                 const remote::IncomingFolder& incoming) {
    remote::Intake intake(repository_.objects_folder(), repository_.objects(), store_.engine().spool_folder(),
                          context_);
    add(intake, skeletons, incoming);
    const auto preview = intake.preview();
    const flow::HistoryPart part = flow::choose_part(repository_, *preview, tip, options_.depth, context_);
    const base::TempFolder work(store_.engine().spool_folder());
    {
      const flow::ProgressStep step(context_, "fetching", std::nullopt);
      const auto content = remote::download_content(*remote_.objects, contents, preview, part.commits, incoming,
                                                    work.path(), connections, context_);
      if (!content) return false;
      for (const remote::OutgoingPack& pack : content->packs)
        intake.add(pack.pack, digest::hex(pack.info.pack.sha256), pack.info.objects);
      row.packs += content->packs.size();
      row.bytes_received += content->received;
    }
    remote::Offer offer{.tips = part.commits, .known_tips = known_tips(), .depth = std::nullopt, .cut = part.cut};
    offer.tips.push_back(tip);
    offer.cut.insert(part.ends.begin(), part.ends.end());
    install(row, intake, offer);
    // Before a ref names what is cut off, and after what lies behind is there.
    git::write_shallow(repository_.path(), part.cut);
    repository_.objects()->refresh();
    row.older_versions = part.older;
    return true;
  }

  bool download(PodFetch& row, const std::vector<remote::PackInfo>& packs, const remote::IncomingFolder& incoming) {
    std::uint64_t bytes = 0;
    for (const remote::PackInfo& pack : packs) bytes += pack.pack.size;
    const flow::ProgressStep step(context_, "fetching", bytes);
    const auto downloaded = remote::download_packs(*remote_.objects, packs, incoming, connections, context_);
    if (!downloaded) return false;
    row.packs = packs.size();
    row.bytes_received += downloaded->received;
    return true;
  }

  // Whole in quarantine, or not at all.
  void take(PodFetch& row, const std::vector<remote::PackInfo>& packs, const Oid& tip,
            const remote::IncomingFolder& incoming) {
    remote::Intake intake(repository_.objects_folder(), repository_.objects(), store_.engine().spool_folder(),
                          context_);
    add(intake, packs, incoming);
    install(row, intake, {.tips = {tip}, .known_tips = known_tips(), .depth = std::nullopt, .cut = {}});
  }

  void add(remote::Intake& intake, const std::vector<remote::PackInfo>& packs, const remote::IncomingFolder& incoming) {
    const flow::ProgressStep step(context_, "checking", std::nullopt);
    for (const remote::PackInfo& pack : packs)
      intake.add(incoming.file_of(pack), digest::hex(pack.pack.sha256), pack.objects);
  }

  std::vector<Oid> known_tips() const {
    std::vector<Oid> tips;
    for (const git::Ref& ref : repository_.refs("refs/")) tips.push_back(ref.target);
    return tips;
  }

  void install(PodFetch& row, remote::Intake& intake, const remote::Offer& offer) {
    {
      const flow::ProgressStep step(context_, "checking", std::nullopt);
      intake.check(offer);
    }
    row.objects += intake.install().objects;
    repository_.objects()->refresh();
  }

  /// What came, for the row.
  void tell(PodFetch& row, const Oid& tip) {
    row.version = store::load_version(repository_, row.pod, tip);
    const bool follows = !row.before.is_zero() && repository_.is_ancestor(row.before, tip);
    row.status = row.before == tip      ? FetchStatus::up_to_date
                 : row.before.is_zero() ? FetchStatus::created
                 : follows              ? FetchStatus::updated
                                        : FetchStatus::replaced;
    if (row.status == FetchStatus::up_to_date) return;
    Oid at = tip;
    while (at != row.before) {
      ++row.versions;
      const git::Commit commit = repository_.commit(at);
      if (commit.parents.empty()) break;
      at = commit.parents.front();
    }
  }

  /// On all of the version's files; those that were accepted with a version before it are not read again.
  flow::FetchVerdict judge(const Version& version, const std::optional<flow::FetchVerdict>& before) {
    std::map<StatePath, Oid> accepted;
    if (before && before->number == reading::number) {
      if (before->commit == version.commit) return *before;
      if (before->verdict == Verdict::accept && repository_.objects()->contains(before->commit) &&
          repository_.is_ancestor(before->commit, version.commit))
        for (const FileEntry& file :
             store_.snapshot(store::load_version(repository_, version.pod, before->commit)).files())
          accepted.emplace(file.path, file.id);
    }
    const Verdict verdict = flow::worst_verdict(
        store_.snapshot(version),
        [&](const FileEntry& file) {
          const auto same = accepted.find(file.path);
          return same == accepted.end() || same->second != file.id;
        },
        context_);
    return {.commit = version.commit, .number = reading::number, .verdict = verdict};
  }

  Store& store_;
  git::Repository& repository_;
  OpenRemote& remote_;
  const FetchOptions& options_;
  const Context& context_;
};

std::vector<PodName> pods_of(OpenRemote& remote) {
  std::vector<PodName> pods;
  const remote::PodList list = remote::list_pods(*remote.objects);
  for (const remote::ListedPod& listed : list.pods)
    if (listed.head.manifest) pods.push_back(listed.pod);
  // One that cannot be read tells so in its own row.
  for (const remote::UnreadPod& unread : list.unread) pods.push_back(unread.pod);
  return pods;
}

/// The pods of the remote that this store has seen, and that may be gone there.
std::vector<PodName> seen_pods(const Store& store, const OpenRemote& remote) {
  std::vector<PodName> pods;
  const std::string prefix = "refs/remotes/" + remote.info.name + "/";
  for (const git::Ref& ref : store.engine().repository().refs(prefix)) {
    try {
      pods.push_back(PodName::parse(ref.name.substr(prefix.size())));
    } catch (const Error&) {
      // No pod: stock git's refs/remotes/origin/HEAD.
    }
  }
  return pods;
}

}  // namespace

namespace flow {

std::vector<PodFetch> fetch_from(Store& store, OpenRemote& remote, std::vector<PodName> pods,
                                 const FetchOptions& options, const Context& context) {
  if (pods.empty()) {
    check_format(remote);
    pods = pods_of(remote);
    for (PodName& pod : seen_pods(store, remote)) pods.push_back(std::move(pod));
    std::sort(pods.begin(), pods.end());
    pods.erase(std::unique(pods.begin(), pods.end()), pods.end());
  }
  std::vector<PodFetch> rows;
  for (const PodName& pod : pods) {
    try {
      rows.push_back(Fetch(store, remote, options, context).run(pod));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::cancelled) throw;
      PodFetch& row = rows.emplace_back(PodFetch{.pod = pod});
      row.error = error;
    }
  }
  return rows;
}

}  // namespace flow

std::vector<PodFetch> fetch(Store& store, std::string_view remote, const std::vector<PodName>& pods,
                            const FetchOptions& options, const RemoteOptions& access, const Context& context) {
  if (options.depth == 0u)
    throw Error(ErrorCode::invalid_argument, "the newest 0 versions are none").hint("--depth 1 is the least");
  OpenRemote opened(store, remote, flow::Access::read, access, context);
  return flow::fetch_from(store, opened, pods, options, context);
}

PodPull pull(Store& store, std::string_view remote, const PodName& pod, const RemoteOptions& access,
             const Context& context) {
  OpenRemote opened(store, remote, flow::Access::read, access, context);
  PodPull result{.fetched = Fetch(store, opened, {}, context).run(pod)};
  const std::string theirs = opened.info.name + "/" + pod.str();
  if (result.fetched.status == FetchStatus::deleted)
    throw Error(ErrorCode::not_found, quote(theirs) + " was deleted")
        .keeping(pod.str() + " is as it was")
        .hint("podgit push " + pod.str() + " makes it again");
  const Version& fetched = *result.fetched.version;
  result.before = store.find(PodRef::latest(pod));
  git::Repository& repository = store.engine().repository();
  if (result.before && result.before->commit == fetched.commit) {
    result.version = result.before;
  } else if (result.before && repository.is_ancestor(fetched.commit, result.before->commit)) {
    result.version = result.before;
    result.status = PullStatus::ahead;
  } else if (result.before && !repository.is_ancestor(result.before->commit, fetched.commit)) {
    throw Error(ErrorCode::conflict, pod.str() + " and " + theirs + " have both moved on")
        .because("here it is at version " + std::to_string(result.before->number) + ", there at version " +
                 std::to_string(fetched.number))
        .keeping(pod.str() + " is as it was; " + theirs + " is fetched")
        .hint("podgit diff " + pod.str() + " " + theirs + "; then podgit copy " + theirs + " " + pod.str() +
              " --force takes theirs, podgit push " + pod.str() + " --force-with-lease yours");
  } else {
    const store::WriterLock lock = store.engine().lock(context);
    Operation operation;
    operation.verb = "pull";
    operation.what = theirs + ":" + std::to_string(fetched.number);
    operation.ref = pod.branch();
    operation.before = result.before ? result.before->commit : Oid();
    operation.after = fetched.commit;
    store.engine().append(lock, std::move(operation), context);
    result.version = store::load_version(repository, pod, fetched.commit);
    result.status = result.before ? PullStatus::fast_forward : PullStatus::created;
  }
  flow::remember_upstream(store, opened, pod);
  return result;
}

}  // namespace pod
