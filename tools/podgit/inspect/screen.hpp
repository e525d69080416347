// What a terminal shows, without one: rows of pieces of text, each with a style. The view draws it, tests read it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace podgit::inspect {

enum class Style { plain, bold, dim, chosen, chosen_elsewhere, added, removed, changed, warning, bar };

struct Piece {
  std::string text;
  Style style = Style::plain;
};

/// A row of exactly as many columns as its screen is wide, once filled. Texts are made printable before they get here.
class Row {
 public:
  /// `text` in exactly `width` columns, cut or filled with blanks.
  void add(std::string_view text, std::size_t width, Style style = Style::plain);
  /// The same, at the right of its columns.
  void add_right(std::string_view text, std::size_t width, Style style = Style::plain);
  const std::vector<Piece>& pieces() const noexcept { return pieces_; }
  std::string text() const;
  /// One style for the whole row, as the cursor has it.
  void restyle(Style style);
  void append(const Row& other);
  void replace(std::string_view from, std::string_view to);

 private:
  std::vector<Piece> pieces_;
};

struct Screen {
  std::vector<Row> rows;
  std::string text() const;  // rows with line ends, blanks at the end cut
};

/// What this terminal can draw.
struct Glyphs {
  bool unicode = true;
  std::string_view bar() const { return unicode ? "│" : "|"; }
  std::string_view block() const { return unicode ? "█" : "#"; }
  std::string_view cut() const { return unicode ? "…" : "~"; }
  std::string_view into() const { return unicode ? " › " : " > "; }
  std::string_view more() const { return unicode ? "▸" : "+"; }
  std::string_view line() const { return unicode ? "─" : "-"; }
};

/// One line of a stranger's text: controls, direction and zero-width characters escaped; what the terminal cannot show
/// is
/// '?'. Looks at no more of it than `most` columns can hold.
std::string shown(std::string_view text, const Glyphs& glyphs, std::size_t most = 1000);

}  // namespace podgit::inspect
