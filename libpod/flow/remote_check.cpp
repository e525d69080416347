// What is damaged or missing at a remote: each pod is taken as a stranger would take it, into an empty store, and then
// thrown away.

#include "base/files.hpp"
#include "flow/progress_step.hpp"
#include "flow/remote_access.hpp"
#include "git/pack_index.hpp"
#include "objects/download.hpp"
#include "remote/intake.hpp"
#include "remote/layout.hpp"
#include "remote/pack_download.hpp"
#include "store/engine.hpp"

#include <libpod/remote.hpp>

#include <algorithm>
#include <map>

namespace pod {
namespace {

namespace fs = std::filesystem;
using flow::OpenRemote;
using remote::PackInfo;

constexpr unsigned connections = 4;

std::string key_of(const PackInfo& pack) { return remote::pack_key(pack.day, pack.pack.sha256).str(); }
std::string index_key_of(const PackInfo& pack) { return remote::index_key(pack.day, pack.index->sha256).str(); }

Finding damage(std::string check, std::string detail, std::string object) {
  return {Finding::Level::fail,
          std::move(check),
          std::move(detail),
          "podgit push from a store that has the pod whole, as another pod; or a copy of the remote",
          std::move(object),
          {},
          0};
}

std::string said(const Error& error) {
  return error.message() + (error.causes().empty() ? "" : ": " + error.causes().front());
}

class Check {
 public:
  Check(const Store& store, OpenRemote& remote, const RemoteCheckOptions& options, const Context& context)
      : remote_(remote),
        options_(options),
        context_(context),
        spool_(store.engine().spool_folder()),
        work_(spool_),
        incoming_(work_.path() / "incoming", std::chrono::seconds(1), context) {}

  RemoteCheck run() {
    RemoteCheck result;
    try {
      static_cast<void>(remote::find_format(*remote_.objects, remote::Format{}));
    } catch (const Error& error) {
      if (!remote::is_of_one_pod(error.code())) throw;
      result.findings.push_back(damage("format", said(error), remote::format_key().str()));
      return result;
    }
    read_states(result);
    if (!options_.quick) count_users();
    const flow::ProgressStep step(context_, options_.quick ? "asking for packs" : "reading packs", all_bytes());
    for (RemotePodCheck& pod : result.pods)
      if (const auto state = states_.find(pod.pod.str()); state != states_.end())
        check_pod(pod, *state->second.manifest);
    return result;
  }

 private:
  void read_states(RemoteCheck& result) {
    std::vector<PodName> names = options_.pods;
    if (names.empty()) {
      const remote::PodList list = remote::list_pods(*remote_.objects);
      for (const remote::ListedPod& listed : list.pods) names.push_back(listed.pod);
      for (const remote::UnreadPod& unread : list.unread) names.push_back(unread.pod);
      std::sort(names.begin(), names.end());
    }
    for (const PodName& name : names) {
      context_.cancel->check();
      RemotePodCheck& pod = result.pods.emplace_back(RemotePodCheck{.pod = name});
      try {
        auto state = remote::read_state(*remote_.objects, name);
        if (!state)
          throw Error(ErrorCode::not_found, "there is no pod " + quote(name.str()) + " at " + remote_.info.url)
              .hint("podgit list --remote=" + remote_.info.name);
        pod.deleted = !state->manifest;
        check_not_older(pod, *state);
        if (state->manifest) states_.emplace(name.str(), *std::move(state));
      } catch (const Error& error) {
        if (!remote::is_of_one_pod(error.code())) throw;
        pod.findings.push_back(damage("manifest", said(error), remote::head_key(name).str()));
      }
    }
  }

  void check_not_older(RemotePodCheck& pod, const remote::PodState& state) const {
    const auto seen = remote_.memory.find(pod.pod);
    if (!seen || state.head.generation > seen->state.head.generation || state.head == seen->state.head) return;
    pod.findings.push_back(damage("head",
                                  "it is older than what this store saw: generation " +
                                      std::to_string(state.head.generation) + ", and " +
                                      std::to_string(seen->state.head.generation) + " before",
                                  remote::head_key(pod.pod).str()));
  }

  /// Packs that several pods name are fetched once.
  void count_users() {
    for (const auto& [name, state] : states_)
      for (const PackInfo& pack : state.manifest->packs) ++users_[pack.pack.sha256];
  }

  std::optional<std::uint64_t> all_bytes() const {
    if (options_.quick) return std::nullopt;
    std::map<digest::Sha256Value, std::uint64_t> sizes;
    for (const auto& [name, state] : states_)
      for (const PackInfo& pack : state.manifest->packs) sizes[pack.pack.sha256] = pack.pack.size;
    std::uint64_t sum = 0;
    for (const auto& [sha256, size] : sizes) sum += size;
    return sum;
  }

