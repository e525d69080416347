// Which commit has which number, for histories that are too long to be walked: a sidecar that can be rebuilt.
//
//   pod/numbers/<32 hex digits>      of the SHA-256 of the ref's name
//     "podnums\n"  u32 1             format; numbers as this machine has them in memory
//     u32 count, each: i64 number, id of the commit      along first parents, oldest first, numbers rising
//     id                             the SHA-1 of all before
//
// It may be older than the ref: what it holds counts from where a walk along first parents from the ref's commit meets
// it. A commit that it names is read, and believed if it has the number.
#pragma once

#include <libpod/names.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::store {

struct NumberedCommit {
  std::int64_t number = 0;
  Oid commit;
  friend bool operator==(const NumberedCommit&, const NumberedCommit&) = default;
};

std::string encode_numbers(const std::vector<NumberedCommit>& commits);
/// nullopt for whatever encode_numbers() does not write of rising numbers from 1.
std::optional<std::vector<NumberedCommit>> decode_numbers(std::string_view bytes);

/// One thread at a time.
class NumberIndex {
 public:
  NumberIndex(const std::filesystem::path& store, std::string_view ref);

  /// How many of the commits are the one given and those before it; 0 where it is not among them.
  std::size_t up_to(const NumberedCommit& commit) const;
  const std::vector<NumberedCommit>& commits() const noexcept { return commits_; }
  const std::filesystem::path& file() const noexcept { return file_; }
  /// The first `kept` stay, `newer` (newest first) come behind.
  void extend(std::size_t kept, const std::vector<NumberedCommit>& newer);
  /// On disk too, if that can be. Never throws.
  void save() const noexcept;

 private:
  std::filesystem::path sidecars_;
  std::filesystem::path file_;
  std::vector<NumberedCommit> commits_;
};

}  // namespace pod::store
