// A regular file that is read by position, so that several readers of one descriptor do not move each other.
#pragma once

#include "base/files.hpp"

namespace pod::archive {

/// Safe: reads have no state.
class PositionedFile {
 public:
  /// Error(not_found), Error(denied); Error(invalid_argument) for what is not a regular file.
  explicit PositionedFile(const base::fs::path& path);
  const base::fs::path& path() const noexcept { return path_; }
  std::uint64_t size() const noexcept { return size_; }
  /// Up to buffer.size() bytes; 0 only at the end.
  std::size_t read_some(std::uint64_t offset, std::span<std::byte> buffer) const;
  /// All of buffer; Error(corrupt) where the file ends before.
  void read_at(std::uint64_t offset, std::span<std::byte> buffer) const;

 private:
  base::fs::path path_;
  base::Fd fd_;
  std::uint64_t size_ = 0;
};

}  // namespace pod::archive
