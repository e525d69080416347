// Where a large file is cut into chunks, and where its folders of chunks end. Both are part of the format: they depend
// on the file's bytes alone, never on its name, the machine or the pieces in which it is read.
//
//   paged    a SQLite database, by its header: chunks of 8 KiB, or of a page where that is larger; 256 a folder
//   pickle   begins with 80 04 or 80 05 and no frame, as libpod writes pickles: 2/8/32 KiB by content
//   other    16/64/256 KiB by content
#pragma once

#include "base/stream.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pod::snapshot {

/// Files from here on are trees of chunks; smaller ones are blobs.
inline constexpr std::uint64_t chunked_size = 1 << 20;
/// So much of a file's beginning says of which kind it is.
inline constexpr std::size_t kind_head = 18;

/// Bounds of what every reader must take, whatever the kind.
inline constexpr std::uint64_t smallest_chunk = 2 << 10;  // but for a file's last one
inline constexpr std::uint64_t largest_chunk = 256 << 10;
inline constexpr std::size_t most_chunks_a_folder = 512;

/// Table of the rolling hash: number b is the first eight bytes, big endian, of the SHA-256 of "libpod gear 1" and b.
const std::array<std::uint64_t, 256>& gear_table();

struct ChunkRule {
  enum class Kind { paged, pickle, other };
  Kind kind = Kind::other;
  std::size_t smallest = 0;
  std::size_t normal = 0;  // from here on a cut is likelier
  std::size_t largest = 0;
  unsigned hard_bits = 0;  // zeros that a cut takes below `normal`
  unsigned easy_bits = 0;  // and from there on

  /// By the first kind_head bytes of a file, or all of a shorter one.
  static ChunkRule of(std::string_view head);
};

/// One file, from its first byte to its last. One thread at a time.
class ChunkCutter {
 public:
  explicit ChunkCutter(const ChunkRule& rule) : rule_(rule) {}

  struct Cut {
    std::size_t taken = 0;  // of the bytes that were given
    bool ends_folder = false;
  };
  /// Looks for the end of the current chunk. nullopt: all bytes belong to it, and more may.
  std::optional<Cut> find(base::ConstBytes bytes);

 private:
  Cut cut(std::size_t taken);

  ChunkRule rule_;
  std::size_t size_ = 0;  // of the current chunk
  std::uint64_t hash_ = 0;
  std::size_t chunks_ = 0;  // of the current folder, before the current one
};

}  // namespace pod::snapshot
