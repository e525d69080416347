// Numbers in zip headers, read within bounds.
#pragma once

#include "base/stream.hpp"

namespace pod::archive {

/// A stretch of bytes; every number asked for lies within it, or the answer says so.
class LittleEndian {
 public:
  explicit LittleEndian(base::ConstBytes bytes) : bytes_(bytes) {}
  std::size_t size() const noexcept { return bytes_.size(); }
  bool has(std::size_t at, std::size_t count) const noexcept { return at <= size() && count <= size() - at; }
  /// The caller has checked has().
  std::uint16_t u16(std::size_t at) const { return static_cast<std::uint16_t>(number(at, 2)); }
  std::uint32_t u32(std::size_t at) const { return static_cast<std::uint32_t>(number(at, 4)); }
  std::uint64_t u64(std::size_t at) const { return number(at, 8); }
  LittleEndian sub(std::size_t at, std::size_t count) const { return LittleEndian(bytes_.subspan(at, count)); }
  std::string_view text() const { return base::text_of(bytes_); }
  base::ConstBytes bytes() const { return bytes_; }

 private:
  std::uint64_t number(std::size_t at, std::size_t count) const {
    std::uint64_t value = 0;
    for (std::size_t i = count; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes_[at + i]);
    return value;
  }
  base::ConstBytes bytes_;
};

}  // namespace pod::archive
