// Where a team shares pods: a folder that several people see, or a bucket that they have keys for.
//
//   pod::add_remote(store, {.name = "origin", .url = "file:///srv/pods"});
//   for (const pod::PodPush& push : pod::push(store, "origin", {pod::PodName::parse("shop")})) std::cout <<
//   push.pod.str(); for (const pod::PodFetch& fetch : pod::fetch(store, "origin")) std::cout << fetch.pod.str();
//
// What a remote holds of a pod stands in the store as `refs/remotes/<remote>/<pod>` ("origin/shop" in a PodRef). A push
// that was acknowledged is durable; killed anywhere, remote and store are as they were or as they were to become, and
// the next push or fetch goes on with what has arrived.
//
// Thread word: one thread at a time for each Store.
#pragma once

#include <libpod/context.hpp>
#include <libpod/error.hpp>
#include <libpod/names.hpp>
#include <libpod/resources.hpp>
#include <libpod/store.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod {

/// In the store's configuration as git has it, `remote.<name>.url = pod::<url>`.
struct RemoteInfo {
  std::string name;  // [A-Za-z0-9][A-Za-z0-9._-]{0,63}
  std::string url;   // file:///path, s3://bucket/prefix; without git's "pod::"
};

/// What opens a bucket. The keys are secret: libpod keeps, shows and logs none.
struct BucketAccess {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // empty: none
  std::string region = "us-east-1";
  std::string endpoint;             // https://host[:port]; empty: AWS's own for the region
  std::filesystem::path ca_bundle;  // empty: the system's
};

struct RemoteOptions {
  /// Asked when a bucket is opened, with the remote's URL. Nothing, or nullopt: Error(denied).
  std::function<std::optional<BucketAccess>(const std::string& url)> bucket_access;
};

/// Sorted by name. What the configuration has and is none of ours is left out.
POD_API std::vector<RemoteInfo> remotes(const Store& store);
/// Error(not_found) that says which there are.
POD_API RemoteInfo remote_named(const Store& store, std::string_view name);
/// The URL as it is kept: a path becomes file://…. Error(invalid_argument): another scheme, a user or password in it.
POD_API std::string parse_remote_url(std::string_view text);
/// Error(already_exists) for a name that is taken, Error(invalid_argument). Nothing is asked of the remote.
POD_API RemoteInfo add_remote(Store& store, const RemoteInfo& remote);
/// And what the store knows of it, `refs/remotes/<name>/…`.
POD_API void remove_remote(Store& store, std::string_view name);
/// The remote that the pod was last pushed to or pulled from.
POD_API std::optional<std::string> upstream(const Store& store, const PodName& pod);

}  // namespace pod
