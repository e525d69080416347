// Archives of state: zip and tar.zst, read with suspicion and written the same way every time.
//
// A Reader checks the whole structure before it gives out the first byte: names (StatePath's rules, no backslash, no
// drive), duplicates also after case folding, names that are both file and folder, links and devices, encryption, zip's
// central directory against its local headers, overlaps, data after the end, sizes against the limits. Contents are
// checked while they stream: size and CRC as declared, ratio below the limit.
#pragma once

#include "base/stream.hpp"

#include <libpod/context.hpp>
#include <libpod/names.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pod::archive {

struct Limits {
  std::uint64_t entries = 1'000'000;
  std::uint64_t total_bytes = 32ull << 30;  // after inflating
  std::uint64_t ratio = 200;                // inflated : stored, counted once more than `ratio_floor` came out
  std::uint64_t ratio_floor = 100ull << 20;
  std::uint64_t name_bytes = 128ull << 20;  // all paths together: they are held in memory
};

enum class Format { zip, tar_zst };
/// By the name's end: ".tar.zst" or ".tzst" is tar_zst, everything else zip.
Format format_for(const std::filesystem::path& name);

struct Entry {
  StatePath path;
  std::uint64_t size = 0;
  bool folder = false;   // given only for folders that are listed themselves
  unsigned mode = 0644;  // permission bits; 0644 (0755 for folders) where the archive has none
};

/// One thread at a time.
class Reader {
 public:
  /// Format by content. Error(not_found), Error(corrupt) (not an archive, cut, lies), Error(refused) (unsafe, too
  /// much).
  Reader(const std::filesystem::path& file, const Limits& limits, const Context& context);
  ~Reader();
  Reader(Reader&&) noexcept;

  Format format() const noexcept;
  /// In the archive's order.
  const std::vector<Entry>& entries() const noexcept;
  bool contains(std::string_view path) const;
  /// Streams every file once, in the archive's order; folders are skipped. `visit` may leave a source half read.
  void for_each(const std::function<void(const Entry&, base::ByteSource&)>& visit);
  /// One small file in memory; nullopt if it is not there; Error(refused) past `limit`. Cost: reads up to the entry.
  std::optional<std::string> read(std::string_view path, std::uint64_t limit);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Writes to a file that the caller makes visible. Deterministic: time 1980-01-01, given order, mode 0644 or as asked.
/// zip: deflate for files up to 64 MiB that shrink in their first 64 KiB, else stored; zip64 where needed. What
/// compresses beyond the reader's ratio is written less tightly, so that Reader takes what Writer made. One thread at a
/// time.
class Writer {
 public:
  Writer(const std::filesystem::path& file, Format format, const Context& context);
  ~Writer();
  Writer(Writer&&) noexcept;
  /// `source` must give exactly `size` bytes.
  void add(const StatePath& path, std::uint64_t size, base::ByteSource& source, unsigned mode = 0644);
  void add(const StatePath& path, std::string_view bytes, unsigned mode = 0644);
  void add_folder(const StatePath& path, unsigned mode = 0755);
  /// Ends the archive and syncs it. Without it the file is not an archive.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pod::archive
