// Reads a JSON text of a known shape, value by value, without making Values: for large files that libpod wrote itself
// but that may come from a stranger.
//
//   Scanner in(text, "the model");
//   in.begin_object();
//   while (const auto name = in.next_member())
//     if (*name == "bytes") bytes = in.size(); else in.skip();
//   in.end();
//
// Every call reads exactly what it is called for; Error(corrupt) that says where if something else stands there. One
// thread at a time. Memory: one text that has escapes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pod::json {

class Scanner {
 public:
  /// `text` and `what` must outlive it.
  Scanner(std::string_view text, std::string_view what) : text_(text), what_(what) {}

  void begin_object();
  /// The next member's name, or nothing where the object ends. Views of texts are good until the next call.
  std::optional<std::string_view> next_member();
  void begin_array();
  /// Whether there is a next element; the array is over where not.
  bool next_element();

  std::string_view text();
  /// A whole number that is not negative and fits 64 bits.
  std::uint64_t size();
  /// Any value, nested at most 64 deep (Error(refused)).
  void skip();
  /// Nothing but white space may follow.
  void end();

  [[noreturn]] void fail(std::string_view reason) const;

 private:
  char peek();
  void expect(char c);
  void skip_scalar();
  std::string_view text_with_escapes(std::size_t begin, std::size_t at, bool ascii);
  char32_t hex_unit(std::size_t at) const;

  std::string_view text_;
  std::string_view what_;
  std::size_t at_ = 0;
  bool first_ = false;  // just behind an opening bracket
  std::string unescaped_;
};

/// Appends `text` (UTF-8) in quotes, written as json::canonical writes it.
void append_text(std::string& out, std::string_view text);

}  // namespace pod::json
