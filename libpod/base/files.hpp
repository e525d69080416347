// Files: descriptors that close, writes that are whole or not there, folders that are durable.
//
// Every function throws Error(io) that names the path and the system's reason, Error(not_found) for ENOENT and
// Error(denied) for EACCES/EPERM/EROFS, unless it says otherwise.
#pragma once

#include "base/stream.hpp"

#include <sys/types.h>
#include <filesystem>
#include <optional>
#include <string>

namespace pod::base {

namespace fs = std::filesystem;

/// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept;

 private:
  int fd_ = -1;
};

/// Throws the Error for `errno`: what was tried on which path. ENOSPC and EDQUOT hint at the space.
[[noreturn]] void throw_errno(int error, std::string_view what, const fs::path& path);

Fd open_file(const fs::path& path, int flags, mode_t mode = 0600);  // O_CLOEXEC is added; EINTR repeated
void write_all(int fd, ConstBytes bytes, const fs::path& path_for_errors);
void sync_file(int fd, const fs::path& path_for_errors);
/// fsync of a folder, so that names in it are durable.
void sync_folder(const fs::path& folder);

/// The whole file; Error(refused) past `limit`, for links and for what is not a regular file. nullopt if it does not
/// exist.
std::optional<std::string> read_file(const fs::path& path, std::uint64_t limit);
/// Temporary sibling, fsync, rename, fsync of the folder: afterwards the file holds `bytes`, or is as it was.
void write_file_atomically(const fs::path& path, std::string_view bytes, mode_t mode = 0600);

/// A file as a source.
class FileSource final : public ByteSource {
 public:
  explicit FileSource(const fs::path& path);  // Error(refused) for links and what is not a regular file
  FileSource(Fd fd, fs::path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  std::size_t read(std::span<std::byte> buffer) override;
  int fd() const noexcept { return fd_.get(); }

 private:
  Fd fd_;
  fs::path path_;
};

/// A private folder (0700) below `parent`, removed with all it holds when this ends. `keep()` leaves it. While it lives
/// it is flocked, so that a sweep tells it from what a killed process left.
class TempFolder {
 public:
  explicit TempFolder(const fs::path& parent, std::string_view prefix = "tmp-");
  TempFolder(TempFolder&& other) noexcept;
  TempFolder& operator=(TempFolder&&) = delete;
  ~TempFolder();
  const fs::path& path() const noexcept { return path_; }
  void keep() noexcept { path_.clear(); }

 private:
  fs::path path_;
  Fd lock_;
};

/// Removes the temporary folders below `parent` whose process is gone. Never throws: what cannot be removed stays.
void sweep_temp_folders(const fs::path& parent, std::string_view prefix = "tmp-") noexcept;

/// Removes from `folder` what `write_file_atomically` of a killed process left. Never throws.
void sweep_temp_files(const fs::path& folder) noexcept;

/// Removes a tree without following links; missing is fine. Returns false if something stayed.
bool remove_tree(const fs::path& path) noexcept;

}  // namespace pod::base
