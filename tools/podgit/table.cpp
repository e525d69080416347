#include "table.hpp"

#include "measures.hpp"
#include "terminal.hpp"

#include <libpod/error.hpp>

#include <algorithm>

namespace podgit {

void Table::add(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = pod::printable(cell);
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::take(std::optional<std::size_t> width, bool paint) {
  const bool first = widths_.empty();
  widths_.resize(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (first) widths_[i] = display_width(columns_[i].header);
    for (const auto& row : rows_) widths_[i] = std::max(widths_[i], display_width(row[i]));
  }
  std::string out;
  const auto line_of = [&](const auto& cell_at) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string cell = cell_at(i);
      const std::string padding(widths_[i] - display_width(cell), ' ');
      if (i > 0) line += "  ";
      line += columns_[i].align == Align::right ? padding + cell : cell + padding;
    }
    while (line.ends_with(' ')) line.pop_back();
    return width ? fitted(line, *width) : line;
  };
  if (first) out += painted(line_of([&](std::size_t i) { return columns_[i].header; }), Colour::bold, paint) + "\n";
  for (const auto& row : rows_) out += line_of([&](std::size_t i) { return row[i]; }) + "\n";
  rows_.clear();
  return out;
}

}  // namespace podgit
