#include "snapshot/exchange.hpp"

#include <libpod/error.hpp>

#include "base/files.hpp"
#include "snapshot/beneath.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace pod::snapshot {
namespace {

namespace fs = std::filesystem;

constexpr const char* fresh = "new";
constexpr const char* replaced = "old";

/// What cannot be looked at counts as there: it is not to be lost.
bool is_there(int folder, const char* name) {
  struct stat status {};
  return ::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/// What the kernel or the file system answers where it knows no exchange.
bool is_unsupported(int error) { return error == ENOSYS || error == EINVAL || error == ENOTSUP; }

/// The folder is a mount point, or lies in a lower layer of an overlay.
bool is_immovable(int error) { return error == EBUSY || error == EXDEV; }

void recover(int parent, const fs::path& folder, const std::string& name) {
  const base::Fd work = open_in(AT_FDCWD, folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (!work || ::flock(work.get(), LOCK_EX | LOCK_NB) != 0) return;
  if (is_there(work.get(), replaced) && is_there(work.get(), fresh)) {
    // Killed between the two steps. Where somebody else has made a target since, both stay for the user to look at.
    if (is_there(parent, name.c_str())) return;
    if (::renameat(work.get(), replaced, parent, name.c_str()) != 0) return;
  }
  base::remove_tree(folder);
}

}  // namespace

bool put_in_free_place(int parent, const std::string& name, int work, const fs::path& target) {
  // rename(2) replaces an empty folder and no other.
  if (::renameat(work, fresh, parent, name.c_str()) == 0) return true;
  if (is_immovable(errno)) return false;
  if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
    throw Error(ErrorCode::already_exists, quote(target.native()) + " came to hold something in the meantime");
  base::throw_errno(errno, "write", target);
}

bool put_in_place_of(int parent, const std::string& name, int work, const fs::path& target, Exchange how) {
  if (how == Exchange::atomic) {
    if (::renameat2(work, fresh, parent, name.c_str(), RENAME_EXCHANGE) == 0) return true;
    if (is_immovable(errno)) return false;
    if (!is_unsupported(errno)) base::throw_errno(errno, "replace", target);
  }
  if (::renameat(parent, name.c_str(), work, replaced) != 0) {
    if (is_immovable(errno)) return false;
    base::throw_errno(errno, "replace", target);
  }
  if (::renameat(work, fresh, parent, name.c_str()) == 0) return true;
  const int error = errno;
  ::renameat(work, replaced, parent, name.c_str());
  base::throw_errno(error, "replace", target);
}

std::string work_prefix(const std::string& name) { return "." + name.substr(0, 200) + ".podgit-"; }

void recover_left_overs(const fs::path& parent, const std::string& name) {
  const base::Fd folder = base::open_file(parent, O_RDONLY | O_DIRECTORY);
  const std::string prefix = work_prefix(name);
  std::error_code error;
  for (fs::directory_iterator entry(parent, error), end; !error && entry != end; entry.increment(error))
    if (entry->path().filename().native().starts_with(prefix)) recover(folder.get(), entry->path(), name);
}

}  // namespace pod::snapshot
