// A large file as a tree of chunks: `<offset of the folder, 12 hex digits>/<offset in the folder, 8 hex digits>`, so
// that `cat` in the order of the names gives the file back. Every chunk has the file's mode.
#pragma once

#include "git/object_database.hpp"
#include "git/pack_writer.hpp"
#include "git/repository.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::snapshot {

/// What a file's name in the tree ends in where it is one of chunks.
inline constexpr std::string_view chunks_suffix = ".chunks";

/// Cuts a file of exactly `size` bytes and writes chunks and trees; the tree's id. Error(corrupt) where the source has
/// fewer or more. Memory: about 50 MiB whatever the size.
Oid write_chunks(git::PackWriter& pack, std::uint64_t size, base::ByteSource& source, bool executable);

struct Chunk {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  // by the offsets; whoever reads the blob compares
  Oid id;
};

/// Its bytes. Error(corrupt) where they are not as many as the tree says.
std::string read_chunk(git::ObjectDatabase& objects, const Chunk& chunk);

/// A file's chunks in order. What a stranger's tree says is checked on the way: Error(corrupt) for gaps, overlaps, odd
/// names, modes and sizes. One thread at a time. Memory: 80 bytes a folder.
class ChunkWalk {
 public:
  /// Reads the list of folders, the last folder, and the size of the last chunk.
  ChunkWalk(git::ObjectDatabase& objects, const Oid& tree);

  std::uint64_t size() const noexcept { return size_; }
  bool executable() const noexcept { return executable_; }
  /// nullopt after the last one.
  std::optional<Chunk> next();

 private:
  friend void for_each_other_chunk(git::ObjectDatabase&, const Oid&, const Oid&,
                                   const std::function<void(const Chunk&)>&);
  struct Folder {
    std::uint64_t offset = 0;
    Oid id;
  };
  std::vector<Chunk> read_folder(std::size_t index) const;

  git::ObjectDatabase& objects_;
  Oid tree_;
  std::vector<Folder> folders_;
  std::uint64_t size_ = UINT64_MAX;
  bool executable_ = false;
  std::size_t folder_ = 0;  // the next to read
  std::vector<Chunk> chunks_;
  std::size_t chunk_ = 0;
};

/// Those chunks of `tree` that `base` does not have at the same offset, in order: what has to be written where a file
/// that holds `base` is to hold `tree`. Folders that both have at the same place are not read.
void for_each_other_chunk(git::ObjectDatabase& objects, const Oid& base, const Oid& tree,
                          const std::function<void(const Chunk&)>& visit);

/// The whole file. Error(corrupt) at the chunk that is not what the tree says. Keeps `objects` alive.
std::unique_ptr<base::ByteSource> read_chunks(std::shared_ptr<git::ObjectDatabase> objects, const Oid& tree);

}  // namespace pod::snapshot
