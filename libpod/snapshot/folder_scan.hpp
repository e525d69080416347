// What lies in a folder: listed and looked at by all cores, read by nobody.
#pragma once

#include "snapshot/stat_cache.hpp"

#include <libpod/context.hpp>
#include <libpod/names.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pod::snapshot {

class FolderWalk;

struct FoundFile {
  StatePath path;
  FileStat stat;
  const KnownFile* known = nullptr;  // in the cache: the file, a database with its logs, is what it was
  bool lone = true;                  // false: it lies on another device
  bool has_logs = false;             // a database that is being written, by its name
  std::size_t database = SIZE_MAX;   // whose log or index it is: place in the list, in front of this
};

struct FolderScan {
  std::vector<FoundFile> files;          // sorted by path
  std::vector<StatePath> empty_folders;  // that hold nothing which is captured
  std::vector<std::string> folders;      // all of them, "" first
  std::uint64_t bytes = 0;
};

/// Looks at a folder when it is made; what the caller gives outlives it.
class FolderScanner {
 public:
  using Wanted = std::function<bool(const StatePath&)>;
  /// `cache` may be null. Warns of what is left out, in the order of paths.
  FolderScanner(int root, const std::filesystem::path& shown, const Context& context, const Wanted& wanted,
                const StatCache* cache);
  ~FolderScanner();

  /// In every respect as the cache says. Cost: none, so that nobody needs the list of an unchanged folder.
  bool as_known() const noexcept { return as_known_; }
  std::uint64_t device() const noexcept;
  std::int64_t taken() const noexcept { return taken_; }

  /// Everything that is to be captured. Error(refused) past the budgets, before anything is read.
  FolderScan list() const;

 private:
  std::filesystem::path shown_;
  const Context& context_;
  const Wanted& wanted_;
  std::int64_t taken_;
  std::unique_ptr<FolderWalk> walk_;
  bool as_known_ = false;
};

}  // namespace pod::snapshot
