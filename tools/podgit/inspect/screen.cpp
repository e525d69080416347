#include "screen.hpp"

#include "../measures.hpp"

#include <libpod/error.hpp>

#include <algorithm>

namespace podgit::inspect {
namespace {

constexpr std::size_t bytes_a_column = 16;  // a letter and what may be combined with it

std::string in_columns(std::string_view text, std::size_t width, bool right) {
  std::string cell = fitted(text, width);
  const std::size_t used = display_width(cell);
  const std::string padding(width > used ? width - used : 0, ' ');
  return right ? padding + cell : cell + padding;
}

}  // namespace

void Row::add(std::string_view text, std::size_t width, Style style) {
  if (width > 0) pieces_.push_back({in_columns(text, width, false), style});
}

void Row::add_right(std::string_view text, std::size_t width, Style style) {
  if (width > 0) pieces_.push_back({in_columns(text, width, true), style});
}

std::string Row::text() const {
  std::string out;
  for (const Piece& piece : pieces_) out += piece.text;
  return out;
}

void Row::restyle(Style style) {
  for (Piece& piece : pieces_) piece.style = style;
}

void Row::append(const Row& other) { pieces_.insert(pieces_.end(), other.pieces_.begin(), other.pieces_.end()); }

void Row::replace(std::string_view from, std::string_view to) {
  for (Piece& piece : pieces_)
    for (std::size_t at = piece.text.find(from); at != std::string::npos; at = piece.text.find(from, at + to.size()))
      piece.text.replace(at, from.size(), to);
}

std::string Screen::text() const {
  std::string out;
  for (const Row& row : rows) {
    std::string line = row.text();
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string shown(std::string_view text, const Glyphs& glyphs, std::size_t most) {
  std::string out = pod::printable(text.substr(0, most * bytes_a_column));
  if (glyphs.unicode) return out;
  std::string ascii;
  for (const char c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80)
      ascii += c;
    else if (byte >= 0xc0)  // the first byte of a character stands for it
      ascii += '?';
  }
  return ascii;
}

}  // namespace podgit::inspect
