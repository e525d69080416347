// Refs as files: loose ones and packed-refs, read and changed so that stock git may do the same at the same time.
//
//   refs/<name>      40 hex digits and a newline, or "ref: " and the name of another ref
//   packed-refs      lines "<id> <name>"; "#" begins a comment, "^" the target of the tag above
// A loose ref hides a packed one. A change is written to <name>.lock, made durable and renamed.
#pragma once

#include "git/repository.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace pod::git {

/// Error(invalid_argument) unless `name` is "HEAD" or "refs/…" as git allows it, and safe as a path.
void check_ref_name(std::string_view name);

/// What tells a file from one that took its place.
struct PackedStamp {
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t changed = 0;  // nanoseconds
  friend bool operator==(const PackedStamp&, const PackedStamp&) = default;
};

/// One thread at a time.
class RefFiles {
 public:
  explicit RefFiles(std::filesystem::path repository) : root_(std::move(repository)) {}

  /// What a ref's own file says: an id, or the name of another ref. Error(corrupt) where it says neither.
  using Value = std::variant<Oid, std::string>;
  std::optional<Value> read(std::string_view name) const;
  /// Follows names of other refs; nullopt where the last one does not exist. Error(corrupt).
  std::optional<Oid> resolve(std::string_view name) const;
  /// Every name that begins with `prefix`, sorted, broken ones too.
  std::vector<std::string> names(std::string_view prefix) const;

  RefUpdate update(std::string_view name, const Oid& expected, const Oid& target);
  void restore(std::string_view name, const Oid& target);
  /// HEAD, as the name of a branch.
  void point(std::string_view name, std::string_view target);

  /// The lines of packed-refs that name no ref (with one of them no ref can be read), or that stock git trips over.
  std::vector<std::string> packed_problems() const;
  /// Writes packed-refs without those lines, durably.
  void drop_bad_packed_lines();

 private:
  using Packed = std::map<std::string, Oid, std::less<>>;
  /// Parsed once for as long as the file stays the same: a store may have thousands of pods.
  std::shared_ptr<const Packed> packed() const;
  Packed parse_packed() const;
  struct PackedText;
  PackedText sort_packed_lines() const;
  void remove(std::string_view name);
  void remove_packed(std::string_view name);
  std::filesystem::path root_;
  mutable std::shared_ptr<const Packed> packed_;
  mutable std::optional<PackedStamp> packed_stamp_;
};

}  // namespace pod::git
