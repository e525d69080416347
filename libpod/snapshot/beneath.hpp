// Opening files below a folder, and nowhere else.
#pragma once

#include "base/files.hpp"

#include <libpod/names.hpp>

#include <string>

namespace pod::snapshot {

/// Opens `path` below the folder `root` without following any link, by openat2, or component by component where the
/// kernel has none. The descriptor is empty and errno set where it fails.
base::Fd open_beneath(int root, const StatePath& path, int flags) noexcept;

/// The same for one name in a folder.
base::Fd open_in(int folder, const char* name, int flags, unsigned mode = 0) noexcept;

/// Names below a root, one after the other: the folder of the last one stays open, so that neighbours cost one open.
/// One thread at a time.
class FolderCursor {
 public:
  explicit FolderCursor(int root) noexcept : root_(root) {}
  struct Place {
    int folder = -1;  // errno says why there is none
    const char* name = nullptr;
  };
  /// Good until the next call and as long as `path`.
  Place find(const StatePath& path);
  /// Empty, and errno set, where it fails.
  base::Fd open(const StatePath& path, int flags, unsigned mode = 0);

 private:
  int root_;
  std::string folder_;
  base::Fd fd_;
};

/// How open_beneath works without openat2; for its test.
base::Fd open_beneath_by_steps(int root, const StatePath& path, int flags) noexcept;

/// The path that stands for a folder where files are chosen: one of a file in it.
StatePath path_in(const StatePath& folder);

}  // namespace pod::snapshot
