// From a git tree to state files: what Snapshot stands on.
#pragma once

#include "git/object_database.hpp"
#include "git/repository.hpp"
#include "snapshot/chunk_tree.hpp"

#include <libpod/snapshot.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace pod::snapshot {

/// Immutable and safe. Budgets: 1,000,000 files, 64 levels; Error(refused) past them, Error(corrupt) for a tree that no
/// snapshot has (links, odd modes, bad names).
class TreeView {
 public:
  TreeView(std::shared_ptr<git::ObjectDatabase> objects, const Oid& tree);
  const Oid& tree() const noexcept { return tree_; }
  git::ObjectDatabase& objects() const noexcept { return *objects_; }

  /// Every file outside `.pod/`, sorted by path. Sizes cost a header look-up each (of a file of chunks: and two trees):
  /// left out where `with_sizes` is false, and with them the mode of files of chunks.
  std::vector<FileEntry> files(bool with_sizes = true) const;
  std::optional<FileEntry> find(const StatePath& path) const;
  /// Folders that hold nothing, sorted (`.pod/files.json`).
  std::vector<StatePath> empty_folders() const;
  SnapshotInfo info() const;
  /// A file of libpod's own, `.pod/…`. Error(refused) past `limit` bytes.
  std::optional<std::string> own_file(const StatePath& path, std::uint64_t limit) const;
  /// Every file below `folder`, itself below `.pod/`, sorted by path; with sizes.
  std::vector<FileEntry> own_files(const StatePath& folder) const;
  std::unique_ptr<base::ByteSource> open(const FileEntry& file) const;
  /// Of a file that is `chunked`: its chunks one after the other.
  ChunkWalk chunks(const FileEntry& file) const;

 private:
  /// Size and mode of a file of chunks.
  void measure(FileEntry& file) const;
  std::optional<git::TreeEntry> entry_at(const StatePath& path) const;
  std::vector<FileEntry> files_below(const Oid& tree, const std::string& prefix, std::size_t depth,
                                     bool with_sizes) const;

  std::shared_ptr<git::ObjectDatabase> objects_;
  Oid tree_;
};

/// Whether the entry stands for a large file, by its name.
bool is_chunked(const git::TreeEntry& entry) noexcept;

/// Id of the root tree without `.pod`: equal for two trees that hold the same state.
Oid state_id(git::ObjectDatabase& objects, const Oid& tree);
/// Whether two trees hold the same state: equal but for `.pod/`.
bool same_state(git::ObjectDatabase& objects, const Oid& a, const Oid& b);

}  // namespace pod::snapshot
