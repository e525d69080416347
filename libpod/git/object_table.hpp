// Every object of a repository by number: what lies in its packs and loose files at one moment.
//
// Numbers run in the order of the ids. An object that lies in several places has the first of: the pack that is
// preferred, the newest pack, its loose file. Memory: about 45 bytes an object.
#pragma once

#include "git/object_database.hpp"
#include "git/pack_file.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace pod::git {

using ObjectNumber = std::uint32_t;
inline constexpr ObjectNumber no_object = UINT32_MAX;

/// Immutable once read; safe.
class ObjectTable {
 public:
  struct Pack {
    std::shared_ptr<PackFile> file;
    std::int64_t modified = 0;  // seconds since 1970
    bool kept = false;          // it has a `.keep`: nobody takes it apart
    bool preferred = false;
    std::vector<std::uint32_t> by_offset;  // positions in the index, in the order in which the entries lie
    std::vector<std::uint32_t> times;      // of a cruft pack, by position
  };

  /// `preferred`: the name of a pack, "pack-<sha>", or nothing. Packs that are damaged are left out. Throws
  /// PackVanished where another process packs at the same time: read it again.
  static ObjectTable read(const std::filesystem::path& objects, std::string_view preferred, const Context& context);

  std::size_t size() const noexcept { return ids_.size(); }
  const Oid& id(ObjectNumber number) const { return ids_[number]; }
  std::optional<ObjectNumber> find(const Oid& id) const;

  const std::vector<Pack>& packs() const noexcept { return packs_; }
  const std::vector<std::filesystem::path>& loose_files() const noexcept { return loose_files_; }
  /// null: the object lies in a loose file only.
  const Pack* pack_of(ObjectNumber number) const;
  std::uint32_t position_of(ObjectNumber number) const { return positions_[number]; }
  const std::filesystem::path& loose_file_of(ObjectNumber number) const { return loose_files_[positions_[number]]; }
  /// Where the entry begins and ends in its pack. Error(corrupt).
  std::pair<std::uint64_t, std::uint64_t> range_of(ObjectNumber number) const;
  /// The object whose entry begins at `offset` of the pack.
  std::optional<ObjectNumber> at(const Pack& pack, std::uint64_t offset) const;
  /// The bytes that it takes where it lies.
  std::uint64_t stored_size(ObjectNumber number) const;
  /// When it was last written, in seconds since 1970: by its packs' times, or the one that a cruft pack notes.
  std::uint32_t time_of(ObjectNumber number) const { return times_[number]; }

 private:
  void add_packs(const std::filesystem::path& folder, std::string_view preferred);
  void add_loose(const std::filesystem::path& objects);

  std::vector<Pack> packs_;
  std::vector<std::filesystem::path> loose_files_;
  std::vector<Oid> ids_;
  std::vector<std::uint32_t> pack_numbers_;  // of the place; packs_.size(): loose
  std::vector<std::uint32_t> positions_;     // in its index, or in loose_files_
  std::vector<std::uint32_t> times_;
};

}  // namespace pod::git
