#include "json/scanner.hpp"

#include <libpod/error.hpp>

#include "base/ascii.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

namespace pod::json {
namespace {

constexpr int most_nested = 64;

enum ByteClass : std::uint8_t { plain, wide, special };  // wide: not ASCII; special: ends or interrupts a text

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t byte = 0; byte < classes.size(); ++byte)
    classes[byte] = byte < 0x20 || byte == '"' || byte == '\\' ? special : byte >= 0x80 ? wide : plain;
  return classes;
}
constexpr std::array<std::uint8_t, 256> classes = make_classes();

std::uint8_t class_of(char c) { return classes[static_cast<unsigned char>(c)]; }

/// Whether eight bytes are all plain: a text's usual ones.
bool all_plain(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t highs = 0x8080808080808080;
  const auto has_zero = [](std::uint64_t of) { return (of - ones) & ~of & highs; };
  const std::uint64_t below_space = (word - ones * 0x20) & ~word & highs;
  return ((word & highs) | below_space | has_zero(word ^ (ones * '"')) | has_zero(word ^ (ones * '\\'))) == 0;
}

void append_utf8(std::string& out, char32_t point) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6);
    put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  }
}

}  // namespace

void Scanner::fail(std::string_view reason) const {
  throw Error(ErrorCode::corrupt, quote(what_) + " is not acceptable JSON: " + std::string(reason) + " at byte " +
                                      std::to_string(std::min(at_, text_.size())));
}

char Scanner::peek() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return c;
    ++at_;
  }
  fail("it ends too early");
}

void Scanner::expect(char c) {
  if (peek() != c) fail("something else stands where " + quote(std::string_view(&c, 1)) + " should be");
  ++at_;
}

void Scanner::begin_object() {
  expect('{');
  first_ = true;
}

std::optional<std::string_view> Scanner::next_member() {
  const bool first = std::exchange(first_, false);
  if (peek() == '}') return ++at_, std::nullopt;
  if (!first) expect(',');
  const std::string_view name = text();
  expect(':');
  return name;
}

void Scanner::begin_array() {
  expect('[');
  first_ = true;
}

bool Scanner::next_element() {
  const bool first = std::exchange(first_, false);
  if (peek() == ']') return ++at_, false;
  if (!first) expect(',');
  return true;
}

std::string_view Scanner::text() {
  expect('"');
  const std::size_t begin = at_;
  bool ascii = true;
  while (true) {
    while (text_.size() - at_ >= 8 && all_plain(text_.data() + at_)) at_ += 8;
    if (at_ >= text_.size()) fail("a text has no end");
    const std::uint8_t its_class = class_of(text_[at_]);
    if (its_class == special) break;
    ascii = ascii && its_class == plain;
    ++at_;
  }
  if (text_[at_] != '"') return text_with_escapes(begin, at_, ascii);
  const std::string_view found = text_.substr(begin, at_ - begin);
  if (!ascii && !base::is_utf8(found)) fail("invalid UTF-8");
  ++at_;
  return found;
}

char32_t Scanner::hex_unit(std::size_t at) const {
  if (text_.size() - std::min(at, text_.size()) < 4) fail("an escape is cut");
  char32_t unit = 0;
  for (const char c : text_.substr(at, 4)) {
    const char low = base::lower(c);
    if (!base::is_digit(c) && !(low >= 'a' && low <= 'f')) fail("an escape is none");
    unit = unit * 16 + static_cast<char32_t>(base::is_digit(c) ? c - '0' : low - 'a' + 10);
  }
  return unit;
}

