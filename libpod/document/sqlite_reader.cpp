#include "document/sqlite_reader.hpp"

#include <libpod/error.hpp>

#include "base/ascii.hpp"
#include "base/utf8.hpp"
#include "digest/digest.hpp"
#include "document/graph_builder.hpp"
#include "document/json_reader.hpp"
#include "document/sqlite_database.hpp"

#include <algorithm>
#include <bit>
#include <set>
#include <unordered_map>
#include <vector>

namespace pod::document {
namespace {

constexpr std::uint64_t steps_each_table = 1000;  // to describe it

struct Column {
  std::string name;
  int key_place = 0;  // in the primary key, from 1
};

struct Table {
  std::string name;
  std::vector<Column> columns;
  std::vector<std::size_t> key;  // columns; none: a row counts by its content
  std::size_t surrogate = npos;  // the column that is left out
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
};

bool is_surrogate_name(std::string_view name) {
  const std::string low = base::lower(name);
  return low == "id" || low == "_id" || low == "pk" || low == "rowid";
}

/// The key that a unique index gives: the first by name whose columns are there and never NULL.
std::vector<std::size_t> unique_key(SqliteDatabase& database, const Table& table, const std::vector<bool>& not_null) {
  std::vector<std::string> indexes;
  database.each("PRAGMA index_list(" + quoted_name(table.name) + ")", [&](const SqliteRow& row) {
    if (row.integer(2) == 1 && row.integer(4) == 0) indexes.emplace_back(row.bytes(1));
  });
  std::sort(indexes.begin(), indexes.end());
  for (const std::string& index : indexes) {
    std::vector<std::size_t> key;
    bool fits = true;
    database.each("PRAGMA index_info(" + quoted_name(index) + ")", [&](const SqliteRow& row) {
      const std::string_view name = row.bytes(2);
      const auto column =
          std::find_if(table.columns.begin(), table.columns.end(), [&](const Column& c) { return c.name == name; });
      const auto at = static_cast<std::size_t>(column - table.columns.begin());
      fits = fits && column != table.columns.end() && not_null[at];
      key.push_back(at);
    });
    if (fits && !key.empty()) return key;
  }
  return {};
}

/// `named_elsewhere`: a foreign key refers to the table, so that its numbers mean something.
Table describe(SqliteDatabase& database, std::string name, bool named_elsewhere) {
  Table table{.name = std::move(name)};
  std::vector<bool> not_null;
  std::string key_type;
  // Hidden columns are generated: to read them would be to evaluate them.
  database.each("PRAGMA table_xinfo(" + quoted_name(table.name) + ")", [&](const SqliteRow& row) {
    if (row.integer(6) != 0) return;
    table.columns.push_back({std::string(row.bytes(1)), static_cast<int>(row.integer(5))});
    not_null.push_back(row.integer(3) != 0);
    if (row.integer(5) != 0) key_type = row.bytes(2);
  });
  for (int place = 1;; ++place) {
    const auto column =
        std::find_if(table.columns.begin(), table.columns.end(), [&](const Column& c) { return c.key_place == place; });
    if (column == table.columns.end()) break;
    table.key.push_back(static_cast<std::size_t>(column - table.columns.begin()));
  }
  const bool is_number = table.key.size() == 1 && base::lower(key_type) == "integer";
  if (is_number && is_surrogate_name(table.columns[table.key[0]].name) && !named_elsewhere) {
    table.surrogate = table.key[0];
    table.key.clear();
  } else if (table.key.empty()) {
    table.key = unique_key(database, table, not_null);
  }
  return table;
}

bool is_printable(std::string_view text) {
  return base::is_utf8(text) && std::none_of(text.begin(), text.end(),
                                             [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string hex_of(std::string_view bytes) {
  return digest::hex(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

std::string literal(const SqliteRow& row, int column, bool alone) {
  switch (row.type(column)) {
    case SqliteRow::Type::null: return "NULL";
    case SqliteRow::Type::integer: return std::to_string(row.integer(column));
    case SqliteRow::Type::real: {
      const auto bits = std::bit_cast<std::uint64_t>(row.real(column));
      return "real:" + std::to_string(bits);
    }
    case SqliteRow::Type::text:
    case SqliteRow::Type::blob: break;
  }
  const std::string_view bytes = row.bytes(column);
  if (!is_printable(bytes)) return "x'" + hex_of(bytes) + "'";
  if (alone && !bytes.starts_with('\'') && !bytes.starts_with("x'")) return std::string(bytes);
  std::string out = "'";
  for (const char c : bytes) out.append(c == '\'' ? 2 : 1, c);
  return out + "'";
}

class Reader {
 public:
  Reader(GraphBuilder& builder, SqliteDatabase& database) : builder_(builder), database_(database) {}

  Value read() {
    std::vector<std::string> names;
    database_.each("SELECT name FROM sqlite_schema WHERE type='table' AND rootpage>0", [&](const SqliteRow& row) {
      const std::string_view name = row.bytes(0);
      if (!name.starts_with("sqlite_")) names.emplace_back(name);
    });
    std::sort(names.begin(), names.end());
    std::set<std::string> referred_to;
    for (const std::string& name : names)
      database_.each("PRAGMA foreign_key_list(" + quoted_name(name) + ")",
                     [&](const SqliteRow& row) { referred_to.insert(base::lower(row.bytes(2))); });
    std::vector<Value> tables;
    for (std::string& name : names) {
      builder_.spend(steps_each_table);
      const bool named_elsewhere = referred_to.contains(base::lower(name));
      const Table table = describe(database_, std::move(name), named_elsewhere);
      tables.push_back(text(table.name));
      tables.push_back(read_table(table));
    }
    return dict(tables);
  }

 private:
  Value text(std::string_view bytes) { return builder_.copied(base::is_utf8(bytes) ? Kind::text : Kind::bytes, bytes); }
  Value dict(std::span<const Value> items) {
    const Value node = builder_.add_node(Kind::dict, {});
    if (!items.empty()) builder_.add_part(node, Part::Act::items, items);
    return node;
  }

  Value read_table(const Table& table) {
    std::string select;
    for (const Column& column : table.columns) select += (select.empty() ? "SELECT " : ",") + quoted_name(column.name);
    if (select.empty()) return dict({});
    std::vector<Value> names;
    for (const Column& column : table.columns) names.push_back(text(column.name));
    std::vector<Value> rows;
    std::unordered_map<std::string, std::uint64_t> seen;
    database_.each(select + " FROM " + quoted_name(table.name), [&](const SqliteRow& row) {
      builder_.spend(table.columns.size() + 1);
      std::string key = key_of(table, row);
      if (const std::uint64_t count = ++seen[key]; count > 1) key += "#" + std::to_string(count);
      std::vector<Value> cells;
      for (std::size_t at = 0; at < table.columns.size(); ++at) {
        if (at == table.surrogate) continue;
        cells.push_back(names[at]);
        cells.push_back(cell(row, static_cast<int>(at)));
      }
      rows.push_back(text(key));
      rows.push_back(dict(cells));
    });
    return dict(rows);
  }

  std::string key_of(const Table& table, const SqliteRow& row) {
    std::string key;
    if (!table.key.empty()) {
      for (const std::size_t column : table.key)
        key += (key.empty() ? "" : ",") + literal(row, static_cast<int>(column), table.key.size() == 1);
      return key;
    }
    for (std::size_t at = 0; at < table.columns.size(); ++at) {
      if (at == table.surrogate) continue;
      const std::string one = literal(row, static_cast<int>(at), false);
      key += std::to_string(one.size()) + (row.type(static_cast<int>(at)) == SqliteRow::Type::blob ? "b" : ":") + one;
    }
    const digest::Sha256Value digest = digest::sha256(key);
    return digest::hex(std::span(digest).first(8));
  }

  Value cell(const SqliteRow& row, int column) {
    switch (row.type(column)) {
      case SqliteRow::Type::null: return builder_.none();
      case SqliteRow::Type::integer: return builder_.integer(row.integer(column));
      case SqliteRow::Type::real: return builder_.real(std::bit_cast<std::uint64_t>(row.real(column)));
      case SqliteRow::Type::text:
      case SqliteRow::Type::blob: break;
    }
    const std::string_view bytes = row.bytes(column);
    if (bytes.starts_with('{') || bytes.starts_with('[')) {
      try {
        return add_json(builder_, bytes, builder_.what());
      } catch (const Error&) {
        // No JSON, or more of it than is read: a text. Where a limit of the whole is passed the next row fails on it.
      }
    }
    return row.type(column) == SqliteRow::Type::text ? text(bytes) : builder_.copied(Kind::bytes, bytes);
  }

  GraphBuilder& builder_;
  SqliteDatabase& database_;
};

}  // namespace

Graph read_sqlite(std::string file, std::string_view what, const Limits& limits) {
  GraphBuilder builder(std::move(file), what, limits);
  SqliteDatabase database(builder.file(), what, limits.steps);
  const Value root = Reader(builder, database).read();
  const std::uint64_t end = builder.file().size();
  return std::move(builder).finish(root, 0, end);
}

}  // namespace pod::document
