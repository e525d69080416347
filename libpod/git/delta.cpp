#include "git/delta.hpp"

#include <libpod/error.hpp>

namespace pod::git {
namespace {

[[noreturn]] void damaged() { throw Error(ErrorCode::corrupt, "a delta is damaged"); }

unsigned take_byte(std::string_view& bytes) {
  if (bytes.empty()) damaged();
  const auto byte = static_cast<unsigned char>(bytes.front());
  bytes.remove_prefix(1);
  return byte;
}

std::uint64_t take_size(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const unsigned byte = take_byte(bytes);
    const std::uint64_t part = byte & 127;
    if (shift > 56 || (part << shift) >> shift != part) damaged();
    value |= part << shift;
    if ((byte & 128) == 0) return value;
  }
}

}  // namespace

DeltaSizes take_delta_sizes(std::string_view& delta) {
  DeltaSizes sizes;
  sizes.base = take_size(delta);
  sizes.result = take_size(delta);
  return sizes;
}

std::string apply_delta(std::string_view base, std::string_view delta, std::uint64_t limit) {
  const DeltaSizes sizes = take_delta_sizes(delta);
  if (sizes.base != base.size()) damaged();
  if (sizes.result > limit) throw Error(ErrorCode::refused, "a delta makes an object that is too large");
  std::string out;
  out.reserve(static_cast<std::size_t>(sizes.result));
  while (!delta.empty()) {
    const unsigned code = take_byte(delta);
    std::string_view piece;
    if ((code & 128) != 0) {
      std::uint64_t offset = 0;
      std::uint64_t size = 0;
      for (unsigned i = 0; i < 4; ++i)
        if ((code & 1u << i) != 0) offset |= std::uint64_t{take_byte(delta)} << 8 * i;
      for (unsigned i = 0; i < 3; ++i)
        if ((code & 16u << i) != 0) size |= std::uint64_t{take_byte(delta)} << 8 * i;
      if (size == 0) size = 0x10000;
      if (offset > base.size() || size > base.size() - offset) damaged();
      piece = base.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
    } else {
      if (code == 0 || code > delta.size()) damaged();
      piece = delta.substr(0, code);
      delta.remove_prefix(code);
    }
    if (piece.size() > sizes.result - out.size()) damaged();
    out += piece;
  }
  if (out.size() != sizes.result) damaged();
  return out;
}

}  // namespace pod::git
