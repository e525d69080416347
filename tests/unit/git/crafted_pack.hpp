// Packs as no honest program writes them, entry by entry.
#pragma once

#include "digest/digest.hpp"
#include "git/deflate.hpp"
#include "git/object_database.hpp"
#include "git/pack_output.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace pod::git::test {

class CraftedPack {
 public:
  /// Where the next entry begins.
  std::uint64_t next() const { return pack_head_size + entries_.size(); }
  std::uint32_t count() const { return count_; }

  std::uint64_t whole(ObjectType type, std::string_view content) {
    return entry(static_cast<unsigned>(type), content.size(), {}, content);
  }
  std::uint64_t offset_delta(std::uint64_t base, std::string_view delta) {
    std::string distance;
    append_base_distance(distance, next() - base);
    return entry(6, delta.size(), distance, delta);
  }
  std::uint64_t id_delta(const Oid& base, std::string_view delta) {
    return entry(7, delta.size(), {reinterpret_cast<const char*>(base.bytes().data()), Oid::size}, delta);
  }
  /// Whatever its head says.
  std::uint64_t entry(unsigned type, std::uint64_t said_size, std::string_view between, std::string_view content) {
    std::string head;
    append_entry_head(head, type, said_size);
    std::string stream;
    Deflater().whole(base::bytes_of(content), stream);
    return raw(head + std::string(between) + stream);
  }
  std::uint64_t raw(std::string_view bytes) {
    const std::uint64_t at = next();
    entries_ += bytes;
    ++count_;
    return at;
  }

  /// With head and trailer that fit.
  std::string bytes() const { return bytes(count_); }
  std::string bytes(std::uint32_t said_count) const { return sealed(pack_head(said_count) + entries_); }
  static std::string sealed(std::string pack) {
    const Oid checksum = digest::Sha1().update(pack).finish();
    return pack.append(reinterpret_cast<const char*>(checksum.bytes().data()), Oid::size);
  }

 private:
  std::string entries_;
  std::uint32_t count_ = 0;
};

/// A size as it stands in a delta.
inline std::string delta_size(std::uint64_t size) {
  std::string out;
  for (; size > 127; size >>= 7) out += static_cast<char>((size & 127) | 128);
  return out += static_cast<char>(size);
}
/// Makes `added` behind a copy of the whole base (less than 64 KiB).
inline std::string appending_delta(std::size_t base_size, std::string_view added) {
  std::string out = delta_size(base_size) + delta_size(base_size + added.size());
  out += static_cast<char>(0x80 | 0x30);
  out += static_cast<char>(base_size & 255);
  out += static_cast<char>(base_size >> 8 & 255);
  if (!added.empty()) out += static_cast<char>(added.size());
  return out += added;
}

inline Oid id_of(ObjectType type, std::string_view content) {
  const std::string head = std::string(type_name(type)) + ' ' + std::to_string(content.size()) + '\0';
  return digest::Sha1().update(head).update(content).finish();
}

/// "100644 name\0<id>"
inline std::string tree_entry(std::string_view mode, std::string_view name, const Oid& id) {
  std::string out = std::string(mode) + ' ' + std::string(name) + '\0';
  return out.append(reinterpret_cast<const char*>(id.bytes().data()), Oid::size);
}

}  // namespace pod::git::test
