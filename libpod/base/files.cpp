#include "base/files.hpp"

#include <libpod/error.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <random>
#include <system_error>
#include <utility>

namespace pod::base {
namespace {

ErrorCode code_of(int error) {
  switch (error) {
    case ENOENT: return ErrorCode::not_found;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorCode::denied;
    case EEXIST: return ErrorCode::already_exists;
    case ELOOP: return ErrorCode::refused;  // a link where O_NOFOLLOW wants none
    default: return ErrorCode::io;
  }
}

/// Unique enough for temporary names; collisions are handled by O_EXCL.
std::string random_suffix() {
  std::random_device device;
  std::string text;
  for (int i = 0; i < 12; ++i) text += "abcdefghijklmnopqrstuvwxyz234567"[device() % 32];
  return text;
}

/// What looks like a file must be one: a FIFO would wait for its writer for ever, so it is opened without waiting.
constexpr int regular_only = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

void check_regular(const Fd& fd, const fs::path& path) {
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_errno(errno, "read", path);
  if (!S_ISREG(status.st_mode)) throw Error(ErrorCode::refused, quote(path.native()) + " is not a regular file");
}

/// `shown` is the name that the user knows where `path` is a temporary one.
Fd open_shown(const fs::path& path, int flags, mode_t mode, const fs::path& shown) {
  int fd = -1;
  do fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) throw_errno(errno, (flags & O_ACCMODE) == O_RDONLY ? "read" : "write", shown);
  return Fd(fd);
}

/// Empty where it is no folder, is gone, or somebody holds it.
Fd try_lock_folder(const fs::path& folder) noexcept {
  Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return Fd();
  return fd;
}

/// Flocks what was just made. False where a sweep came between the two: then it is gone or going.
bool hold_new(const Fd& fd, const fs::path& shown) {
  struct stat status {};
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    throw_errno(errno, "lock", shown);
  }
  if (::fstat(fd.get(), &status) != 0) throw_errno(errno, "read", shown);
  return status.st_nlink > 0;
}

/// A new file, flocked.
Fd create_held(const fs::path& file, mode_t mode, const fs::path& shown) {
  for (;;) {
    Fd fd = open_shown(file, O_WRONLY | O_CREAT | O_EXCL, mode, shown);
    if (hold_new(fd, shown)) return fd;
    ::unlink(file.c_str());
  }
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}
Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}
int Fd::release() noexcept { return std::exchange(fd_, -1); }

void throw_errno(int error, std::string_view what, const fs::path& path) {
  Error failure(code_of(error), std::string("cannot ") + std::string(what) + " " + quote(path.native()));
  failure.because(std::generic_category().message(error));
  if (error == ENOSPC || error == EDQUOT) failure.hint("free some space and run the command again");
  throw failure;
}

Fd open_file(const fs::path& path, int flags, mode_t mode) { return open_shown(path, flags, mode, path); }

void write_all(int fd, ConstBytes bytes, const fs::path& path_for_errors) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno(errno, "write", path_for_errors);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void sync_file(int fd, const fs::path& path_for_errors) {
  // Never repeated on the same file: after a failed fsync the dirty pages may be gone and a second one may say yes.
  if (::fsync(fd) != 0) throw_errno(errno, "make durable", path_for_errors);
}

void sync_folder(const fs::path& folder) {
  const Fd fd = open_file(folder, O_RDONLY | O_DIRECTORY);
  sync_file(fd.get(), folder);
}

std::optional<std::string> read_file(const fs::path& path, std::uint64_t limit) {
  int fd = -1;
  do fd = ::open(path.c_str(), regular_only | O_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  if (fd < 0 && errno == ENOENT) return std::nullopt;
  if (fd < 0) throw_errno(errno, "read", path);
  Fd owned(fd);
  check_regular(owned, path);
  FileSource source(std::move(owned), path);
  try {
    return read_all(source, limit);
  } catch (Error& error) {
    throw error.within("cannot read " + quote(path.native()));
  }
}

void write_file_atomically(const fs::path& path, std::string_view bytes, mode_t mode) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const fs::path temporary = folder / (".tmp-" + random_suffix());
  try {
    const Fd fd = create_held(temporary, mode, path);
    write_all(fd.get(), bytes_of(bytes), path);
    sync_file(fd.get(), path);
    if (::rename(temporary.c_str(), path.c_str()) != 0) throw_errno(errno, "write", path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_folder(folder);
}

FileSource::FileSource(const fs::path& path) : fd_(open_file(path, regular_only)), path_(path) {
  check_regular(fd_, path);
}

std::size_t FileSource::read(std::span<std::byte> buffer) {
  for (;;) {
    const ssize_t count = ::read(fd_.get(), buffer.data(), buffer.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) throw_errno(errno, "read", path_);
  }
}

TempFolder::TempFolder(const fs::path& parent, std::string_view prefix) {
  for (;;) {
    const fs::path path = parent / (std::string(prefix) + random_suffix());
    if (::mkdir(path.c_str(), 0700) != 0) {
      if (errno != EEXIST) throw_errno(errno, "create a folder in", parent);
      continue;
    }
    try {
      lock_ = Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!lock_ && errno != ENOENT) throw_errno(errno, "create a folder in", parent);
      if (lock_ && hold_new(lock_, parent)) {
        path_ = path;
        return;
      }
    } catch (...) {
      ::rmdir(path.c_str());
      throw;
    }
  }
}
TempFolder::TempFolder(TempFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}
TempFolder::~TempFolder() {
  if (!path_.empty()) remove_tree(path_);
}

void sweep_temp_folders(const fs::path& parent, std::string_view prefix) noexcept {
  try {
    for (const fs::directory_entry& entry : fs::directory_iterator(parent)) {
      if (!entry.path().filename().native().starts_with(prefix)) continue;
      const Fd lock = try_lock_folder(entry.path());
      if (lock) remove_tree(entry.path());
    }
  } catch (const std::exception&) {
    // A folder that cannot be listed is found again by whatever works in it.
  }
}

void sweep_temp_files(const fs::path& folder) noexcept {
  try {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      if (!entry.path().filename().native().starts_with(".tmp-")) continue;
      const Fd fd(::open(entry.path().c_str(), regular_only | O_CLOEXEC));
      if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(entry.path().c_str());
    }
  } catch (const std::exception&) {
    // As with the folders.
  }
}

bool remove_tree(const fs::path& path) noexcept {
  std::error_code error;
  fs::remove_all(path, error);  // does not follow links
  return !error;
}

}  // namespace pod::base
