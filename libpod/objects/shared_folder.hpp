// A folder that several people and machines share, reached without following a link below its root.
#pragma once

#include "base/files.hpp"

#include <libpod/context.hpp>

#include <sys/stat.h>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::objects {

namespace fs = base::fs;

struct FolderEntry {
  std::string name;
  bool is_folder = false;
};

/// Safe: holds a name alone. Folders are given as "a/b", the root as "". Errors name the path as the user knows it.
class SharedFolder {
 public:
  explicit SharedFolder(fs::path root) : root_(std::move(root)) {}
  const fs::path& root() const noexcept { return root_; }
  fs::path path(std::string_view below) const { return below.empty() ? root_ : root_ / below; }

  /// nullopt: not there. Error(not_found) where the root is not; Error(refused) for a link or what is no folder.
  std::optional<base::Fd> open(std::string_view folder) const;
  /// Makes what is missing, durably. Who may write to the root as its group may do so below it, whatever the umask.
  base::Fd make(std::string_view folder) const;
  /// The mode of a new file: readable and writable for the root's group where the root is; the umask's otherwise.
  mode_t file_mode(int folder_fd) const;

  /// A regular file; nullopt: not there. Error(refused) for anything else.
  std::optional<base::Fd> open_file(int folder_fd, const std::string& name, int flags, const fs::path& shown) const;
  /// What is in it, in no order, but for links and what is neither file nor folder.
  std::vector<FolderEntry> entries(base::Fd folder_fd, const fs::path& shown) const;

 private:
  base::Fd open_root() const;
  fs::path root_;
};

/// Holds a flock; let go when this ends. The file stays: who removes it takes it away under those who wait.
class FolderLock {
 public:
  /// Waits; Error(busy) after `patience`, Error(unsupported) where the file system has no locks.
  FolderLock(const SharedFolder& tree, int folder_fd, const std::string& name, const fs::path& shown,
             std::chrono::milliseconds patience, const CancelToken& cancel);

 private:
  base::Fd fd_;
};

/// Whether nobody held it, so that it is held now; nullopt where the file system has no locks.
std::optional<bool> try_lock(int fd) noexcept;

}  // namespace pod::objects
