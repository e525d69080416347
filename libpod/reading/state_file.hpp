// A state file, read once: what a version records of it, and what an instance may be given in its place.
//
//   StateFile file = read_state_file(std::move(bytes), path);
//   if (file.canonical) store(*file.canonical);
//
// Thread word: safe.
#pragma once

#include "document/document.hpp"

#include <libpod/names.hpp>
#include <libpod/resources.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pod::reading {

/// A larger file is stored and not read.
constexpr std::uint64_t size_limit = 64ull << 20;

/// Grows whenever the same file may be read or judged in another way than before, but for the rules of the metamodel,
/// which have a number of their own.
constexpr int number = 1;

/// Whether a version records what the file says: state by the policy's roles, and databases that services keep.
bool is_state_file(const StatePath& path);

struct StateFile {
  StateReading reading;  // of the canonical writing where there is one, else of the bytes that were given
  /// Of a pickle that can be read and written: libpod's own writing, which was read back and says the same.
  std::optional<std::string> canonical;
  /// Why there is no canonical writing of a pickle; empty for other formats.
  std::string not_written;
};

/// Never throws for what the file holds. Cost: linear; a canonical writing is made where `write`.
StateFile read_state_file(std::string file, const StatePath& path, bool write = false);

/// A file that is too large to be read. `sha256`: of its bytes, 64 hex digits.
StateReading unread(const StatePath& path, std::uint64_t bytes, std::string sha256);

bool is_pickle(document::Format format) noexcept;
/// The pickle of `graph` in libpod's writing, with the mark before it where the format has one. Error(unsupported)
/// where it cannot be written, Error(refused) past `limit` bytes.
std::string write_again(const document::Graph& graph, document::Format format, std::uint64_t limit = size_limit);

}  // namespace pod::reading
