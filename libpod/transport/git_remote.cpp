// List, fetch and push for git: the same steps as podgit's, for a repository that need not be a store.

#include "base/ascii.hpp"
#include "digest/digest.hpp"
#include "flow/progress_step.hpp"
#include "flow/remote_access.hpp"
#include "flow/sending.hpp"
#include "git/strict_object.hpp"
#include "remote/intake.hpp"
#include "remote/layout.hpp"
#include "remote/outgoing.hpp"
#include "remote/pack_download.hpp"
#include "remote/parallel.hpp"
#include "remote/publication.hpp"
#include "transport/git_folder.hpp"
#include "transport/ref_plan.hpp"

#include <libpod/remote.hpp>

#include <algorithm>
#include <set>

namespace pod {
namespace {

namespace fs = std::filesystem;
using remote::Manifest;
using remote::PackInfo;
using remote::PodState;
using transport::manifest_of;
using transport::PodPlan;
using transport::RefPlan;
using transport::target_in;
using PackNames = std::set<digest::Sha256Value>;

constexpr unsigned connections = 8;
constexpr int most_rounds = 4;  // where the remote moves while its packs are fetched, or a push takes longer than a day

/// What the remote is called in `pod/remotes` and `pod/buckets`: git may know it by several names, or by none.
std::string name_of(const std::string& url) { return "url-" + digest::hex(digest::sha256(url)).substr(0, 16); }

}  // namespace

struct GitRemote::Impl {
  Impl(const fs::path& repository, std::string_view url, RemoteOptions options, const Context& given)
      : info{"", parse_remote_url(url)},
        folder(repository),
        access(std::move(options)),
        context(given),
        memory(own_folder(), name_of(info.url)) {
    info.name = name_of(info.url);
  }

  RemoteInfo info;
  transport::GitFolder folder;
  RemoteOptions access;
  Context context;
  flow::RemoteMemory memory;
  std::unique_ptr<objects::ObjectStore> objects;
  transport::Pods pods;  // as refs() found them

  /// Without a repository nothing is kept, and nothing is found that was.
  fs::path own_folder() const { return folder.path().empty() ? fs::path("/dev/null") : folder.path(); }

  // What is there.

  std::vector<GitRef> refs(bool to_push) {
    objects = flow::open_objects(own_folder(), info, flow::Access::read, access, context);
    pods.clear();
    if (!to_push || !is_missing_folder()) read_pods();
    std::map<std::string, Oid> found;
    for (const auto& [pod, state] : pods)
      if (const Manifest* manifest = manifest_of(pods, pod))
        for (const remote::ManifestRef& ref : manifest->refs)
          if (!found.emplace(ref.name, ref.target).second)
            context.progress->warn("the tag " + quote(ref.name) + " is there twice; the one of " + quote(pod.str()) +
                                   " is left out");
    std::vector<GitRef> all;
    for (const auto& [name, target] : found) all.push_back({name, target});
    return all;
  }

  /// One that a first push makes.
  bool is_missing_folder() const {
    constexpr std::string_view scheme = "file://";
    if (!info.url.starts_with(scheme)) return false;
    const fs::path place(info.url.substr(scheme.size()));
    std::error_code error;
    return !fs::exists(place, error) && fs::is_directory(place.parent_path(), error);
  }

  void read_pods() {
    if (!remote::find_format(*objects, remote::Format{})) return;
    std::vector<PodName> names;
    for (const std::string& name : objects->folders(std::string(remote::pods_folder)))
      if (const auto place = remote::parse_key(std::string(remote::pods_folder) + name + "/HEAD"))
        names.push_back(*place->pod);
    std::vector<std::optional<flow::SeenPod>> seen;
    for (const PodName& pod : names) seen.push_back(memory.find(pod));
    std::vector<std::optional<PodState>> found(names.size());
    std::vector<std::string> problems(names.size());
    remote::in_parallel(names.size(), connections, [&](std::size_t i) {
      try {
        found[i] = remote::read_state(*objects, names[i], seen[i] ? &seen[i]->state : nullptr);
      } catch (const Error& error) {
        if (!remote::is_of_one_pod(error.code())) throw;
        problems[i] = error.message();
      }
    });
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (found[i]) pods.emplace(names[i], std::move(*found[i]));
      if (!problems[i].empty()) context.progress->warn(problems[i] + "; the pod is left out");
    }
  }

  std::optional<std::string> head() const {
    std::optional<std::string> first;
    for (const auto& [pod, state] : pods) {
      if (!state.manifest) continue;
      if (pod.str() == "main") return pod.branch();
      if (!first) first = pod.branch();
    }
    return first;
  }

