#include "snapshot/folder.hpp"

#include "flow/folder_memory.hpp"
#include "flow/service_choice.hpp"

#include <libpod/error.hpp>
#include <libpod/flow.hpp>

namespace pod {

CheckoutResult checkout(const Store& store, const PodRef& ref, const std::filesystem::path& folder,
                        const CheckoutOptions& options, const Context& context) {
  CheckoutResult result;
  result.version = store.resolve(ref);
  const Snapshot snapshot = store.snapshot(result.version);
  std::function<bool(const FileEntry&)> wanted = [](const FileEntry&) { return true; };
  if (!options.services.empty())
    wanted = flow::files_of(flow::choose_services(snapshot, options.services, result.version.str()));

  if (options.dry_run) {
    std::error_code error;
    const auto status = std::filesystem::symlink_status(folder, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_directory(status))
      throw Error(ErrorCode::refused, quote(folder.native()) + " is not a folder");
    if (std::filesystem::exists(status) && !options.force && !std::filesystem::is_empty(folder, error))
      throw Error(ErrorCode::already_exists, quote(folder.native()) + " is not empty").hint("replace it with --force");
    for (const FileEntry& file : snapshot.files()) {
      if (!wanted(file)) continue;
      ++result.files;
      result.bytes += file.size;
    }
    return result;
  }
  const flow::FolderMemory memory(store.engine());
  auto before = memory.caches.load(folder);
  snapshot::Written written =
      snapshot::checkout_folder(snapshot.view(), folder, options.force, wanted, context, before ? &*before : nullptr);
  result.files = written.files;
  result.bytes = written.bytes;
  result.files_kept = written.kept;
  if (written.known) {
    flow::judge_by_path(*written.known);
    memory.caches.save(folder, *written.known);
  }
  return result;
}

}  // namespace pod
