// A private copy of a database that somebody was writing becomes one file that says what was committed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace pod::document {

/// `file` is a copy that nobody else opens, its `-wal` or `-journal` lies beside it. SQLite takes in or rolls back what
/// these hold, as it does after a crash; afterwards `file` stands alone and is byte for byte what the database would be
/// once its last user has closed it. Nothing of the schema is run. What it says where that cannot be done (no database,
/// damaged, a part of a transaction over several databases); the file is of no use then. Error(io) where there is no
/// space. Cost: the size of the log.
std::optional<std::string> settle_database(const std::filesystem::path& file);

}  // namespace pod::document
