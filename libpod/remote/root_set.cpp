#include "remote/root_set.hpp"

#include "remote/collection.hpp"
#include "remote/layout.hpp"
#include "remote/parallel.hpp"
#include "remote/pod_state.hpp"

#include <libpod/error.hpp>

#include <vector>

namespace pod::remote {

void RootSet::add_current() {
  std::vector<PodName> pods;
  for (const std::string& name : store_.folders(std::string(pods_folder)))
    if (const auto place = parse_key(std::string(pods_folder) + name + "/HEAD")) pods.push_back(*place->pod);
  std::vector<Found> found(pods.size());
  in_parallel(pods.size(), connections_, [&](std::size_t i) { found[i] = roots_of(pods[i]); });
  for (Found& one : found) {
    known_.merge(one.known);
    keys_.merge(one.keys);
  }
}

RootSet::Found RootSet::roots_of(const PodName& pod) const {
  for (std::optional<Head> lacking;;) {
    const auto read = find_head(store_, pod);
    if (!read) return {};
    const Head& head = read->head;
    Found found;
    std::optional<digest::Sha256Value> name = head.manifest;
    // The tombstone is the successor of what was deleted.
    if (!name && now_ - read->modified < grace) name = head.deleted;
    while (name) {
      const Name full(pod.str(), *name);
      if (const auto known = known_.find(full); known != known_.end()) {
        name = now_ - known->second.modified < grace ? known->second.previous : std::nullopt;
        continue;
      }
      const auto manifest = find_manifest(store_, pod, *name);
      if (!manifest) break;
      found.keys.insert(manifest_key(pod, *name).str());
      for (const PackInfo& info : manifest->manifest.packs) {
        found.keys.insert(pack_key(info.day, info.pack.sha256).str());
        if (info.index) found.keys.insert(index_key(info.day, info.index->sha256).str());
      }
      found.known.emplace(full, Known{manifest->manifest.previous, manifest->modified});
      name = now_ - manifest->modified < grace ? manifest->manifest.previous : std::nullopt;
    }
    // A predecessor may be garbage already, the manifest in use never.
    if (!name || name != head.manifest) return found;
    if (lacking == head)
      throw Error(ErrorCode::corrupt, quote(manifest_key(pod, *name).str()) + " is missing, which HEAD names")
          .keeping("nothing was removed");
    lacking = head;
  }
}

}  // namespace pod::remote
