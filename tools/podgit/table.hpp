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
  /// `width`: cut lines to it; none: as long as they are. `paint`: headers bold.
  std::string text(std::optional<std::size_t> width, bool paint) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace podgit