  // Here.

  GitFetched fetch(const std::vector<Oid>& wanted, bool tags) {
    folder.prepare();
    std::set<Oid> tips(wanted.begin(), wanted.end());
    const std::vector<PodName> from = pods_with(tips);
    for (int round = 1; round <= most_rounds; ++round) {
      if (tags) add_tags(from, tips);
      GitFetched fetched;
      if (try_fetch(from, tips, fetched)) return fetched;
      for (const PodName& pod : from)
        if (auto state = remote::read_state(*objects, pod)) pods.insert_or_assign(pod, std::move(*state));
    }
    throw Error(ErrorCode::busy, info.url + " moves faster than it can be fetched").hint("try again");
  }

  std::vector<PodName> pods_with(const std::set<Oid>& wanted) const {
    std::vector<PodName> from;
    std::set<Oid> named;
    for (const auto& [pod, state] : pods) {
      bool asked = false;
      if (const Manifest* manifest = manifest_of(pods, pod))
        for (const remote::ManifestRef& ref : manifest->refs)
          asked |= wanted.contains(ref.target) && named.insert(ref.target).second;
      if (asked) from.push_back(pod);
    }
    for (const Oid& id : wanted)
      if (!named.contains(id)) throw Error(ErrorCode::not_found, "no pod at " + info.url + " is at " + id.hex());
    return from;
  }

  void add_tags(const std::vector<PodName>& from, std::set<Oid>& tips) const {
    for (const PodName& pod : from)
      if (const Manifest* manifest = manifest_of(pods, pod))
        for (const remote::ManifestRef& ref : manifest->refs)
          if (ref.name != pod.branch()) tips.insert(ref.target);
  }

  /// The packs of those pods, each once, without those in `here`.
  std::vector<PackInfo> packs_of(const std::vector<PodName>& from, bool all) {
    std::vector<PackInfo> packs;
    PackNames named;
    for (const PodName& pod : from) {
      const Manifest* manifest = manifest_of(pods, pod);
      if (manifest == nullptr) continue;
      const auto seen = memory.find(pod);
      for (const PackInfo& pack : manifest->packs)
        if ((all || !seen || !seen->here.contains(pack.pack.sha256)) && named.insert(pack.pack.sha256).second)
          packs.push_back(pack);
    }
    return packs;
  }

  /// False where the remote went on meanwhile and what was named is there no more.
  bool try_fetch(const std::vector<PodName>& from, const std::set<Oid>& tips, GitFetched& fetched) {
    const remote::IncomingFolder incoming(folder.incoming(), std::chrono::seconds(30), context);
    const std::vector<PackInfo> all = packs_of(from, true);
    if (!bring(from, all, tips, incoming, fetched)) return false;
    incoming.remove(all);
    for (const PodName& pod : from) remember(pod, all);
    return true;
  }

  bool download(const std::vector<PackInfo>& packs, const remote::IncomingFolder& incoming, GitFetched& fetched) {
    std::uint64_t bytes = 0;
    for (const PackInfo& pack : packs) bytes += pack.pack.size;
    const flow::ProgressStep step(context, "fetching", bytes);
    const auto downloaded = remote::download_packs(*objects, packs, incoming, connections / 2, context);
    if (!downloaded) return false;
    fetched.packs = packs.size();
    fetched.bytes_received += downloaded->received;
    return true;
  }

  bool bring(const std::vector<PodName>& from, const std::vector<PackInfo>& all, const std::set<Oid>& tips,
             const remote::IncomingFolder& incoming, GitFetched& fetched) {
    const std::vector<PackInfo> wanted = packs_of(from, false);
    if (!download(wanted, incoming, fetched)) return false;
    if (wanted.size() < all.size()) {
      try {
        take(wanted, tips, incoming, fetched);
        return true;
      } catch (const Error& error) {
        // What this repository had once, it may have thrown away since.
        if (error.code() != ErrorCode::corrupt) refused(error, all, incoming);
      }
      if (!download(all, incoming, fetched)) return false;
    }
    try {
      take(all, tips, incoming, fetched);
    } catch (const Error& error) {
      refused(error, all, incoming);
    }
    return true;
  }

  /// What was refused is not kept for another try: it would be refused again.
  [[noreturn]] static void refused(const Error& error, const std::vector<PackInfo>& packs,
                                   const remote::IncomingFolder& incoming) {
    if (error.code() == ErrorCode::corrupt || error.code() == ErrorCode::refused) incoming.remove(packs);
    throw error;
  }

