// A database file in memory, opened so that a hostile one can do nothing but be read: read-only, defensive, its schema
// not trusted, no triggers, views, virtual tables, functions or extensions, with bounds on steps and bytes.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace pod::document {

/// "na""me", for SQL.
std::string quoted_name(std::string_view name);

/// Views are good until the next row.
class SqliteRow {
 public:
  enum class Type { null, integer, real, text, blob };
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  Type type(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  /// Of text (UTF-8, if the file keeps to it) and blob.
  std::string_view bytes(int column) const;

 private:
  sqlite3_stmt* statement_;
};

class SqliteDatabase {
 public:
  /// `image` must outlive it. Error(corrupt), Error(refused).
  SqliteDatabase(std::string_view image, std::string_view what, std::uint64_t most_steps);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  /// Runs a query and calls `visit` for each row. Only SELECT without functions, and the pragmas that describe tables.
  void each(const std::string& sql, const std::function<void(const SqliteRow&)>& visit);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  [[noreturn]] void fail(int code) const;
  static int on_progress(void* self);

  std::string what_;
  std::string copy_;  // of a database in WAL mode, whose header has to be changed
  std::uint64_t left_;
  std::uint64_t most_bytes_;
  std::uint64_t cell_bytes_ = 0;
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace pod::document
