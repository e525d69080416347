#include "document/sqlite_database.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <initializer_list>
#include <limits>

#include <sqlite3.h>

namespace pod::document {
namespace {

constexpr int progress_each = 1000;  // instructions of SQLite's machine
constexpr std::size_t header_size = 100;
constexpr std::size_t write_version = 18;
constexpr std::size_t read_version = 19;

/// Called while a statement is compiled, for everything that it would do.
int authorize(void*, int action, const char* first, const char*, const char*, const char* inner) {
  switch (action) {
    case SQLITE_SELECT: return SQLITE_OK;
    case SQLITE_READ: return inner == nullptr ? SQLITE_OK : SQLITE_DENY;  // not from within a view or trigger
    case SQLITE_PRAGMA: {
      const std::string_view pragma = first == nullptr ? "" : first;
      const bool describes =
          pragma == "table_xinfo" || pragma == "index_list" || pragma == "index_info" || pragma == "foreign_key_list";
      return describes ? SQLITE_OK : SQLITE_DENY;
    }
    default: return SQLITE_DENY;
  }
}

}  // namespace

std::string quoted_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

SqliteRow::Type SqliteRow::type(int column) const {
  switch (sqlite3_column_type(statement_, column)) {
    case SQLITE_INTEGER: return Type::integer;
    case SQLITE_FLOAT: return Type::real;
    case SQLITE_TEXT: return Type::text;
    case SQLITE_BLOB: return Type::blob;
    default: return Type::null;
  }
}

std::int64_t SqliteRow::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double SqliteRow::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string_view SqliteRow::bytes(int column) const {
  const bool blob = type(column) == Type::blob;
  const void* data = blob ? sqlite3_column_blob(statement_, column)
                          : static_cast<const void*>(sqlite3_column_text(statement_, column));
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

void SqliteDatabase::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

SqliteDatabase::SqliteDatabase(std::string_view image, std::string_view what, std::uint64_t most_steps)
    : what_(what), left_(most_steps), most_bytes_(image.size()) {
  if (image.size() < header_size)
    throw Error(ErrorCode::corrupt, quote(what_) + " is not acceptable SQLite: it ends too early");
  if (image[write_version] == 2 || image[read_version] == 2) {
    // In WAL mode: its log was copied into it or lies elsewhere. SQLite opens an image only in the other mode.
    copy_ = image;
    copy_[write_version] = copy_[read_version] = 1;
    image = copy_;
  }
  sqlite3* database = nullptr;
  const int opened =
      sqlite3_open_v2(":memory:", &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_MEMORY, nullptr);
  database_.reset(database);
  if (opened != SQLITE_OK) fail(opened);
  const auto set = [&](int option, int value) {
    if (sqlite3_db_config(database, option, value, nullptr) != SQLITE_OK) fail(SQLITE_ERROR);
  };
  set(SQLITE_DBCONFIG_DEFENSIVE, 1);
  set(SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);
  for (const int option :
       {SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION,
        SQLITE_DBCONFIG_ENABLE_FKEY, SQLITE_DBCONFIG_WRITABLE_SCHEMA, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER})
    set(option, 0);
  // No cell is larger than the file that holds it, but for UTF-16 that becomes UTF-8.
  const auto cap = [&](int id, std::uint64_t most) {
    sqlite3_limit(database, id, static_cast<int>(std::min<std::uint64_t>(most, std::numeric_limits<int>::max())));
  };
  cap(SQLITE_LIMIT_LENGTH, 2 * most_bytes_ + 1000);
  cap(SQLITE_LIMIT_SQL_LENGTH, 1'000'000);
  cap(SQLITE_LIMIT_COLUMN, 1000);
  cap(SQLITE_LIMIT_EXPR_DEPTH, 100);
  cap(SQLITE_LIMIT_COMPOUND_SELECT, 3);
  cap(SQLITE_LIMIT_VDBE_OP, 100'000);
  cap(SQLITE_LIMIT_FUNCTION_ARG, 8);
  cap(SQLITE_LIMIT_ATTACHED, 0);
  cap(SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50);
  cap(SQLITE_LIMIT_VARIABLE_NUMBER, 1);
  cap(SQLITE_LIMIT_TRIGGER_DEPTH, 1);
  cap(SQLITE_LIMIT_WORKER_THREADS, 0);
  sqlite3_progress_handler(database, progress_each, &SqliteDatabase::on_progress, this);
  // Read-only: SQLite does not write to the image, though it takes no const.
  auto* bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(image.data()));
  const auto size = static_cast<sqlite3_int64>(image.size());
  if (const int code = sqlite3_deserialize(database, "main", bytes, size, size, SQLITE_DESERIALIZE_READONLY);
      code != SQLITE_OK)
    fail(code);
  if (const int code = sqlite3_exec(database, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA cache_size=-1024",
                                    nullptr, nullptr, nullptr);
      code != SQLITE_OK)
    fail(code);
  sqlite3_set_authorizer(database, &authorize, nullptr);
}

SqliteDatabase::~SqliteDatabase() = default;

int SqliteDatabase::on_progress(void* self) {
  auto& left = static_cast<SqliteDatabase*>(self)->left_;
  if (left < progress_each) return 1;
  left -= progress_each;
  return 0;
}

void SqliteDatabase::fail(int code) const {
  const std::string reason = database_ ? sqlite3_errmsg(database_.get()) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_INTERRUPT: throw Error(ErrorCode::refused, quote(what_) + " takes more steps to read than allowed");
    case SQLITE_TOOBIG:
    case SQLITE_NOMEM: throw Error(ErrorCode::refused, quote(what_) + " holds more than allowed").because(reason);
    case SQLITE_AUTH:
      throw Error(ErrorCode::refused, quote(what_) + " has a schema that would have to be run").because(reason);
    default: throw Error(ErrorCode::corrupt, quote(what_) + " is not acceptable SQLite: " + printable(reason));
  }
}

void SqliteDatabase::each(const std::string& sql, const std::function<void(const SqliteRow&)>& visit) {
  sqlite3_stmt* raw = nullptr;
  if (sql.size() > std::numeric_limits<int>::max()) fail(SQLITE_TOOBIG);
  const int prepared = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_NO_VTAB, &raw, nullptr);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, &sqlite3_finalize);
  if (prepared != SQLITE_OK) fail(prepared);
  const int columns = sqlite3_column_count(raw);
  const SqliteRow row(raw);
  for (int code = sqlite3_step(raw); code != SQLITE_DONE; code = sqlite3_step(raw)) {
    if (code != SQLITE_ROW) fail(code);
    // Each cell stands in the file once, so all of them are no larger than the file; in UTF-16 they are larger there.
    // Only in a crafted one do cells share pages.
    for (int column = 0; column < columns; ++column)
      if (const auto type = row.type(column); type == SqliteRow::Type::text || type == SqliteRow::Type::blob)
        cell_bytes_ += row.bytes(column).size();
    if (cell_bytes_ > 2 * most_bytes_ + 65'536)
      throw Error(ErrorCode::refused, quote(what_) + " holds more than its size allows");
    visit(row);
  }
}

}  // namespace pod::document