std::string_view Scanner::text_with_escapes(std::size_t begin, std::size_t at, bool ascii) {
  unescaped_.assign(text_, begin, at - begin);
  for (at_ = at;; ++at_) {
    if (at_ >= text_.size()) fail("a text has no end");
    const char c = text_[at_];
    if (c == '"') break;
    if (class_of(c) != special) {
      ascii = ascii && class_of(c) == plain;
      unescaped_ += c;
      continue;
    }
    if (c != '\\') fail("a control byte in a text");
    if (++at_ >= text_.size()) fail("a text has no end");
    static constexpr std::string_view names = "\"\\/bfnrt";
    static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    if (const std::size_t which = names.find(text_[at_]); which != std::string_view::npos) {
      unescaped_ += meanings[which];
      continue;
    }
    if (text_[at_] != 'u') fail("an escape is none");
    char32_t point = hex_unit(at_ + 1);
    at_ += 4;
    if (point >= 0xd800 && point < 0xe000) {
      if (point >= 0xdc00 || text_.substr(at_ + 1, 2) != "\\u") fail("half a surrogate pair");
      const char32_t low = hex_unit(at_ + 3);
      if (low < 0xdc00 || low >= 0xe000) fail("half a surrogate pair");
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
      at_ += 6;
    }
    append_utf8(unescaped_, point);
  }
  if (!ascii && !base::is_utf8(unescaped_)) fail("invalid UTF-8");
  ++at_;
  return unescaped_;
}

std::uint64_t Scanner::size() {
  if (!base::is_digit(peek())) fail("something else stands where a size should be");
  const std::size_t begin = at_;
  std::uint64_t value = 0;
  for (; at_ < text_.size() && base::is_digit(text_[at_]); ++at_) {
    const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
    if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) fail("a size does not fit in 64 bits");
    value = value * 10 + digit;
  }
  if (text_[begin] == '0' && at_ - begin > 1) fail("a number starts with 0");
  if (at_ < text_.size() && (text_[at_] == '.' || text_[at_] == 'e' || text_[at_] == 'E'))
    fail("a size is no whole number");
  return value;
}

void Scanner::skip_scalar() {
  for (const std::string_view word : {"true", "false", "null"})
    if (text_.substr(at_, word.size()) == word) {
      at_ += word.size();
      return;
    }
  const auto digits = [&] {
    const std::size_t begin = at_;
    while (at_ < text_.size() && base::is_digit(text_[at_])) ++at_;
    if (at_ == begin) fail("a value is none");
    return begin;
  };
  if (text_[at_] == '-') ++at_;
  if (const std::size_t begin = digits(); text_[begin] == '0' && at_ - begin > 1) fail("a number starts with 0");
  if (at_ < text_.size() && text_[at_] == '.') ++at_, digits();
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    digits();
  }
}

void Scanner::skip() {
  std::string open;  // the brackets that are open
  do {
    // What may come is a value, or the end of the innermost bracket.
    if (!open.empty()) {
      const bool more = open.back() == '{' ? next_member().has_value() : next_element();
      if (!more) {
        open.pop_back();
        continue;
      }
    }
    switch (peek()) {
      case '{': begin_object(), open += '{'; break;
      case '[': begin_array(), open += '['; break;
      case '"': text(); break;
      default: skip_scalar();
    }
    if (open.size() > most_nested)
      throw Error(ErrorCode::refused, quote(what_) + " is not acceptable JSON: it is nested more than " +
                                          std::to_string(most_nested) + " deep");
  } while (!open.empty());
}

void Scanner::end() {
  for (; at_ < text_.size(); ++at_)
    if (std::string_view(" \n\r\t").find(text_[at_]) == std::string_view::npos) fail("something follows");
}

void append_text(std::string& out, std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    std::size_t length = 0;
    while (text.size() - length >= 8 && all_plain(text.data() + length)) length += 8;
    while (length < text.size() && class_of(text[length]) != special) ++length;
    out += text.substr(0, length);
    if (length == text.size()) break;
    const char c = text[length];
    out += '\\';
    switch (c) {
      case '"':
      case '\\': out += c; break;
      case '\b': out += 'b'; break;
      case '\f': out += 'f'; break;
      case '\n': out += 'n'; break;
      case '\r': out += 'r'; break;
      case '\t': out += 't'; break;
      default:
        out += "u00";
        out += hex[static_cast<unsigned char>(c) >> 4];
        out += hex[static_cast<unsigned char>(c) & 15];
    }
    text.remove_prefix(length + 1);
  }
  out += '"';
}

}  // namespace pod::json
