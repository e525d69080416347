// Rows under headers. On a terminal the last column is cut to the width; elsewhere nothing is cut.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace podgit {

class Table {
 public:
  enum class Align { left, right };
  struct Column {
    std::string header;
    Align align = Align::left;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// Cells are made printable here; one a column.
  void add(std::vector<std::string> cells);
  bool empty() const noexcept { return rows_.empty(); }
  /// The rows since the last time, under headers the first time, in columns as wide as those before or wider; so a
  /// long table can be shown while it is made. `width`: cut lines to it; none: as long as they are. `paint`: headers
  /// bold.
  std::string take(std::optional<std::size_t> width, bool paint);

 private:
  std::vector<Column> columns_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> rows_;  // not taken yet
};

}  // namespace podgit
