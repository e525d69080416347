// The files of a version, written below a fresh folder by all cores, in the order in which the store has them.
//
// What a folder that podgit knows holds already is used again: an unchanged file gets a second name (a hard link: the
// folder before stays whole), a large file that changed in some chunks is a copy of the old one (a reflink where the
// file system can) over which the other chunks are written. Chunks of zeros become holes.
#pragma once

#include "base/files.hpp"
#include "snapshot/beneath.hpp"
#include "snapshot/stat_cache.hpp"
#include "snapshot/tree_view.hpp"
#include "snapshot/workers.hpp"

#include <libpod/context.hpp>

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace pod::snapshot {

struct WantedFile {
  const FileEntry* entry = nullptr;
  const KnownFile* known = nullptr;  // what the folder before holds at this path, if a change since would show
};

struct MadeFile {
  FileStat stat;         // when podgit was done with it
  bool kept = false;     // it was a file of the folder before
  bool certain = false;  // it holds what it should: nobody else can have changed it until `stat`
};

/// What stands in the tree for the file.
unsigned tree_mode(const FileEntry& entry) noexcept;

/// One thread at a time; works on several inside.
class FolderWriter {
 public:
  /// `root` is the fresh folder, `before` the one whose files may be used again, -1 for none; both stay open. `shown`
  /// is what errors call the root. With `sync_each` every file and folder is made durable by itself.
  FolderWriter(const TreeView& view, int root, int before, std::filesystem::path shown, bool sync_each,
               const Context& context);

  /// Makes the folder and those above it; each path after those that sort before it.
  void make_folder(const std::string& path);
  /// Folders, that were made, "" for the root, in order.
  const std::vector<std::string>& folders() const noexcept { return folders_; }

  /// `files` are sorted by path, their folders are made. Error(io), Error(corrupt), Error(cancelled).
  void write(const std::vector<WantedFile>& files);
  /// Everything is durable but for the name of the root.
  void finish();
  /// After the files came to their place, which is `root`, and those before to `before`: takes the old names of kept
  /// files away, so that what is known of them stays true.
  void let_go_of_before(int root, int before);

  const std::vector<MadeFile>& made() const noexcept { return made_; }

 private:
  struct LargeFile;
  using Indexes = std::vector<std::size_t>;

  void in_batches(const Indexes& files, void (FolderWriter::*work)(const Indexes&));
  void keep_files(const Indexes& files);
  bool keep_file(std::size_t index, FolderCursor& from, FolderCursor& to);
  bool may_be_kept(const WantedFile& file) const;
  Indexes in_order_of_the_store() const;
  void write_files(const Indexes& files);
  void write_file(std::size_t index, FolderCursor& cursor);
  void done(std::size_t index, int fd);
  void let_go(const Indexes& files);

  // Of chunks: large_file.cpp.
  void write_large(std::size_t index);
  void write_chunks(const std::shared_ptr<LargeFile>& file);
  bool write_over_copy(const std::shared_ptr<LargeFile>& file);
  void add_stretch(const std::shared_ptr<LargeFile>& file, std::vector<Chunk>& chunks);
  void add_copy(const std::shared_ptr<LargeFile>& file, std::uint64_t from, std::uint64_t to);
  void write_stretch(LargeFile& file, const std::vector<Chunk>& chunks);
  void copy_part(LargeFile& file, std::uint64_t from, std::uint64_t to);
  void part_done(LargeFile& file);
  bool is_known_zero(const Chunk& chunk);

  const TreeView& view_;
  int root_;
  int before_;
  std::filesystem::path shown_;
  bool sync_each_;
  unsigned open_modes_ = 0;  // what the umask leaves of 0777
  const Context& context_;
  std::vector<std::string> folders_;
  const std::vector<WantedFile>* files_ = nullptr;
  std::vector<MadeFile> made_;
  std::mutex mutex_;
  Chunk zeros_;      // one that is known to hold nothing but zeros
  Indexes stale_;    // files whose old content changed while it was copied
  Workers workers_;  // last: they use all of the above
};

}  // namespace pod::snapshot