  // Whole in quarantine, or not at all.
  void take(const std::vector<PackInfo>& packs, const std::set<Oid>& tips, const remote::IncomingFolder& incoming,
            GitFetched& fetched) {
    remote::Intake intake(folder.objects_folder(), folder.shared_objects(), folder.spool(), context);
    {
      const flow::ProgressStep step(context, "checking", std::nullopt);
      for (const PackInfo& pack : packs)
        intake.add(incoming.file_of(pack), digest::hex(pack.pack.sha256), pack.objects);
      intake.check({.tips = {tips.begin(), tips.end()}, .known_tips = folder.tips(), .depth = std::nullopt});
    }
    fetched.objects += intake.install().objects;
    folder.objects().refresh();
  }

  void remember(const PodName& pod, const std::vector<PackInfo>& here) {
    const auto state = pods.find(pod);
    if (state == pods.end()) return;
    auto seen = memory.find(pod);
    PackNames names = seen ? std::move(seen->here) : PackNames();
    for (const PackInfo& pack : here) names.insert(pack.pack.sha256);
    memory.keep(pod, {state->second, std::move(names), seen ? seen->judged : std::nullopt});
  }

  // There.

  std::vector<GitRefPushed> push(const std::vector<GitRefUpdate>& updates, const GitPushOptions& options) {
    folder.prepare();
    RefPlan plan = transport::plan_refs(updates, pods, folder.objects());
    if (options.atomic && plan.pods.size() > 1) {
      for (GitRefPushed& answer : plan.answers)
        refuse(answer, Error(ErrorCode::unsupported, "each pod moves by itself, so only one can be pushed atomically"));
      return std::move(plan.answers);
    }
    if (!options.dry_run) objects = flow::open_objects(own_folder(), info, flow::Access::write, access, context);
    for (const PodPlan& pod : plan.pods) {
      try {
        push_pod(pod, updates, options, plan.answers);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) throw;
        for (const std::size_t i : pod.updates)
          if (plan.answers[i].status == GitRefStatus::done) refuse(plan.answers[i], error);
      }
    }
    return std::move(plan.answers);
  }

  static void refuse(GitRefPushed& answer, const Error& why) {
    answer.status = GitRefStatus::refused;
    answer.error = why;
  }

  void push_pod(const PodPlan& plan, const std::vector<GitRefUpdate>& updates, const GitPushOptions& options,
                std::vector<GitRefPushed>& answers) {
    const Manifest* before = manifest_of(pods, plan.pod);
    if (before == nullptr) refuse_case_twin(plan.pod);
    std::map<std::string, Oid> refs;
    if (before != nullptr)
      for (const remote::ManifestRef& ref : before->refs) refs.emplace(ref.name, ref.target);
    const std::map<std::string, Oid> old = refs;
    std::vector<std::size_t> accepted;
    for (const std::size_t i : plan.updates) {
      answers[i] = transport::judge(updates[i], target_in(before, updates[i].name), folder.objects());
      if (answers[i].status == GitRefStatus::done) accepted.push_back(i);
    }
    if (options.atomic && std::any_of(answers.begin(), answers.end(),
                                      [](const GitRefPushed& answer) { return answer.status != GitRefStatus::done; })) {
      for (const std::size_t i : accepted)
        refuse(answers[i], Error(ErrorCode::conflict, "another ref of this push was refused"));
      return;
    }
    for (const std::size_t i : accepted) {
      refs.erase(updates[i].name);
      if (!updates[i].target.is_zero()) refs.emplace(updates[i].name, updates[i].target);
    }
    if (refs == old || options.dry_run) return;
    if (!refs.contains(plan.pod.branch())) {
      if (std::any_of(accepted.begin(), accepted.end(), [&](std::size_t i) { return !updates[i].target.is_zero(); }))
        throw Error(ErrorCode::refused, "a pod without its branch has no tags");
      return remove(plan.pod, accepted, answers);
    }
    for (int round = 1; round <= most_rounds; ++round)
      if (try_push(plan.pod, refs, old, accepted, answers)) return;
    throw Error(ErrorCode::busy, "the push took longer than a day, several times").hint("run it again");
  }

  void refuse_case_twin(const PodName& pod) const {
    for (const auto& [other, state] : pods)
      if (state.manifest && other != pod && base::lower(other.str()) == base::lower(pod.str()))
        throw Error(ErrorCode::already_exists,
                    "there is a pod " + quote(other.str()) + ", which differs in case alone");
  }

  std::optional<PodState> state_of(const PodName& pod) const {
    const auto found = pods.find(pod);
    return found == pods.end() ? std::nullopt : std::optional(found->second);
  }

  static void moved(const std::vector<std::size_t>& accepted, std::vector<GitRefPushed>& answers) {
    for (const std::size_t i : accepted) {
      answers[i].status = GitRefStatus::moved;
      answers[i].error = Error(ErrorCode::conflict, "somebody pushed the pod meanwhile").hint("fetch, and push again");
    }
  }

  void remove(const PodName& pod, const std::vector<std::size_t>& accepted, std::vector<GitRefPushed>& answers) {
    const remote::Published done = remote::delete_pod(*objects, pod, *state_of(pod), {}, context);
    if (done.outcome != remote::Outcome::published) return moved(accepted, answers);
    pods.insert_or_assign(pod, *done.state);
    memory.forget(pod);
  }

  /// False where it took so long that it has to begin anew.
  bool try_push(const PodName& pod, const std::map<std::string, Oid>& refs, const std::map<std::string, Oid>& old,
                const std::vector<std::size_t>& accepted, std::vector<GitRefPushed>& answers) {
    const std::int64_t since = objects->now();
    remote::Gap gap;
    for (const auto& [name, target] : old) gap.remote_tips.push_back(target);
    for (const auto& [name, target] : refs)
      if (const auto before = old.find(name); before == old.end() || before->second != target)
        gap.tips.push_back(target);
    const git::ObjectTable table = flow::read_table(folder.objects_folder(), context);
    const std::optional<PodState> state = state_of(pod);
    const auto [missing, shared] = flow::find_outstanding(
        *objects, pod, state, [this](const PodName& other) { return state_of(other); }, table, folder.objects(), gap,
        folder.spool(), context);
    check_outgoing(table, missing);
    const std::vector<PackInfo> there = state && state->manifest ? state->manifest->packs : std::vector<PackInfo>{};
    flow::Sent sent = flow::send_missing(*objects, table, folder.objects(), missing, there, since,
                                         {folder.spool(), folder.incoming()}, context);
    std::vector<PackInfo>& named = sent.uploaded.packs;
    named.insert(named.end(), shared.packs.begin(), shared.packs.end());
    remote::Change change{
        .refs = std::vector<remote::ManifestRef>{}, .packs = named, .replaced = sent.replaced, .since = since};
    for (const auto& [name, target] : refs) change.refs->push_back({name, target});
    const remote::Published done = remote::publish(*objects, pod, state, change, {}, context);
    if (done.outcome == remote::Outcome::expired) return false;
    if (done.outcome == remote::Outcome::moved) {
      moved(accepted, answers);
      return true;
    }
    pods.insert_or_assign(pod, *done.state);
    remember(pod, named);
    return true;
  }

  /// What a reader would refuse is not sent: it would lock the pod for all.
  void check_outgoing(const git::ObjectTable& table, const remote::MissingObjects& missing) {
    const git::ForeignLimits limits;
    for (const auto* numbers : {&missing.skeleton, &missing.content})
      for (const git::ObjectNumber number : *numbers) {
        context.cancel->check();
        const Oid& id = table.id(number);
        const auto header = folder.objects().header(id);
        if (!header) throw Error(ErrorCode::corrupt, "the object " + id.hex() + " is missing");
        const bool is_blob = header->type == git::ObjectType::blob;
        const std::uint64_t most = is_blob                                 ? limits.blob
                                   : header->type == git::ObjectType::tree ? limits.tree
                                                                           : limits.commit;
        if (header->size > most)
          throw Error(ErrorCode::refused, "the object " + id.hex() + " is too large for a remote");
        if (!is_blob) git::check_strictly(id, header->type, folder.objects().read(id, header->type, most));
      }
  }
};

GitRemote::GitRemote(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GitRemote::GitRemote(GitRemote&&) noexcept = default;
GitRemote& GitRemote::operator=(GitRemote&&) noexcept = default;
GitRemote::~GitRemote() = default;

GitRemote GitRemote::open(const fs::path& repository, std::string_view url, const RemoteOptions& access,
                          const Context& context) {
  return GitRemote(std::make_unique<Impl>(repository, url, access, context));
}

std::vector<GitRef> GitRemote::refs(bool to_push) { return impl_->refs(to_push); }
std::optional<std::string> GitRemote::head() const { return impl_->head(); }
GitFetched GitRemote::fetch(const std::vector<Oid>& wanted, bool tags) { return impl_->fetch(wanted, tags); }
std::vector<GitRefPushed> GitRemote::push(const std::vector<GitRefUpdate>& updates, const GitPushOptions& options) {
  return impl_->push(updates, options);
}

}  // namespace pod
