#include "snapshot/file_copy.hpp"

#include "base/files.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <string>

namespace pod::snapshot {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t piece_bytes = 256 << 10;

/// Up to `to`; false where the file ends before. For file systems between which the kernel does not copy.
bool copy_by_hand(int from_fd, int to_fd, std::uint64_t from, std::uint64_t to, const fs::path& path) {
  std::string piece(piece_bytes, '\0');
  while (from < to) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), to - from));
    const ssize_t count = ::pread(from_fd, piece.data(), want, static_cast<off_t>(from));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    write_at(to_fd, base::bytes_of(std::string_view(piece).substr(0, static_cast<std::size_t>(count))), from, path);
    from += static_cast<std::uint64_t>(count);
  }
  return true;
}

bool copy_range(int from_fd, int to_fd, std::uint64_t from, std::uint64_t to, const fs::path& path) {
  while (from < to) {
    auto in = static_cast<off_t>(from);
    auto out = in;
    const ssize_t count = ::copy_file_range(from_fd, &in, to_fd, &out, static_cast<std::size_t>(to - from), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO)) base::throw_errno(errno, "write", path);
    if (count < 0) return copy_by_hand(from_fd, to_fd, from, to, path);
    if (count == 0) return false;
    from += static_cast<std::uint64_t>(count);
  }
  return true;
}

}  // namespace

bool clone_file(int from_fd, int to_fd) noexcept { return ::ioctl(to_fd, FICLONE, from_fd) == 0; }

void write_at(int fd, base::ConstBytes bytes, std::uint64_t offset, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) base::throw_errno(errno, "write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

void start_disk(int fd, std::uint64_t offset, std::uint64_t size) noexcept {
  static_cast<void>(::sync_file_range(fd, static_cast<off_t>(offset), static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE));
}

bool copy_stretch(int from_fd, int to_fd, std::uint64_t from, std::uint64_t to, const fs::path& path) {
  while (from < to) {
    const off_t data = ::lseek(from_fd, static_cast<off_t>(from), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return true;  // a hole up to its end, or its end
    const std::uint64_t begin = data < 0 ? from : static_cast<std::uint64_t>(data);
    if (begin >= to) return true;
    const off_t hole = ::lseek(from_fd, static_cast<off_t>(begin), SEEK_HOLE);
    const std::uint64_t end = hole < 0 ? to : std::min(to, static_cast<std::uint64_t>(hole));
    if (end <= begin || !copy_range(from_fd, to_fd, begin, end, path)) return false;
    from = end;
  }
  return true;
}

}  // namespace pod::snapshot
