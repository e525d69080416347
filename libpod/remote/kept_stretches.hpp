// Stretches of a pack that were fetched, in a file of the pack's size, and which they are, so that a fetch that was
// broken off goes on with them.
//
// "<file>-note" has a line "<begin> <end> <CRC-32>" for each, in decimal. Neither is synced: when they are opened again
// only what has its CRC-32 counts.
#pragma once

#include "base/files.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace pod::remote {

/// Safe, once made.
class KeptStretches {
 public:
  /// Makes the file where it is missing. Cost: reads what was kept.
  KeptStretches(std::filesystem::path file, std::uint64_t size);

  const std::filesystem::path& file() const noexcept { return file_; }
  using Range = std::pair<std::uint64_t, std::uint64_t>;  // begin, end
  /// What of these bytes is not there, in order.
  std::vector<Range> lacking(std::uint64_t begin, std::uint64_t end) const;
  void write(std::uint64_t offset, base::ConstBytes bytes);
  /// After all of it was written.
  void note(const Range& range, std::uint32_t crc);

 private:
  void read_note();
  bool is_sound(const Range& range, std::uint32_t crc) const;
  void add(const Range& range);

  std::filesystem::path file_;
  std::uint64_t size_;
  base::Fd fd_;
  base::Fd note_;
  mutable std::mutex mutex_;                      // of all below
  std::map<std::uint64_t, std::uint64_t> there_;  // begin to end, apart from one another
};

}  // namespace pod::remote
