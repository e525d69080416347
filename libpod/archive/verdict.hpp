// What this room says about an archive that it does not take, and the rules for the names of all entries together.
#pragma once

#include "archive/archive.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace pod::archive {

/// Error(corrupt): cut, damaged, or it lies about itself.
[[noreturn]] void corrupt(const std::filesystem::path& file, const std::string& reason);
/// Error(refused): well-formed but unsafe, or too much.
[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& reason);

/// The path of an entry: StatePath's rules, no backslash, no drive letter. Percent signs and look-alikes of "." and "/"
/// are bytes like any other: nothing here decodes them.
StatePath checked_path(std::string_view name, const std::filesystem::path& file);

/// No name twice, none that differs in ASCII case alone (folders on the way included), none that is file and folder.
/// Unicode twins (composed and decomposed) are not looked for.
void refuse_clashes(const std::vector<Entry>& entries, const std::filesystem::path& file);

/// Adds up what an archive claims to hold, and refuses what is past the limits.
class Budget {
 public:
  Budget(const Limits& limits, const std::filesystem::path& file) : limits_(limits), file_(file) {}
  void add_entry(std::uint64_t size, std::size_t name_size);
  /// `inflated` bytes have come, or would come, out of `stored` ones.
  void check_ratio(std::uint64_t inflated, std::uint64_t stored) const;
  std::uint64_t total() const noexcept { return total_; }

 private:
  const Limits& limits_;
  const std::filesystem::path& file_;
  std::uint64_t entries_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t name_bytes_ = 0;
};

}  // namespace pod::archive
