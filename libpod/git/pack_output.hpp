// A pack file on its way into a repository: entries in the order they come, then durable under its name.
//
//   <objects>/pack/tmp_pack_*, tmp_idx_*   while it is written, as stock git names them; flocked by who writes
//   pack-<sha>.pack, .mtimes, .idx         in this order: readers go by the index
// What compresses and decides what goes in is the caller's.
#pragma once

#include "base/files.hpp"
#include "git/object_database.hpp"
#include "git/pack_index.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::git {

/// A file that is removed unless it was given a name.
class TemporaryFile {
 public:
  TemporaryFile(const std::filesystem::path& folder, std::string_view prefix);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();
  int fd() const noexcept { return fd_.get(); }
  const std::filesystem::path& path() const noexcept { return path_; }
  /// Read-only and durable.
  void seal();
  void rename_to(const std::filesystem::path& path);

 private:
  std::filesystem::path path_;
  base::Fd fd_;
};

void write_at(int fd, std::string_view bytes, std::uint64_t offset, const std::filesystem::path& path);

/// "PACK", version, count.
std::string pack_head(std::uint32_t count);
inline constexpr std::size_t pack_head_size = 12;

/// Type (of an object, or 6 for a delta by offset) and inflated size, as they stand before an entry's stream.
void append_entry_head(std::string& out, unsigned type, std::uint64_t size);
/// How far before a delta its base begins.
void append_base_distance(std::string& out, std::uint64_t distance);
inline constexpr unsigned offset_delta_type = 6;

/// One thread at a time.
class PackOutput {
 public:
  PackOutput(const std::filesystem::path& objects, const Context& context);

  std::uint64_t position() const noexcept { return position_ + buffer_.size(); }
  std::size_t count() const noexcept { return entries_.size(); }
  /// Appends a whole entry as it stands in a pack; returns where it begins.
  std::uint64_t add(const Oid& id, std::uint32_t crc, std::string_view entry);
  /// For what comes in pieces: bytes that belong to no entry until add_entry() says where they begin.
  void append(std::string_view bytes);
  void add_entry(const Oid& id, std::uint32_t crc, std::uint64_t offset);

  /// With times, one for each object, the pack is what stock git calls cruft: unreachable objects and their age.
  /// Seconds since 1970, in the order in which the entries were added.
  void set_times(std::vector<std::uint32_t> times) { times_ = std::move(times); }

  /// Everything but the names is durable afterwards. At least one entry.
  void seal();
  /// Gives the names; durable when it returns. The pack's path.
  std::filesystem::path publish();
  std::uint64_t bytes() const noexcept { return bytes_; }  // of all files, after seal()

 private:
  void flush();

  std::filesystem::path folder_;
  Context context_;
  TemporaryFile pack_;
  std::optional<TemporaryFile> index_;
  std::optional<TemporaryFile> mtimes_;
  std::string buffer_;
  std::uint64_t position_ = pack_head_size;
  std::uint64_t told_disk_ = 0;
  std::vector<IndexEntry> entries_;
  std::vector<std::uint32_t> times_;
  Oid checksum_;
  std::uint64_t bytes_ = 0;
};

}  // namespace pod::git
