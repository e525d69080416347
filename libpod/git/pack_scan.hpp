// What lies in a pack by its entries' own word, whatever its index says: for a check, an index that is made again, and
// a pack out of which is taken what is sound.
#pragma once

#include "git/pack_file.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pod::git {

/// Error(io), Error(not_found); Error(corrupt) where it is no file or shorter than a head and a trailer.
std::shared_ptr<OpenPack> open_pack(const std::filesystem::path& path);
/// The trailer, where the bytes before it have that SHA-1. Cost: reads all of it.
std::optional<Oid> checked_trailer(const OpenPack& pack, const Context& context);
/// How many entries the head claims; nullopt where it is no head.
std::optional<std::uint32_t> entry_count(const OpenPack& pack);

struct ScannedEntry {
  PackEntry entry;
  std::uint64_t offset = 0;
  std::uint64_t end = 0;
  std::uint32_t crc = 0;
  std::optional<Oid> id;  // of a whole entry
};

/// Every entry from front to back, inflated once. A strict scan ends before the first that cannot be read; one that
/// salvages goes on at the next byte from which an entry can be read.
enum class ScanKind { strict, salvage };
std::vector<ScannedEntry> scan_entries(const OpenPack& pack, ScanKind kind, const Context& context);

/// Objects of one pack by where they lie. Bases of deltas are remembered, up to 16 MiB of them: objects in the order of
/// the pack are resolved once. Nothing is checked against an id. One thread at a time.
class EntryReader {
 public:
  /// Where the object lies that a delta names by its id.
  using FindBase = std::function<std::optional<std::uint64_t>(const Oid&)>;
  EntryReader(std::shared_ptr<const OpenPack> pack, FindBase find_base);

  /// Error(corrupt), Error(refused) for what is past the limits of PackFile.
  std::shared_ptr<const Object> read(std::uint64_t offset);
  /// Computes the id; a large object that is no delta is not held.
  std::pair<Oid, ObjectHeader> identify(std::uint64_t offset);

 private:
  std::shared_ptr<const Object> remembered(std::uint64_t offset);
  std::shared_ptr<const Object> remember(std::uint64_t offset, Object object);

  std::shared_ptr<const OpenPack> pack_;
  FindBase find_base_;
  using Recent = std::list<std::pair<std::uint64_t, std::shared_ptr<const Object>>>;
  Recent recent_;  // newest first
  std::unordered_map<std::uint64_t, Recent::iterator> places_;
  std::uint64_t held_ = 0;
  bool has_deltas_ = false;  // as far as is known
};

}  // namespace pod::git
