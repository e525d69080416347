// Deltas made: what delta.hpp reads.
//
// The base's 16-byte blocks go into a hash table; the target is searched for them byte by byte, matches grow both ways,
// and what lies between them is inserted. After J. MacDonald, "File System Support for Delta Compression" (2000), and
// git's diff-delta, with blocks hashed by two multiplications in place of a rolling polynomial.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::git {

/// Immutable, safe; the base must outlive it. Memory: half the base.
class DeltaEncoder {
 public:
  explicit DeltaEncoder(std::string_view base);
  /// nullopt where the delta would have more than `limit` bytes. Cost: linear, whatever the bytes say.
  std::optional<std::string> encode(std::string_view target, std::size_t limit) const;

 private:
  std::string_view base_;
  unsigned shift_ = 0;
  std::vector<std::uint32_t> heads_;   // by hash: the last block with it, from 1
  std::vector<std::uint32_t> before_;  // by block: the one before it with the same hash
};

}  // namespace pod::git
