// The deltas of a pack from elsewhere: for check_foreign_pack() alone.
#pragma once

#include "digest/sha1_checked.hpp"
#include "git/foreign_pack.hpp"
#include "git/pack_file.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace pod::git {

/// An entry as the first pass found it.
struct ForeignEntry {
  static constexpr std::uint32_t no_base = UINT32_MAX;
  std::uint64_t offset = 0;
  std::uint32_t crc = 0;
  std::uint32_t base = no_base;  // of a delta by offset: the entry's number; by id: its place in the list of ids
  EntryKind kind = EntryKind::whole;
  ObjectType type = ObjectType::blob;
  bool known = false;  // whether the id is
  Oid id;
};

/// The id of an object, which has the form of its type. Throws as check_strictly(), and for collisions.
Oid identify(digest::Sha1Checked& sha, ObjectType type, std::string_view content);
/// Says of which entry of the pack an error is.
[[noreturn]] void rethrow_for(Error& error, std::uint64_t offset);

/// Finds type and id of every delta. `base_ids`: what deltas by id name.
void resolve_deltas(const std::shared_ptr<const OpenPack>& pack, std::vector<ForeignEntry>& entries,
                    const std::vector<Oid>& base_ids, const ForeignLimits& limits, const Context& context);

}  // namespace pod::git
