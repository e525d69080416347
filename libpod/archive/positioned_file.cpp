#include "archive/positioned_file.hpp"

#include "archive/verdict.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>

namespace pod::archive {

// O_NONBLOCK: a FIFO must be told from a file without waiting for its writer.
PositionedFile::PositionedFile(const base::fs::path& path)
    : path_(path), fd_(base::open_file(path, O_RDONLY | O_NONBLOCK)) {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) base::throw_errno(errno, "read", path);
  if (!S_ISREG(status.st_mode))
    throw Error(ErrorCode::invalid_argument, quote(path.native()) + " is not a regular file");
  size_ = static_cast<std::uint64_t>(status.st_size);
}

std::size_t PositionedFile::read_some(std::uint64_t offset, std::span<std::byte> buffer) const {
  if (offset >= size_) return 0;
  const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size_ - offset));
  for (;;) {
    const ssize_t count = ::pread(fd_.get(), buffer.data(), wanted, static_cast<off_t>(offset));
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) base::throw_errno(errno, "read", path_);
  }
}

void PositionedFile::read_at(std::uint64_t offset, std::span<std::byte> buffer) const {
  while (!buffer.empty()) {
    const std::size_t count = read_some(offset, buffer);
    if (count == 0) corrupt(path_, "it ends too early");
    offset += count;
    buffer = buffer.subspan(count);
  }
}

}  // namespace pod::archive
