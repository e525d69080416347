// From state files to a git tree.
//
// Files are added in any order; the tree depends on their paths, modes and contents alone. Of a mode only the owner's
// executable bit counts, as in git: everything else is the umask of whoever wrote the file. Folders have no mode.
#pragma once

#include "base/stream.hpp"
#include "git/pack_writer.hpp"
#include "git/repository.hpp"

#include <libpod/snapshot.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::snapshot {

/// Whoever wants to see files on their way into the tree, or to say what is stored in their place.
struct Intake {
  std::function<bool(const StatePath&)> wants;
  std::uint64_t limit = 0;  // of a file that is held in memory
  /// A wanted file, whole and checked; gives what is stored.
  std::function<std::string(const StatePath&, std::string file)> take;
  /// A wanted file of more than `limit` bytes: it went by and is stored as it came.
  std::function<void(const StatePath&, std::uint64_t size, const std::string& sha256)> passed;
};

/// One thread at a time. Memory: about 200 bytes a file, and a wanted file at a time.
class TreeBuilder {
 public:
  explicit TreeBuilder(git::PackWriter& pack, Intake intake = {});
  ~TreeBuilder();

  /// Error(corrupt) where the path says `assets/<service>/blobs/<xx>/<sha256>` and the content has another digest, or
  /// where `sha256` (64 hex digits) is given and differs; Error(invalid_argument) for a path that is there already or
  /// is both file and folder.
  /// Files of 1 MiB and more become trees of chunks (chunk_tree.hpp).
  /// What stands in the tree for it, without a name.
  git::TreeEntry add_file(const StatePath& path, std::uint64_t size, base::ByteSource& source, unsigned mode = 0644,
                          const std::optional<std::string>& sha256 = std::nullopt);
  /// The same for content that is in memory.
  git::TreeEntry add_file(const StatePath& path, std::string_view content, unsigned mode);
  /// A file whose blob the store has already at the same path.
  void add_existing(const FileEntry& file);
  /// The same for what add_file() gave once; `size` is the file's.
  void add_existing(const StatePath& path, std::uint64_t size, const git::TreeEntry& entry);
  /// Kept where nothing is added below it.
  void add_empty_folder(const StatePath& path);

  /// A file of libpod's own below `.pod/`, which is no state.
  Oid add_own(const StatePath& path, std::string_view content);
  /// One whose blob the store has already.
  void add_own_existing(const StatePath& path, const Oid& blob);

  std::uint64_t files() const noexcept;
  std::uint64_t bytes() const noexcept;
  /// All files, sorted by path.
  std::vector<FileEntry> entries() const;
  /// Writes all trees, `.pod/info.json` and, where needed, `.pod/files.json`; the root's id.
  Oid finish(const SnapshotInfo& info);
  /// After finish(): the state_id() (tree_view.hpp) of that root, known before the pack is finished.
  Oid state() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string encode_info(const SnapshotInfo& info);  // canonical JSON
/// Error(corrupt); Error(incompatible) for a newer format. `what` names the document: others hold the same members.
SnapshotInfo parse_info(std::string_view bytes, std::string_view what = ".pod/info.json");

}  // namespace pod::snapshot
