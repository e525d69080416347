// A pod's versions on their way to a remote.
//
// What the remote says of the pod is read first; what it lacks is written as packs into a spool, the same bytes each
// time, and uploaded; then HEAD moves by compare-and-swap. A push that was broken off is simply run again.

#include "flow/progress_step.hpp"
#include "flow/remote_access.hpp"
#include "flow/sending.hpp"
#include "remote/publication.hpp"
#include "store/engine.hpp"

#include <libpod/remote.hpp>

#include <algorithm>

namespace pod {
namespace {

using flow::OpenRemote;
using flow::SeenPod;
using remote::PodState;

constexpr int most_rounds = 3;  // where a push takes longer than a day

std::uint64_t versions_between(const git::Repository& repository, Oid from, const Oid& until) {
  std::uint64_t count = 0;
  while (from != until) {
    ++count;
    const git::Commit commit = repository.commit(from);
    if (commit.parents.empty()) break;
    from = commit.parents.front();
  }
  return count;
}

class Push {
 public:
  Push(Store& store, OpenRemote& remote, const PushOptions& options, const Context& context)
      : store_(store),
        repository_(store.engine().repository()),
        remote_(remote),
        options_(options),
        context_(context) {}

  PodPush run(const PodName& pod) {
    PodPush row{.pod = pod};
    row.version = store_.resolve(PodRef::latest(pod));
    for (int round = 1; round <= most_rounds; ++round)
      if (try_once(row)) return row;
    throw Error(ErrorCode::busy, "the push took longer than a day, " + std::to_string(most_rounds) + " times")
        .hint("run it again: what has arrived is not sent again");
  }

 private:
  /// False where it took so long that it has to begin anew.
  bool try_once(PodPush& row) {
    seen_ = remote_.memory.find(row.pod);
    const auto state = remote::read_state(*remote_.objects, row.pod, seen_ ? &seen_->state : nullptr);
    // After the own HEAD, from which a bucket's clock is known without another request; before all uploads.
    const std::int64_t since = remote_.objects->now();
    row.before = state && state->manifest ? flow::tip_of(*state->manifest, row.pod) : Oid();
    if (row.before == row.version->commit) {
      row.status = PushStatus::up_to_date;
      if (!options_.dry_run) note(row.pod, *state, row.before, all_packs(*state->manifest));
      return true;
    }
    if (!follows(row)) return true;

    const store::ObjectHold hold = store_.engine().hold(context_);
    const git::ObjectTable table = flow::read_table(repository_.objects_folder(), context_);
    const auto [missing, shared] = find_outstanding(table, state, row);
    row.bytes_shared = shared.bytes;
    row.objects = missing.skeleton.size() + missing.content.size();
    row.versions = versions_between(repository_, row.version->commit, row.before);
    if (options_.dry_run) {
      row.bytes_sent = missing.stored_bytes;
      row.status = PushStatus::pushed;
      return true;
    }
    flow::Sent sent = send(table, missing, state, since, row);
    std::vector<remote::PackInfo>& named = sent.uploaded.packs;
    named.insert(named.end(), shared.packs.begin(), shared.packs.end());
    return publish(row, state, sent, since);
  }

  /// Whether the local version may take the place of the remote's; says in `row` why not.
  bool follows(PodPush& row) {
    if (row.before.is_zero()) return true;
    const bool known = repository_.objects()->contains(row.before);
    if (known && repository_.is_ancestor(row.before, row.version->commit)) return true;
    const std::string theirs = remote_.info.name + "/" + row.pod.str();
    if (options_.force_with_lease) {
      if (repository_.find_ref(remote_.tracking_ref(row.pod)) == row.before) {
        row.forced = true;
        return true;
      }
      reject(row, Error(ErrorCode::conflict, quote(theirs) + " has moved since this store saw it last")
                      .hint("podgit fetch " + row.pod.str() + ", look, and push again"));
      return false;
    }
    if (known && repository_.is_ancestor(row.version->commit, row.before))
      reject(row, Error(ErrorCode::conflict, quote(theirs) + " is ahead of " + row.version->str())
                      .hint("podgit pull " + row.pod.str()));
    else
      reject(row,
             Error(ErrorCode::conflict, quote(theirs) + " has versions that " + row.version->str() + " does not follow")
                 .hint("podgit pull " + row.pod.str() + " shows what both sides have"));
    return false;
  }

  static void reject(PodPush& row, Error why) {
    row.status = PushStatus::rejected;
    row.error = std::move(why).keeping("the remote was not changed");
  }

