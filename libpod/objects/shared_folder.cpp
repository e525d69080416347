#include "objects/shared_folder.hpp"

#include <libpod/error.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <cerrno>
#include <memory>
#include <thread>

namespace pod::objects {
namespace {

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

int open_again(int folder, const char* name, int flags, mode_t mode = 0) {
  int fd = -1;
  do fd = ::openat(folder, name, flags, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

struct stat status_of(int fd, const fs::path& shown) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) base::throw_errno(errno, "read", shown);
  return status;
}

/// Calls visit(name) for "a", then "b" of "a/b".
template <class Visit>
void each_segment(std::string_view folder, const Visit& visit) {
  while (!folder.empty()) {
    const std::size_t slash = folder.find('/');
    visit(std::string(folder.substr(0, slash)));
    if (slash == std::string_view::npos) return;
    folder.remove_prefix(slash + 1);
  }
}

}  // namespace

base::Fd SharedFolder::open_root() const {
  const int fd = open_again(AT_FDCWD, root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) return base::Fd(fd);
  if (errno == ENOENT)
    throw Error(ErrorCode::not_found, "the folder " + quote(root_.native()) + " is not there")
        .hint("create it, or mount the share that holds it");
  if (errno == ENOTDIR) throw Error(ErrorCode::refused, quote(root_.native()) + " is not a folder");
  base::throw_errno(errno, "read", root_);
}

std::optional<base::Fd> SharedFolder::open(std::string_view folder) const {
  std::optional<base::Fd> at = open_root();
  each_segment(folder, [&](const std::string& name) {
    if (!at) return;
    const int fd = open_again(at->get(), name.c_str(), folder_flags);
    if (fd < 0 && errno == ENOENT) {
      at.reset();
      return;
    }
    if (fd < 0 && (errno == ELOOP || errno == ENOTDIR)) {
      struct stat status {};
      const bool is_file =
          ::fstatat(at->get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
      if (!is_file)
        throw Error(ErrorCode::refused, quote(path(folder).native()) + " is no folder, or leads through a link");
      at.reset();  // nothing lies below an object
      return;
    }
    if (fd < 0) base::throw_errno(errno, "read", path(folder));
    at = base::Fd(fd);
  });
  return at;
}

base::Fd SharedFolder::make(std::string_view folder) const {
  base::Fd at = open_root();
  each_segment(folder, [&](const std::string& name) {
    int fd = open_again(at.get(), name.c_str(), folder_flags);
    if (fd < 0 && errno == ENOENT) {
      const bool made = ::mkdirat(at.get(), name.c_str(), 0777) == 0;
      if (!made && errno != EEXIST) base::throw_errno(errno, "create the folder", path(folder));
      fd = open_again(at.get(), name.c_str(), folder_flags);
      if (made && fd >= 0) {
        const mode_t group = status_of(at.get(), path(folder)).st_mode & S_IWGRP ? S_IRWXG : 0;
        const mode_t mode = status_of(fd, path(folder)).st_mode & 07777;
        if ((mode & group) != group) ::fchmod(fd, mode | group);  // refused by some servers, which know better
        base::sync_file(at.get(), path(folder));
      }
    }
    if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
      throw Error(ErrorCode::refused, quote(path(folder).native()) + " is no folder, or leads through a link");
    if (fd < 0) base::throw_errno(errno, "write", path(folder));
    at = base::Fd(fd);
  });
  return at;
}

mode_t SharedFolder::file_mode(int folder_fd) const {
  return status_of(folder_fd, root_).st_mode & S_IWGRP ? S_IRGRP | S_IWGRP : 0;
}

std::optional<base::Fd> SharedFolder::open_file(int folder_fd, const std::string& name, int flags,
                                                const fs::path& shown) const {
  // What looks like a file must be one: a FIFO would wait for its writer for ever.
  const int fd = open_again(folder_fd, name.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
  if (fd < 0 && errno == ENOENT) return std::nullopt;
  if (fd < 0 && errno == ELOOP) throw Error(ErrorCode::refused, quote(shown.native()) + " is a link");
  if (fd < 0 && (errno == EISDIR || errno == ENXIO))
    throw Error(ErrorCode::refused, quote(shown.native()) + " is not a regular file");
  if (fd < 0) base::throw_errno(errno, (flags & O_ACCMODE) == O_RDONLY ? "read" : "write", shown);
  base::Fd file(fd);
  if (!S_ISREG(status_of(fd, shown).st_mode))
    throw Error(ErrorCode::refused, quote(shown.native()) + " is not a regular file");
  return file;
}

std::vector<FolderEntry> SharedFolder::entries(base::Fd folder_fd, const fs::path& shown) const {
  struct Close {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
  };
  const std::unique_ptr<DIR, Close> folder(::fdopendir(folder_fd.get()));
  if (!folder) base::throw_errno(errno, "read", shown);
  static_cast<void>(folder_fd.release());
  std::vector<FolderEntry> found;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr && errno != 0) base::throw_errno(errno, "read", shown);
    if (entry == nullptr) return found;
    unsigned char type = entry->d_type;
    if (type == DT_UNKNOWN) {
      struct stat status {};
      if (::fstatat(::dirfd(folder.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
      type = S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_LNK;
    }
    if (type == DT_DIR || type == DT_REG) found.push_back({entry->d_name, type == DT_DIR});
  }
}

std::optional<bool> try_lock(int fd) noexcept {
  int result = -1;
  do result = ::flock(fd, LOCK_EX | LOCK_NB);
  while (result != 0 && errno == EINTR);
  if (result == 0) return true;
  if (errno == EWOULDBLOCK || errno == EACCES) return false;
  return std::nullopt;
}

FolderLock::FolderLock(const SharedFolder& tree, int folder_fd, const std::string& name, const fs::path& shown,
                       std::chrono::milliseconds patience, const CancelToken& cancel) {
  // Read and write: over NFS a lock that excludes others needs both.
  auto file = tree.open_file(folder_fd, name, O_RDWR | O_CREAT, shown);
  if (!file) base::throw_errno(ENOENT, "lock", shown);
  fd_ = std::move(*file);
  const struct stat status = status_of(fd_.get(), shown);
  const mode_t wanted = (status.st_mode & 07777) | tree.file_mode(folder_fd);
  if (status.st_uid == ::geteuid() && wanted != (status.st_mode & 07777)) ::fchmod(fd_.get(), wanted);
  const auto end = std::chrono::steady_clock::now() + patience;
  for (auto pause = std::chrono::milliseconds(1);; pause = std::min(2 * pause, std::chrono::milliseconds(20))) {
    cancel.check();
    const auto held = try_lock(fd_.get());
    if (!held)
      throw Error(ErrorCode::unsupported, "the file system of " + quote(tree.root().native()) + " has no locks")
          .hint("keep the remote in a folder of a file system with flock, or in a bucket");
    if (*held) return;
    if (std::chrono::steady_clock::now() >= end)
      throw Error(ErrorCode::busy, quote(shown.native()) + " is being written by somebody else")
          .because("its lock was not let go within " + std::to_string(patience.count() / 1000) + " s");
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace pod::objects
