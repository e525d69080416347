// A new store with what a remote has: made beside its place, and given its name when it is whole.

#include "base/files.hpp"
#include "flow/remote_access.hpp"
#include "store/engine.hpp"

#include <libpod/remote.hpp>

#include <algorithm>
#include <filesystem>

namespace pod {
namespace {

namespace fs = std::filesystem;

/// What an earlier clone to the same place has left is gone on with, if it was of the same remote.
Store begin(const fs::path& part, const RemoteInfo& remote) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(part, error))) {
    try {
      Store store = Store::open(part);
      // One that was killed before it had its remote is empty.
      if (remotes(store).empty() && store.engine().repository().refs("refs/").empty()) add_remote(store, remote);
      if (remote_named(store, remote.name).url == remote.url) return store;
    } catch (const Error&) {
      // None of ours.
    }
    throw Error(ErrorCode::already_exists, quote(part.native()) + " is in the way")
        .because("a clone makes the store there first")
        .hint("remove it, if nothing else needs it");
  }
  Store store = Store::init(part);
  add_remote(store, remote);
  return store;
}

/// A pod that was named must be there; of all that there are, one that is damaged is told of.
void check_rows(const std::vector<PodFetch>& rows, bool named) {
  const auto failed = [](const PodFetch& row) { return row.error.has_value(); };
  const bool any = rows.empty() || !std::all_of(rows.begin(), rows.end(), failed);
  for (const PodFetch& row : rows)
    if (row.error && (named || !any || !remote::is_of_one_pod(row.error->code()))) throw *row.error;
}

}  // namespace

CloneResult clone(std::string_view url, const fs::path& folder, const CloneOptions& options,
                  const RemoteOptions& access, const Context& context) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(folder, error)))
    throw Error(ErrorCode::already_exists, quote(folder.native()) + " is there already")
        .hint("podgit remote add and podgit fetch bring a remote's pods into a store that is there");
  const RemoteInfo remote{options.remote, parse_remote_url(url)};
  fs::path part = folder;
  part += ".part";
  CloneResult result{.store = folder, .pods = {}};
  bool whole = false;
  try {
    Store store = begin(part, remote);
    flow::OpenRemote opened(store, remote.name, flow::Access::read, access, context);
    result.pods = flow::fetch_from(store, opened, options.pods, {.depth = options.depth}, context);
    check_rows(result.pods, !options.pods.empty());
    for (const PodFetch& pod : result.pods) {
      if (!pod.version || store.find(PodRef::latest(pod.pod))) continue;
      const store::WriterLock lock = store.engine().lock(context);
      Operation operation;
      operation.verb = "clone";
      operation.what = remote.name + "/" + pod.pod.str() + ":" + std::to_string(pod.version->number);
      operation.ref = pod.pod.branch();
      operation.after = pod.version->commit;
      store.engine().append(lock, std::move(operation), context);
    }
    for (const PodFetch& pod : result.pods)
      if (!pod.error) flow::remember_upstream(store, opened, pod.pod);
    whole = true;
  } catch (const Error&) {
    // Parts of packs stay in it for the next try; a clone of nothing leaves nothing.
    if (fs::is_empty(part / "pod" / "incoming", error) || error) base::remove_tree(part);
    throw;
  }
  if (whole && ::rename(part.c_str(), folder.c_str()) != 0) base::throw_errno(errno, "write", folder);
  base::sync_folder(fs::absolute(folder).parent_path());
  return result;
}

}  // namespace pod
