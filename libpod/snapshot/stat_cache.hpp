// What the files of a folder were when they were last captured or checked out, so that nobody reads them again.
//
// A sidecar: lost, damaged or of another libpod, files are read. A file is taken as known where its inode, size, mode
// and times to the nanosecond are those that were noted, and these times are older than the moment at which the note
// began (git's rule for racy timestamps): a write after that moment gives a later time. What is noted of a file is this
// store's own reading of it, never a stranger's word. Whether the objects that it names are still there is the
// caller's question.
#pragma once

#include <libpod/names.hpp>
#include <libpod/resources.hpp>

#include <sys/stat.h>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pod::snapshot {

/// What tells a file from another one, and from itself after a change. Times in nanoseconds.
struct FileStat {
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified = 0;
  std::int64_t changed = 0;
  std::uint32_t mode = 0;
  friend bool operator==(const FileStat&, const FileStat&) = default;
};
FileStat file_stat(const struct stat& status) noexcept;

struct KnownFile {
  /// What the blob says: this file, or a database with its log; a log has the id of its database.
  enum class Part : std::uint8_t { alone, database, log };
  std::string name;
  FileStat stat;
  Oid id;                   // of what stands in the tree
  unsigned mode = 0100644;  // of the entry in the tree
  Oid model;                // of its file below `.pod/metamodel`; zero: none
  Verdict verdict = Verdict::accept;
  Part part = Part::alone;
  bool judged = true;  // false: nobody has looked into it, so model and verdict say nothing
};

/// Every folder below the one that was captured, by its path ("" for that one), with its files by name.
struct StatCache {
  std::uint64_t device = 0;  // files of other devices are not noted
  std::int64_t taken = 0;    // before the first of the files was looked at, by the clock that gives files their times
  Oid state;                 // snapshot::state_id of all; zero: not known
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  Verdict verdict = Verdict::accept;  // the worst
  std::unordered_map<std::string, std::vector<KnownFile>> folders;

  /// Whether a change since it was noted would show.
  bool settled(const FileStat& stat) const noexcept { return stat.modified < taken && stat.changed < taken; }
  KnownFile* find(const StatePath& path);
};

/// `maker` stands in it: whose notes these are. Another one's are not read.
std::string encode_stat_cache(const StatCache& cache, std::string_view maker);
/// nullopt for whatever encode_stat_cache() does not write, in bounded time and memory.
std::optional<StatCache> decode_stat_cache(std::string_view bytes, std::string_view maker);

/// The caches of a store, `pod/stat/<32 hex digits>`: the SHA-256 of the real path of the folder. One thread at a time.
class StatCaches {
 public:
  StatCaches(std::filesystem::path sidecars, std::string maker)
      : sidecars_(std::move(sidecars)), maker_(std::move(maker)) {}

  /// nullopt where there is none that can be used.
  std::optional<StatCache> load(const std::filesystem::path& folder) const noexcept;
  /// Replaces it; of many folders those that were captured long ago are forgotten. Never throws: the next one reads.
  void save(const std::filesystem::path& folder, const StatCache& cache) const noexcept;
  void forget(const std::filesystem::path& folder) const noexcept;

 private:
  std::filesystem::path file_of(const std::filesystem::path& folder) const;
  std::filesystem::path sidecars_;
  std::string maker_;
};

/// Whether files on the file system of `fd` have times that can be compared with this machine's clock: not where a
/// server gives them, nor where they are coarse.
bool has_exact_times(int fd) noexcept;
/// Now, by the clock that gives files their times.
std::int64_t file_clock() noexcept;

}  // namespace pod::snapshot
