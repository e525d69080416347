#include "document/pickle_text.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <vector>

namespace pod::document {
namespace {

constexpr std::size_t digit_limit = 4300;

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// `count` hex digits at the start of `text`.
std::optional<std::uint32_t> hex_number(std::string_view text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text.substr(0, count)) {
    const int digit = hex_digit(c);
    if (digit < 0) return std::nullopt;
    value = value << 4 | static_cast<std::uint32_t>(digit);
  }
  return value;
}

void append_point(std::string& out, std::uint32_t point) {
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80 | (point >> shift & 0x3f)); };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0 | point >> 6);
    tail(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0 | point >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | point >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace

WholeNumber whole_number(std::string_view bytes) {
  // Bytes that only repeat the sign say nothing.
  while (bytes.size() > 1) {
    const auto last = static_cast<unsigned char>(bytes.back());
    const bool negative = (static_cast<unsigned char>(bytes[bytes.size() - 2]) & 0x80) != 0;
    if (last != (negative ? 0xff : 0)) break;
    bytes.remove_suffix(1);
  }
  if (bytes.size() > 8) return std::string(bytes);
  std::uint64_t value = 0;
  if (!bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80) != 0) value = ~std::uint64_t{0};
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return static_cast<std::int64_t>(value);
}

std::optional<WholeNumber> parse_decimal(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || text.size() > digit_limit || !std::all_of(text.begin(), text.end(), is_digit))
    return std::nullopt;
  std::vector<std::uint32_t> limbs;  // the magnitude, least first
  for (const char c : text) {
    std::uint64_t carry = static_cast<std::uint64_t>(c - '0');
    for (std::uint32_t& limb : limbs) {
      carry += std::uint64_t{limb} * 10;
      limb = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) limbs.push_back(static_cast<std::uint32_t>(carry));
  }
  std::string bytes;
  for (const std::uint32_t limb : limbs)
    for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(limb >> shift & 0xff);
  bytes += '\0';
  if (negative) {
    unsigned carry = 1;
    for (char& byte : bytes) {
      carry += static_cast<unsigned char>(~byte);
      byte = static_cast<char>(carry);
      carry >>= 8;
    }
  }
  return whole_number(bytes);
}

std::optional<std::uint64_t> parse_float(std::string_view text) {
  const bool plus = text.starts_with('+');
  if (plus) text.remove_prefix(1);
  if (text.empty() || (plus && text.front() == '-')) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::bit_cast<std::uint64_t>(value);
}

std::optional<std::string> unquote_string(std::string_view line) {
  if (line.size() < 2 || line.front() != line.back() || (line.front() != '\'' && line.front() != '"'))
    return std::nullopt;
  line = line.substr(1, line.size() - 2);
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      out += line[i];
      continue;
    }
    if (++i == line.size()) return std::nullopt;
    static constexpr std::string_view letters = "abfnrtv\\'\"";
    static constexpr std::string_view meanings = "\a\b\f\n\r\t\v\\'\"";
    if (const auto place = letters.find(line[i]); place != std::string_view::npos) {
      out += meanings[place];
    } else if (line[i] == 'x') {
      const auto value = hex_number(line.substr(i + 1), 2);
      if (!value) return std::nullopt;
      out += static_cast<char>(*value);
      i += 2;
    } else if (line[i] >= '0' && line[i] <= '7') {
      unsigned value = 0;
      std::size_t digits = 0;
      for (; digits < 3 && i + digits < line.size() && line[i + digits] >= '0' && line[i + digits] <= '7'; ++digits)
        value = value * 8 + static_cast<unsigned>(line[i + digits] - '0');
      out += static_cast<char>(value);
      i += digits - 1;
    } else {
      out += '\\';
      out += line[i];
    }
  }
  return out;
}

std::optional<std::string> decode_raw_unicode(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char next = line[i] == '\\' && i + 1 < line.size() ? line[i + 1] : '\0';
    if (next == 'u' || next == 'U') {
      const std::size_t digits = next == 'u' ? 4 : 8;
      const auto point = hex_number(line.substr(i + 2), digits);
      if (!point || *point > 0x10ffff) return std::nullopt;
      append_point(out, *point);
      i += 1 + digits;
      continue;
    }
    append_point(out, static_cast<unsigned char>(line[i]));
    if (next != '\0') append_point(out, static_cast<unsigned char>(line[++i]));
  }
  return out;
}

bool is_python_text(std::string_view bytes) noexcept {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* const end = at + bytes.size();
  while (at < end) {
    while (end - at >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, at, 8);
      if ((word & 0x8080808080808080u) != 0) break;
      at += 8;
    }
    if (at == end) break;
    const unsigned char first = *at;
    if (first < 0x80) {
      ++at;
      continue;
    }
    const auto tail = [&](std::ptrdiff_t i) { return end - at > i && (at[i] & 0xc0) == 0x80; };
    if (first >= 0xc2 && first < 0xe0 && tail(1)) {
      at += 2;
    } else if (first >= 0xe0 && first < 0xf0 && tail(1) && tail(2) && (first > 0xe0 || at[1] >= 0xa0)) {
      at += 3;
    } else if (first >= 0xf0 && first < 0xf5 && tail(1) && tail(2) && tail(3) && (first > 0xf0 || at[1] >= 0x90) &&
               (first < 0xf4 || at[1] < 0x90)) {
      at += 4;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace pod::document
