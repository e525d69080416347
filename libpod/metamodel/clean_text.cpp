#include "metamodel/clean_text.hpp"

#include <libpod/error.hpp>

#include "base/utf8.hpp"

#include <algorithm>

namespace pod::metamodel {
namespace {

bool is_plain_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

/// Control bytes, and the marks that turn the direction of writing.
bool is_safe(std::string_view text) {
  while (!text.empty()) {
    const auto [point, length] = base::decode_utf8(text);
    const bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);
    const bool direction = (point >= 0x200e && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
                           (point >= 0x2066 && point <= 0x2069) || point == 0x061c || point == 0xfeff;
    if (point == base::invalid_point || control || direction) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

std::string clean(std::string_view text, std::size_t limit) {
  const bool cut = text.size() > limit;
  if (cut) {
    std::size_t end = limit;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80 && limit - end < 4) --end;
    text = text.substr(0, end);
  }
  std::string out = is_plain_ascii(text) || is_safe(text) ? std::string(text) : printable(text);
  if (cut) out += "…";
  return out;
}

}  // namespace pod::metamodel