  void check_pod(RemotePodCheck& pod, const remote::Manifest& manifest) {
    pod.packs = manifest.packs.size();
    for (const PackInfo& pack : manifest.packs) pod.bytes += pack.pack.size;
    const std::size_t before = pod.findings.size();
    for (const PackInfo& pack : manifest.packs) {
      context_.cancel->check();
      look_for(pod, "pack", key_of(pack), pack.pack.size);
      if (pack.index) look_for(pod, "index", index_key_of(pack), pack.index->size);
    }
    if (options_.quick) return;
    read_packs(pod, manifest, pod.findings.size() == before);
    for (const PackInfo& pack : manifest.packs)
      if (--users_[pack.pack.sha256] == 0) incoming_.remove({pack});
  }

  void look_for(RemotePodCheck& pod, const char* check, const std::string& key, std::uint64_t size) {
    const auto found = remote_.objects->head(objects::Key::parse(key));
    if (!found)
      pod.findings.push_back(damage(check, key + " is missing", key));
    else if (found->size != size)
      pod.findings.push_back(damage(
          check, key + " has " + std::to_string(found->size) + " bytes in place of " + std::to_string(size), key));
  }

  /// Each pack by itself, then whether they are enough.
  void read_packs(RemotePodCheck& pod, const remote::Manifest& manifest, bool all_there) {
    const base::TempFolder empty(spool_);
    fs::create_directories(empty.path() / "objects" / "pack");
    const auto nothing = git::ObjectDatabase::open(empty.path() / "objects");
    remote::Intake intake(empty.path() / "objects", nothing, spool_, context_);
    bool whole = all_there;
    for (const PackInfo& pack : manifest.packs) {
      try {
        if (!remote::download_packs(*remote_.objects, {pack}, incoming_, connections, context_)) {
          whole = false;
          continue;  // told already
        }
        const git::PackIndex& made = intake.add(incoming_.file_of(pack), digest::hex(pack.pack.sha256), pack.objects);
        if (pack.index) check_index(pod, pack, made);
      } catch (const Error& error) {
        if (!remote::is_of_one_pod(error.code())) throw;
        whole = false;
        pod.findings.push_back(damage("pack", key_of(pack) + ": " + said(error), key_of(pack)));
      }
    }
    if (!whole) return;
    remote::Offer offer{.tips = {}, .known_tips = {}, .depth = std::nullopt};
    for (const remote::ManifestRef& ref : manifest.refs) offer.tips.push_back(ref.target);
    try {
      intake.check(offer);
    } catch (const Error& error) {
      if (!remote::is_of_one_pod(error.code())) throw;
      pod.findings.push_back(damage("history", error.causes().empty() ? error.message() : error.causes().front(),
                                    remote::head_key(pod.pod).str()));
    }
  }

  void check_index(RemotePodCheck& pod, const PackInfo& pack, const git::PackIndex& made) {
    const std::string key = index_key_of(pack);
    const fs::path file = work_.path() / "index";
    try {
      objects::download(*remote_.objects, objects::Key::parse(key), pack.index->size, pack.index->sha256, file,
                        {.connections = 1, .durable = false}, context_);
      const auto index = git::PackIndex::open(file);
      index->verify();
      bool same = index->count() == made.count() && index->pack_checksum() == made.pack_checksum();
      for (std::uint32_t i = 0; same && i < made.count(); ++i)
        same = index->id(i) == made.id(i) && index->offset(i) == made.offset(i) && index->crc(i) == made.crc(i);
      if (!same) pod.findings.push_back(damage("index", key + " is not that of its pack", key));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::not_found && !remote::is_of_one_pod(error.code())) throw;
      if (error.code() != ErrorCode::not_found) pod.findings.push_back(damage("index", key + ": " + said(error), key));
    }
    fs::remove(file);
  }

  OpenRemote& remote_;
  const RemoteCheckOptions& options_;
  const Context& context_;
  fs::path spool_;
  base::TempFolder work_;
  remote::IncomingFolder incoming_;
  std::map<std::string, remote::PodState> states_;
  std::map<digest::Sha256Value, std::size_t> users_;
};

}  // namespace

bool RemoteCheck::sound() const {
  return findings.empty() &&
         std::all_of(pods.begin(), pods.end(), [](const auto& pod) { return pod.findings.empty(); });
}

RemoteCheck check_remote(const Store& store, std::string_view remote, const RemoteCheckOptions& options,
                         const RemoteOptions& access, const Context& context) {
  OpenRemote opened(store, remote, flow::Access::read, access, context);
  return Check(store, opened, options, context).run();
}

}  // namespace pod
