// State files in a folder of the file system: captured from it, checked out into it.
#pragma once

#include "base/files.hpp"
#include "snapshot/folder_scan.hpp"
#include "snapshot/live_database.hpp"
#include "snapshot/stat_cache.hpp"
#include "snapshot/tree_builder.hpp"
#include "snapshot/tree_view.hpp"

#include <libpod/context.hpp>

#include <filesystem>
#include <functional>
#include <optional>

namespace pod::snapshot {

using Wanted = std::function<bool(const StatePath&)>;

/// Adds every regular file below `folder`, byte for byte. Symlinks, sockets, FIFOs and devices are left out with a
/// warning; a file that changes while it is read is read again, three times, then Error(conflict). A SQLite database
/// with a `-wal` or `-journal` beside it is stored as one file that says what was committed, without what lies beside
/// it; where that cannot be done, byte for byte with a warning. A root `metadata.yaml` is an ordinary file; a root
/// `.pod` folder and a store at `.podgit` are left out with a warning. Opens beneath the folder only (openat2).
/// Error(refused) past 1,000,000 files, 64 levels or 16 GiB a file, before anything is read. Without `wanted` every
/// file; with it the files that it says.
void capture_folder(const std::filesystem::path& folder, TreeBuilder& builder, const Context& context,
                    const Wanted& wanted = {});

/// A database that was stored without its logs, as it and they were then.
struct StoredDatabase {
  DatabaseCopy copy;
  git::TreeEntry entry;
};

/// The same in two steps, for a folder that was captured before: looked at when this is made, read by add_to().
class FolderCapture {
 public:
  /// `before`, which may be null, outlives this. `scratch` is a private folder, not in memory, for copies of databases
  /// that are being written (live_database.hpp): each needs the database's size there for a while.
  FolderCapture(const std::filesystem::path& folder, const Context& context, Wanted wanted, const StatCache* before,
                std::filesystem::path scratch);

  /// Nothing is new, gone or changed since `before`: its `state` is what the folder holds.
  bool as_known() const noexcept { return scanner_->as_known(); }

  using Reuse = std::function<bool(const StatePath&, const KnownFile&)>;
  /// Files that are as they were and that `reuse` agrees to are not read. What is known of the folder now, without
  /// its state, models and verdicts of what was read; nullopt where nothing may be concluded from times, or not all
  /// files were wanted.
  std::optional<StatCache> add_to(TreeBuilder& builder, const Reuse& reuse = {});

 private:
  std::optional<StoredDatabase> add_database(const FoundFile& file, TreeBuilder& builder);

  std::filesystem::path folder_;
  std::filesystem::path scratch_;
  const Context& context_;
  base::Fd root_;
  bool exact_ = false;
  Wanted wanted_;
  std::optional<FolderScanner> scanner_;
};

struct Written {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t kept = 0;          // of the files: the folder before had them already
  std::optional<StatCache> known;  // of the folder now, without its state; nullopt where nothing follows from times
};
/// Writes the files that `wanted` says into a fresh sibling of `target`, syncs it, exchanges it with `target` and
/// removes what was there. Killed anywhere, `target` is what it was or what it shall be; a left-over sibling
/// `.NAME.podgit-*` is swept by the next checkout. Error(already_exists) where target is not empty unless `replace`;
/// Error(refused) where it is a symlink, a file or has a mount point below it. Where `target` is a mount point itself,
/// or cannot be exchanged for another reason, what is in it changes places (in_place.hpp). `before`, which may be null,
/// is what is known of `target`: files that are as it says and stay the same are not written again, of large files only
/// the chunks that differ. Memory: about 300 bytes a file and 20 MiB.
Written checkout_folder(const TreeView& view, const std::filesystem::path& target, bool replace,
                        const std::function<bool(const FileEntry&)>& wanted, const Context& context,
                        StatCache* before = nullptr);

}  // namespace pod::snapshot
