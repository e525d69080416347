// A remote, opened: its objects, and what the store saw of it last.
#pragma once

#include "flow/remote_memory.hpp"
#include "objects/object_store.hpp"

#include <libpod/remote.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pod::flow {

enum class Access : std::uint8_t {
  read,   // nothing is asked of it yet
  write,  // a folder that is missing is made; a bucket is probed once, and refused where it cannot hold a remote
};

/// `store`: its folder, where what a probe found is kept (`pod/buckets/<remote>`), and what a broken upload has sent.
/// Error(denied) for a bucket without keys.
std::unique_ptr<objects::ObjectStore> open_objects(const std::filesystem::path& store, const RemoteInfo& remote,
                                                   Access access, const RemoteOptions& options, const Context& context);

/// What a probe found of the remote's bucket, by what it is good for; empty where there was none, and for a folder.
std::vector<std::pair<std::string, bool>> known_abilities(const std::filesystem::path& store, const RemoteInfo& remote);

struct OpenRemote {
  OpenRemote(const Store& store, std::string_view name, Access access, const RemoteOptions& options,
             const Context& context);
  RemoteInfo info;
  std::unique_ptr<objects::ObjectStore> objects;
  RemoteMemory memory;
  std::string tracking_ref(const PodName& pod) const { return "refs/remotes/" + info.name + "/" + pod.str(); }
};

/// What the manifest says of the pod's own branch. Error(corrupt) where it names none.
Oid tip_of(const remote::Manifest& manifest, const PodName& pod);

/// Moves `origin/pod`, without a line in the journal; `target` zero removes it. The caller holds the store's lock.
void set_tracking_ref(Store& store, const OpenRemote& remote, const PodName& pod, const Oid& target, const char* why);

/// git's own settings for where a pod is pushed and pulled; written only where they say otherwise.
void remember_upstream(Store& store, const OpenRemote& remote, const PodName& pod);

/// As pod::fetch.
std::vector<PodFetch> fetch_from(Store& store, OpenRemote& remote, std::vector<PodName> pods,
                                 const FetchOptions& options, const Context& context);

}  // namespace pod::flow