  flow::Outstanding find_outstanding(const git::ObjectTable& table, const std::optional<PodState>& state,
                                     const PodPush& row) {
    const auto seen = [&](const PodName& other) -> std::optional<PodState> {
      auto found = remote_.memory.find(other);
      return found ? std::optional(std::move(found->state)) : std::nullopt;
    };
    const remote::Gap gap{.tips = {row.version->commit}, .remote_tips = remote_tips(row.before), .in_remote = {}};
    return flow::find_outstanding(*remote_.objects, row.pod, state, seen, table, *repository_.objects(), gap,
                                  store_.engine().spool_folder(), context_);
  }

  static std::vector<Oid> remote_tips(const Oid& before) {
    return before.is_zero() ? std::vector<Oid>{} : std::vector{before};
  }

  flow::Sent send(const git::ObjectTable& table, const remote::MissingObjects& missing,
                  const std::optional<PodState>& state, std::int64_t since, PodPush& row) {
    const flow::SendFolders folders{store_.engine().spool_folder(), store_.path() / "pod" / "incoming"};
    flow::Sent sent = flow::send_missing(
        *remote_.objects, table, *repository_.objects(), missing,
        state && state->manifest ? state->manifest->packs : std::vector<remote::PackInfo>{}, since, folders, context_);
    row.packs = sent.uploaded.packs.size();
    row.bytes_sent += sent.uploaded.sent;
    row.bytes_found += sent.uploaded.found;
    return sent;
  }

  bool publish(PodPush& row, const std::optional<PodState>& state, const flow::Sent& sent, std::int64_t since) {
    remote::Change change{.refs = std::vector<remote::ManifestRef>{},
                          .packs = sent.uploaded.packs,
                          .replaced = sent.replaced,
                          .since = since};
    change.refs->push_back({row.pod.branch(), row.version->commit});
    if (state && state->manifest)
      for (const remote::ManifestRef& ref : state->manifest->refs)
        if (ref.name != row.pod.branch()) change.refs->push_back(ref);
    std::sort(change.refs->begin(), change.refs->end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    const remote::Published done = remote::publish(*remote_.objects, row.pod, state, change, {}, context_);
    switch (done.outcome) {
      case remote::Outcome::expired: return false;
      case remote::Outcome::moved:
        reject(row, Error(ErrorCode::conflict, "somebody pushed " + quote(row.pod.str()) + " meanwhile")
                        .hint("podgit pull " + row.pod.str() + ", then push again"));
        return true;
      case remote::Outcome::published: break;
    }
    std::set<digest::Sha256Value> here = seen_ ? seen_->here : std::set<digest::Sha256Value>();
    if (!row.forced && state && state->manifest) here.merge(all_packs(*state->manifest));
    for (const remote::PackInfo& pack : sent.uploaded.packs) here.insert(pack.pack.sha256);
    note(row.pod, *done.state, row.version->commit, std::move(here));
    row.status = PushStatus::pushed;
    return true;
  }

  /// Of a state that this store's pod follows: what its refs reach is here.
  static std::set<digest::Sha256Value> all_packs(const remote::Manifest& manifest) {
    std::set<digest::Sha256Value> all;
    for (const remote::PackInfo& pack : manifest.packs) all.insert(pack.pack.sha256);
    return all;
  }

  void note(const PodName& pod, const PodState& state, const Oid& tip, std::set<digest::Sha256Value> here) {
    {
      const store::WriterLock lock = store_.engine().lock(context_);
      flow::set_tracking_ref(store_, remote_, pod, tip, "push");
      remote_.memory.keep(pod, SeenPod{state, std::move(here), seen_ ? seen_->judged : std::nullopt});
    }
    flow::remember_upstream(store_, remote_, pod);
  }

  Store& store_;
  git::Repository& repository_;
  OpenRemote& remote_;
  const PushOptions& options_;
  const Context& context_;
  std::optional<SeenPod> seen_;
};

}  // namespace

std::vector<PodPush> push(Store& store, std::string_view remote, const std::vector<PodName>& pods,
                          const PushOptions& options, const RemoteOptions& access, const Context& context) {
  OpenRemote opened(store, remote, options.dry_run ? flow::Access::read : flow::Access::write, access, context);
  std::vector<PodPush> rows;
  for (const PodName& pod : pods) {
    try {
      rows.push_back(Push(store, opened, options, context).run(pod));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::cancelled) throw;
      rows.push_back({.pod = pod, .status = PushStatus::failed, .error = error});
    }
  }
  return rows;
}

}  // namespace pod
