#include "remote/shared_packs.hpp"

#include "objects/download.hpp"
#include "remote/layout.hpp"
#include "remote/parallel.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <map>

namespace pod::remote {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t worth_an_index = 8;  // of the bytes that are missing, one part
constexpr std::uint64_t least_use = 8;       // of a pack's bytes, one part

class Search {
 public:
  Search(objects::ObjectStore& store, const SharingOptions& options, const fs::path& folder, const Context& context)
      : store_(store), options_(options), folder_(folder), context_(context) {}

  /// Content packs that HEADs of other pods name now, the likeliest first.
  std::vector<PackInfo> candidates(const PodName& pod, std::set<digest::Sha256Value> known,
                                   const std::function<std::optional<PodState>(const PodName&)>& seen) {
    std::vector<ListedPod> others = list_pods(store_, options_.connections).pods;
    std::erase_if(others, [&](const ListedPod& other) { return other.pod == pod || !other.head.manifest; });
    std::map<std::string, PodState> states;
    for (const ListedPod& other : others)
      if (auto state = seen(other.pod)) states.emplace(other.pod.str(), *std::move(state));
    std::stable_sort(others.begin(), others.end(), [&](const ListedPod& a, const ListedPod& b) {
      const bool first = states.contains(a.pod.str());
      return first != states.contains(b.pod.str()) ? first : a.modified > b.modified;
    });
    if (others.size() > options_.most_pods)
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(options_.most_pods), others.end());
    std::vector<std::vector<PackInfo>> packs(others.size());
    in_parallel(others.size(), options_.connections, [&](std::size_t i) {
      const auto state = states.find(others[i].pod.str());
      packs[i] = packs_of(others[i], state == states.end() ? nullptr : &state->second);
    });
    std::vector<PackInfo> found;
    for (const std::vector<PackInfo>& one : packs)
      for (const PackInfo& pack : one)
        if (pack.kind == PackKind::content && pack.index && known.insert(pack.pack.sha256).second)
          found.push_back(pack);
    return found;
  }

  /// nullptr where it has gone meanwhile, or is none.
  std::shared_ptr<git::PackIndex> index_of(const PackInfo& pack) {
    try {
      const auto there = store_.head(pack_key(pack.day, pack.pack.sha256));
      if (!there || there->size != pack.pack.size) return nullptr;
      const fs::path file = folder_ / (digest::hex(pack.index->sha256) + ".idx");
      objects::download(store_, index_key(pack.day, pack.index->sha256), pack.index->size, pack.index->sha256, file,
                        {.connections = 1, .durable = false}, context_);
      std::shared_ptr<git::PackIndex> index = git::PackIndex::open(file);
      index->verify();
      return index;
    } catch (const Error& error) {
      if (!is_of_one_pod(error.code()) && error.code() != ErrorCode::not_found) throw;
      return nullptr;
    }
  }

 private:
  /// Of the HEAD that was listed; if it has moved on since, what it named stays as long as what it names now.
  std::vector<PackInfo> packs_of(const ListedPod& other, const PodState* seen) {
    try {
      if (seen != nullptr && seen->head == other.head) return seen->manifest->packs;
      const auto found = find_manifest(store_, other.pod, *other.head.manifest);
      return found ? found->manifest.packs : std::vector<PackInfo>();
    } catch (const Error& error) {
      if (!is_of_one_pod(error.code())) throw;
      return {};
    }
  }

  objects::ObjectStore& store_;
  const SharingOptions& options_;
  const fs::path& folder_;
  const Context& context_;
};

struct Use {
  PackInfo pack;
  std::shared_ptr<git::PackIndex> index;
  std::uint64_t bytes = 0;
};

}  // namespace

std::function<bool(const Oid&)> SharedPacks::holder() const {
  if (indexes.empty()) return {};
  return [held = indexes](const Oid& id) {
    return std::any_of(held.begin(), held.end(), [&](const auto& index) { return index->find(id).has_value(); });
  };
}

SharedPacks find_shared_packs(objects::ObjectStore& store, const PodName& pod, const std::set<digest::Sha256Value>& own,
                              const std::function<std::optional<PodState>(const PodName&)>& seen,
                              const git::ObjectTable& table, const MissingObjects& missing, const fs::path& folder,
                              const SharingOptions& options, const Context& context) {
  Search search(store, options, folder, context);
  std::uint64_t budget = missing.stored_bytes / worth_an_index;
  std::vector<Use> uses;
  const auto counted = [&](const git::PackIndex& index, const std::vector<bool>& covered) {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < missing.content.size(); ++i)
      if (!covered[i] && index.find(table.id(missing.content[i]))) bytes += table.stored_size(missing.content[i]);
    return bytes;
  };
  std::vector<bool> covered(missing.content.size(), false);
  for (PackInfo& pack : search.candidates(pod, own, seen)) {
    context.cancel->check();
    if (pack.index->size > budget) continue;
    budget -= pack.index->size;
    auto index = search.index_of(pack);
    if (!index) continue;
    const std::uint64_t bytes = counted(*index, covered);
    if (bytes * least_use >= pack.pack.size) uses.push_back({std::move(pack), std::move(index), bytes});
  }
  std::stable_sort(uses.begin(), uses.end(), [](const Use& a, const Use& b) { return a.bytes > b.bytes; });
  SharedPacks shared;
  for (Use& use : uses) {
    if (shared.packs.size() == options.most_packs) break;
    const std::uint64_t bytes = counted(*use.index, covered);  // beside those before it
    if (bytes == 0 || bytes * least_use < use.pack.pack.size) continue;
    for (std::size_t i = 0; i < covered.size(); ++i)
      covered[i] = covered[i] || use.index->find(table.id(missing.content[i])).has_value();
    shared.bytes += bytes;
    shared.packs.push_back(std::move(use.pack));
    shared.indexes.push_back(std::move(use.index));
  }
  return shared;
}

}  // namespace pod::remote
