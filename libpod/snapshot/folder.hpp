// State files in a folder of the file system: captured from it, checked out into it.
#pragma once

#include "snapshot/tree_builder.hpp"
#include "snapshot/tree_view.hpp"

#include <libpod/context.hpp>

#include <filesystem>
#include <functional>

namespace pod::snapshot {

/// Adds every regular file below `folder`, byte for byte. Symlinks, sockets, FIFOs and devices are left out with a
/// warning; a file that changes while it is read is read again, three times, then Error(conflict). A root
/// `metadata.yaml` is an ordinary file; a root `.pod` folder and a store at `.podgit` are left out with a warning.
/// Opens beneath the folder only (openat2). Error(refused) past 1,000,000 files, 64 levels or 16 GiB a file, before
/// anything is read. Without `wanted` every file; with it the files that it says.
void capture_folder(const std::filesystem::path& folder, TreeBuilder& builder, const Context& context,
                    const std::function<bool(const StatePath&)>& wanted = {});

struct Written {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};
/// Writes the files that `wanted` says into a fresh sibling of `target`, syncs it, exchanges it with `target` and
/// removes what was there. Killed anywhere, `target` is what it was or what it shall be; a left-over sibling
/// `.NAME.podgit-*` is swept by the next checkout. Error(already_exists) where target is not empty unless `replace`;
/// Error(refused) where it is a symlink, a file or a mount point.
Written checkout_folder(const TreeView& view, const std::filesystem::path& target, bool replace,
                        const std::function<bool(const FileEntry&)>& wanted, const Context& context);

}  // namespace pod::snapshot
