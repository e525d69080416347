#include "snapshot/beneath.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>
#include <string>

namespace pod::snapshot {

base::Fd open_in(int folder, const char* name, int flags, unsigned mode) noexcept {
  int fd = -1;
  do fd = ::openat(folder, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  return base::Fd(fd);
}

base::Fd open_beneath_by_steps(int root, const StatePath& path, int flags) noexcept {
  base::Fd folder;
  int at = root;
  const auto parts = path.components();
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    base::Fd next = open_in(at, std::string(parts[i]).c_str(), O_PATH | O_DIRECTORY);
    if (!next) return next;
    folder = std::move(next);
    at = folder.get();
  }
  return open_in(at, std::string(parts.back()).c_str(), flags);
}

base::Fd open_beneath(int root, const StatePath& path, int flags) noexcept {
  open_how how{};
  how.flags = static_cast<__u64>(flags | O_NOFOLLOW | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long fd = -1;
  // EAGAIN: something was renamed on the way, so that the kernel could not be sure.
  for (int tries = 0; tries < 100; ++tries) {
    fd = ::syscall(SYS_openat2, root, path.str().c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN)) break;
  }
  // EPERM: sandboxes that know no openat2 answer so.
  if (fd < 0 && (errno == ENOSYS || errno == EPERM)) return open_beneath_by_steps(root, path, flags);
  return base::Fd(static_cast<int>(fd));
}

FolderCursor::Place FolderCursor::find(const StatePath& path) {
  const std::string& text = path.str();
  const auto slash = text.rfind('/');
  if (slash == std::string::npos) return {root_, text.c_str()};
  if (!fd_ || text.compare(0, slash, folder_) != 0) {
    folder_ = text.substr(0, slash);
    fd_ = open_beneath(root_, StatePath::parse(folder_), O_RDONLY | O_DIRECTORY);
    if (!fd_) return {};
  }
  return {fd_.get(), text.c_str() + slash + 1};
}

base::Fd FolderCursor::open(const StatePath& path, int flags, unsigned mode) {
  const Place place = find(path);
  return place.folder < 0 ? base::Fd() : open_in(place.folder, place.name, flags, mode);
}

StatePath path_in(const StatePath& folder) {
  const bool room = folder.str().size() + 2 <= 1024 && folder.components().size() < 64;
  return room ? StatePath::parse(folder.str() + "/-") : folder;
}

}  // namespace pod::snapshot
