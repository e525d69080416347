// The index of a pack, version 2: which object lies where.
//
//   \377tOc, version 2             (8 bytes)
//   fan-out: 256 numbers           how many ids start with a byte up to this one; the last is the count n
//   n ids of 20 bytes, sorted
//   n CRC-32 of the entries as they lie in the pack
//   n offsets                      31 bits; with the top bit set, a place in the table of 64-bit offsets
//   k offsets of 64 bits
//   SHA-1 of the pack (its trailer), SHA-1 of everything before
// Numbers are big-endian.
#pragma once

#include "base/stream.hpp"

#include <libpod/names.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pod::git {

/// Safe: immutable once open. Every read stays inside the map, whatever the bytes say.
class PackIndex {
 public:
  /// Maps the file and checks size, magic and fan-out; Error(corrupt). The rest costs reading it all: see verify().
  static std::unique_ptr<PackIndex> open(const std::filesystem::path& file);
  ~PackIndex();
  PackIndex(const PackIndex&) = delete;
  PackIndex& operator=(const PackIndex&) = delete;

  std::uint32_t count() const noexcept { return count_; }
  /// Error(corrupt) where the SHA-1 over the file is wrong or the ids are out of order.
  void verify() const;
  std::optional<std::uint32_t> find(const Oid& id) const noexcept;
  /// The positions [first, second) of ids that begin with `digits` hex digits of `prefix`.
  std::pair<std::uint32_t, std::uint32_t> range(const Oid& prefix, std::size_t digits) const noexcept;
  Oid id(std::uint32_t position) const noexcept;
  std::uint32_t crc(std::uint32_t position) const noexcept;
  /// nullopt where the entry points out of the table of long offsets.
  std::optional<std::uint64_t> offset(std::uint32_t position) const noexcept;
  Oid pack_checksum() const noexcept;

 private:
  PackIndex(const unsigned char* data, std::size_t size) noexcept : data_(data), size_(size) {}
  std::uint32_t fan(unsigned byte) const noexcept;
  const unsigned char* data_;
  std::size_t size_;
  std::uint32_t count_ = 0;
  std::uint32_t long_offsets_ = 0;
};

struct IndexEntry {
  Oid id;
  std::uint32_t crc = 0;
  std::uint64_t offset = 0;
};

/// The bytes that stock git writes for the same pack. Sorts `entries`.
std::string encode_index(std::vector<IndexEntry>& entries, const Oid& pack_checksum);

}  // namespace pod::git
