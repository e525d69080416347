// An object on its way from where it lies into another pack: its entry as it lies, or its content.
#pragma once

#include "git/object_table.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace pod::git {

/// An entry's head, and where its stream lies.
struct LyingEntry {
  std::shared_ptr<const OpenPack> pack;
  PackEntry head;
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint32_t crc = 0;          // of all from start to end, by the index
  ObjectNumber base = no_object;  // of a delta; no_object where it is none or names nothing in the pack
  std::uint64_t stream_size() const noexcept { return end - head.data; }
};

/// Safe.
class EntrySource {
 public:
  explicit EntrySource(const ObjectTable& table) : table_(table) {}
  /// Of an object that lies in a pack. Error(corrupt).
  LyingEntry find(ObjectNumber number) const;
  /// Its compressed stream in pieces, while the whole entry is checked against the index's CRC-32. Error(corrupt) at
  /// the end where it is damaged.
  void copy(const LyingEntry& entry, ObjectNumber number, const std::function<void(std::string_view)>& sink) const;

 private:
  const ObjectTable& table_;
};

}  // namespace pod::git
