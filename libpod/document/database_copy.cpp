#include "document/database_copy.hpp"

#include <libpod/error.hpp>

#include <array>
#include <cerrno>
#include <fstream>
#include <memory>
#include <string_view>
#include <system_error>

#include <sqlite3.h>

namespace pod::document {
namespace {

namespace fs = std::filesystem;

struct Close {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
using Database = std::unique_ptr<sqlite3, Close>;

fs::path beside(const fs::path& file, const char* end) { return fs::path(file.native() + end); }

/// Whether the journal names another one, of a transaction over several databases. SQLite would open that name, which
/// may be any file of this machine, and remove it.
bool names_another_journal(const fs::path& journal) {
  constexpr std::string_view magic("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8);
  std::ifstream stream(journal, std::ios::binary);
  std::array<char, 8> end{};
  stream.seekg(-static_cast<std::streamoff>(end.size()), std::ios::end);
  return stream.read(end.data(), end.size()) && std::string_view(end.data(), end.size()) == magic;
}

[[noreturn]] void no_space(const fs::path& file) {
  throw Error(ErrorCode::io, "cannot write " + quote(file.native()))
      .because("SQLite has no space for its copy of a database")
      .hint("free some space and run the command again");
}

/// SQLite's code; `value` is the first column of the first row, 0 where there is none.
int run(sqlite3* database, const char* sql, int& value) {
  sqlite3_stmt* raw = nullptr;
  int code = sqlite3_prepare_v2(database, sql, -1, &raw, nullptr);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, &sqlite3_finalize);
  if (code != SQLITE_OK) return code;
  code = sqlite3_step(raw);
  value = code == SQLITE_ROW ? sqlite3_column_int(raw, 0) : 0;
  while (code == SQLITE_ROW) code = sqlite3_step(raw);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

int settle(sqlite3* database) {
  const auto set = [&](int option, int value) { sqlite3_db_config(database, option, value, nullptr); };
  set(SQLITE_DBCONFIG_DEFENSIVE, 1);
  set(SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);
  for (const int option : {SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW,
                           SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, SQLITE_DBCONFIG_WRITABLE_SCHEMA})
    set(option, 0);
  sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(database, SQLITE_LIMIT_WORKER_THREADS, 0);
  int value = 0;
  // Exclusive: the index of the log is kept in memory. The copy need not survive a power failure.
  for (const char* sql : {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA mmap_size=0", "PRAGMA synchronous=OFF",
                          "PRAGMA cache_size=-1024", "PRAGMA schema_version"})
    if (const int code = run(database, sql, value); code != SQLITE_OK) return code;
  if (const int code = run(database, "PRAGMA wal_checkpoint(TRUNCATE)", value); code != SQLITE_OK) return code;
  return value == 0 ? SQLITE_OK : SQLITE_BUSY;
}

}  // namespace

std::optional<std::string> settle_database(const fs::path& file) {
  if (names_another_journal(beside(file, "-journal")))
    return "its journal is part of a transaction over several databases";
  sqlite3* raw = nullptr;
  int code = sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(raw);
  if (code == SQLITE_OK) code = settle(raw);
  const std::string reason = raw != nullptr ? sqlite3_errmsg(raw) : sqlite3_errstr(code);
  const int cause = raw != nullptr ? sqlite3_system_errno(raw) : 0;
  database.reset();
  if (code != SQLITE_OK) {
    if ((code & 0xff) == SQLITE_FULL || cause == ENOSPC || cause == EDQUOT) no_space(file);
    return "SQLite says: " + printable(reason);
  }
  // A journal that is left holds nothing: SQLite has looked at it. Not so a log.
  std::error_code error;
  if (const auto size = fs::file_size(beside(file, "-wal"), error); !error && size > 0)
    return "SQLite left a log beside its copy";
  return std::nullopt;
}

}  // namespace pod::document
