// Few packs instead of many: the small ones are joined into one, their entries copied as they lie.
//
// Every commit writes a pack, and a reader asks one after the other. What is joined is chosen as by git's geometric
// repack, by bytes: after a join every pack is at least twice as large as all smaller ones together, so that a byte is
// copied about log2(bytes) times in its life. Nothing is inflated; each entry's CRC-32 is checked on the way.
#pragma once

#include <libpod/context.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace pod::git {

/// The indexes of packs that had better be one; empty where they are few. Not those that carry a `.keep` or `.mtimes`
/// (cruft), nor those so large that copying them would be felt. Cost: one look at each file's size.
std::vector<std::filesystem::path> packs_to_join(const std::filesystem::path& objects);

struct JoinedPacks {
  std::filesystem::path pack;
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
};

/// One pack with all objects of `indexes`; durable when it returns. The old packs stay: see remove_pack(). nullopt,
/// with nothing written, where one of them is damaged or vanished meanwhile.
std::optional<JoinedPacks> join_packs(const std::filesystem::path& objects,
                                      const std::vector<std::filesystem::path>& indexes, const Context& context);

/// The pack first, its index last: what a kill leaves is an index without a pack, which nobody reads. Missing is fine.
void remove_pack(const std::filesystem::path& index);

}  // namespace pod::git
