#include "base/utf8.hpp"

namespace pod::base {

std::pair<char32_t, std::size_t> decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t length = 0;
  char32_t point = 0;
  char32_t least = 0;
  if (lead >= 0xc2 && lead < 0xe0) {
    length = 2, point = lead & 0x1fu, least = 0x80;
  } else if (lead >= 0xe0 && lead < 0xf0) {
    length = 3, point = lead & 0x0fu, least = 0x800;
  } else if (lead >= 0xf0 && lead < 0xf5) {
    length = 4, point = lead & 0x07u, least = 0x10000;
  } else {
    return {invalid_point, 1};
  }
  if (text.size() < length) return {invalid_point, 1};
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {invalid_point, 1};
    point = point << 6 | (byte(i) & 0x3fu);
  }
  const bool surrogate = point >= 0xd800 && point < 0xe000;
  if (point < least || surrogate || point > 0x10ffff) return {invalid_point, 1};
  return {point, length};
}

std::size_t find_invalid_utf8(std::string_view text) {
  std::size_t offset = 0;
  while (offset < text.size()) {
    const auto [point, length] = decode_utf8(text.substr(offset));
    if (point == invalid_point) return offset;
    offset += length;
  }
  return std::string_view::npos;
}

}  // namespace pod::base
