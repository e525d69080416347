// A SQLite database that is being written, or was when its program died: what it says stands in two files.
//
// Both are copied under locks that SQLite respects, the copy is settled there (document/database_copy.hpp), and nothing
// is written into the folder that it lies in. SQLite's backup interface is not used: it would have to write into the
// folder (the log's index), and numbers the schema anew, so that the same state had other bytes.
//
// While the copy is made
//   a shared lock of the database (bytes 0x40000002 to 0x400001ff) keeps a writer with a journal from writing to it;
//   a shared lock of byte 121 of the `-shm` keeps anybody from moving the log into it. The log may grow or begin anew
//   meanwhile: its frames carry checksums, so that what was copied ends with the last whole transaction.
#pragma once

#include "snapshot/stat_cache.hpp"

#include <libpod/context.hpp>
#include <libpod/names.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace pod::snapshot {

struct DatabaseCopy {
  std::filesystem::path file;  // nobody else's
  std::uint64_t size = 0;
  FileStat stat;                // of the database
  std::optional<FileStat> wal;  // of what lay beside it
  std::optional<FileStat> journal;
  bool steady = false;  // none of them changed while they were copied
};

/// Copies the database at `path` below `root` into `folder`, which is private and on a disk. Where that cannot be done
/// the copy has no file, and `why` says the reason: it is no database, is damaged, or somebody holds it for too long.
/// Error(io) where there is no space, Error(cancelled). Cost: reads and writes the database once.
DatabaseCopy copy_live_database(int root, const StatePath& path, const std::filesystem::path& folder,
                                const Context& context, std::string& why);

}  // namespace pod::snapshot
