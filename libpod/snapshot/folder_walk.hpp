// A folder listed and looked at by all cores: the raw material of a scan.
#pragma once

#include "base/files.hpp"
#include "snapshot/stat_cache.hpp"

#include <libpod/context.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace pod::snapshot {

constexpr std::size_t walk_file_limit = 1'000'000;
constexpr std::size_t walk_depth_limit = 64;

struct WalkedFolder;

struct WalkedEntry {
  enum class Kind : std::uint8_t { unseen, file, folder, left_out, gone };
  std::string name;
  Kind kind = Kind::unseen;
  bool lone = true;                       // false: on another device
  const char* why = nullptr;              // it is left out
  std::vector<const WalkedEntry*> logs;   // `-wal`, `-journal` beside it
  const WalkedEntry* index = nullptr;     // `-shm`, where there are logs
  const WalkedEntry* database = nullptr;  // whose log or index it is
  FileStat stat;
  const KnownFile* known = nullptr;
  std::unique_ptr<WalkedFolder> folder;
};

struct WalkedFolder {
  std::string prefix;  // "" or "a/b/"
  WalkedFolder* above = nullptr;
  std::size_t depth = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool holds_itself = false;
  const std::vector<KnownFile>* known = nullptr;
  std::vector<WalkedEntry> entries;  // in the order of the paths below them
};

/// One walk. Entries get their kind and stat; what a file was before is looked up in the cache.
class FolderWalk {
 public:
  /// `cache` may be null.
  FolderWalk(int root, const std::filesystem::path& shown, const Context& context, const StatCache* cache);
  ~FolderWalk();
  FolderWalk(const FolderWalk&) = delete;
  FolderWalk& operator=(const FolderWalk&) = delete;

  /// Errors of any thread are thrown here.
  void run();
  const WalkedFolder& root() const noexcept { return root_; }
  std::uint64_t device() const noexcept { return root_device_; }

 private:
  struct Task {
    WalkedFolder* folder = nullptr;
    std::shared_ptr<base::Fd> fd;  // entries [from, to) are looked at; none: the folder is listed
    std::size_t from = 0;
    std::size_t to = 0;
  };
  void work();
  void add_tasks(std::vector<Task> tasks);
  void list(WalkedFolder& folder);
  void read_names(WalkedFolder& folder, int fd);
  void look(WalkedFolder& folder, int fd, std::size_t from, std::size_t to);
  void look_at(const WalkedFolder& folder, WalkedEntry& entry, int fd);
  void enter(WalkedFolder& folder, WalkedEntry& entry, int fd);
  static bool is_reserved(int root, const std::string& name);

  int root_fd_;
  const std::filesystem::path& shown_;
  const Context& context_;
  const StatCache* cache_;
  WalkedFolder root_;
  std::uint64_t root_device_ = 0;
  const std::size_t most_ = std::max(1u, std::thread::hardware_concurrency());  // the system reads it from a file

  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  std::vector<std::thread> helpers_;
  std::size_t running_ = 0;
  std::size_t folders_ = 0;
  std::size_t entries_ = 0;
  bool stopping_ = false;
  std::exception_ptr failure_;
};

}  // namespace pod::snapshot
