#include "snapshot/folder.hpp"

#include <libpod/error.hpp>

#include "snapshot/beneath.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace pod::snapshot {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t file_limit = 1'000'000;
constexpr std::size_t depth_limit = 64;
constexpr std::uint64_t size_limit = 16ull << 30;
constexpr int attempts = 3;
constexpr std::uint64_t warning_limit = 20;

struct Found {
  StatePath path;
  std::uint64_t size = 0;
};

struct CloseFolder {
  void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

/// Lists what there is, so that budgets are checked before the first byte is read.
class Scan {
 public:
  Scan(const fs::path& root, const Context& context, const std::function<bool(const StatePath&)>& wanted)
      : root_(root), context_(context), wanted_(wanted) {}

  void run(int root_fd) {
    folder(root_fd, "", 0);
    std::sort(files.begin(), files.end(), [](const Found& a, const Found& b) { return a.path < b.path; });
    if (left_out_ > warning_limit)
      context_.progress->warn(std::to_string(left_out_ - warning_limit) + " more entries were left out");
  }

  std::vector<Found> files;
  std::vector<StatePath> empty_folders;
  std::uint64_t bytes = 0;

 private:
  void folder(int parent, const std::string& prefix, std::size_t depth);
  void entry(int folder_fd, const std::string& name, const std::string& prefix, std::size_t depth);
  void sub_folder(int folder_fd, const std::string& name, const std::string& path, std::size_t depth);
  bool is_reserved(int folder_fd, const std::string& name) const;

  StatePath checked(const std::string& path) const {
    try {
      return StatePath::parse(path);
    } catch (const Error& error) {
      throw Error(ErrorCode::refused, "cannot capture " + quote((root_ / path).native())).because(error.message());
    }
  }
  void leave_out(const std::string& path, const char* why) {
    if (++left_out_ <= warning_limit) context_.progress->warn("left out " + quote(path) + ": " + why);
  }

  const fs::path& root_;
  const Context& context_;
  const std::function<bool(const StatePath&)>& wanted_;
  std::vector<std::pair<dev_t, ino_t>> above_;  // the folders on the way down, against loops
  std::size_t folders_ = 0;
  std::uint64_t left_out_ = 0;
};

void Scan::folder(int fd, const std::string& prefix, std::size_t depth) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) base::throw_errno(errno, "read", root_ / prefix);
  const std::pair identity{status.st_dev, status.st_ino};
  if (std::find(above_.begin(), above_.end(), identity) != above_.end())
    return leave_out(prefix, "the folder contains itself");
  if (++folders_ > file_limit)
    throw Error(ErrorCode::refused,
                "folder " + quote(root_.native()) + " has more than " + std::to_string(file_limit) + " folders");
  above_.push_back(identity);

  base::Fd again = open_in(fd, ".", O_RDONLY | O_DIRECTORY);
  if (!again) base::throw_errno(errno, "read", root_ / prefix);
  const std::unique_ptr<DIR, CloseFolder> listing(::fdopendir(again.get()));
  if (!listing) base::throw_errno(errno, "read", root_ / prefix);
  again.release();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* item = ::readdir(listing.get());
    if (item == nullptr) break;
    if (std::strcmp(item->d_name, ".") == 0 || std::strcmp(item->d_name, "..") == 0) continue;
    names.emplace_back(item->d_name);
    if (names.size() > file_limit)
      throw Error(ErrorCode::refused, "folder " + quote((root_ / prefix).native()) + " has more than " +
                                          std::to_string(file_limit) + " entries");
  }
  if (errno != 0) base::throw_errno(errno, "read", root_ / prefix);
  std::sort(names.begin(), names.end());

  const std::size_t left_out_before = left_out_;
  for (const std::string& name : names) entry(fd, name, prefix, depth);
  if (!prefix.empty() && names.size() == left_out_ - left_out_before) {
    const StatePath path = checked(prefix.substr(0, prefix.size() - 1));
    if (!wanted_ || wanted_(path_in(path))) empty_folders.push_back(path);
  }
  above_.pop_back();
}

void Scan::entry(int folder_fd, const std::string& name, const std::string& prefix, std::size_t depth) {
  context_.cancel->check();
  struct stat status {};
  if (::fstatat(folder_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return;  // gone since the folder was listed
    base::throw_errno(errno, "read", root_ / (prefix + name));
  }
  const std::string path = prefix + name;
  switch (status.st_mode & S_IFMT) {
    case S_IFDIR:
      if (depth == 0 && is_reserved(folder_fd, name)) return leave_out(path, "the name is podgit's own");
      return sub_folder(folder_fd, name, path, depth);
    case S_IFREG: break;
    case S_IFLNK: return leave_out(path, "it is a symbolic link");
    case S_IFIFO: return leave_out(path, "it is a FIFO");
    case S_IFSOCK: return leave_out(path, "it is a socket");
    default: return leave_out(path, "it is a device");
  }
  StatePath state_path = checked(path);
  if (wanted_ && !wanted_(state_path)) return;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > size_limit)
    throw Error(ErrorCode::refused, "file " + quote((root_ / path).native()) + " has " + std::to_string(size) +
                                        " bytes, more than " + std::to_string(size_limit));
  if (files.size() >= file_limit)
    throw Error(ErrorCode::refused,
                "folder " + quote(root_.native()) + " has more than " + std::to_string(file_limit) + " files");
  bytes += size;
  files.push_back({std::move(state_path), size});
}

void Scan::sub_folder(int folder_fd, const std::string& name, const std::string& path, std::size_t depth) {
  if (depth + 1 >= depth_limit)
    throw Error(ErrorCode::refused, "folder " + quote((root_ / path).native()) + " is more than " +
                                        std::to_string(depth_limit) + " levels deep");
  const base::Fd below = open_in(folder_fd, name.c_str(), O_RDONLY | O_DIRECTORY);
  if (!below) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
      throw Error(ErrorCode::conflict, "folder " + quote((root_ / path).native()) + " changed while it was read");
    base::throw_errno(errno, "read", root_ / path);
  }
  folder(below.get(), path + '/', depth + 1);
}

bool Scan::is_reserved(int folder_fd, const std::string& name) const {
  if (name == ".pod") return true;
  if (name != ".podgit") return false;
  struct stat status {};
  return ::fstatat(folder_fd, ".podgit/pod/format", &status, AT_SYMLINK_NOFOLLOW) == 0;
}

/// The file is not what it was when it was opened.
struct Changed {};

/// Ends only where the file is still as it was opened, to the nanosecond; throws Changed elsewhere.
class SteadySource final : public base::ByteSource {
 public:
  SteadySource(int fd, const struct stat& status, const fs::path& path, const Context& context)
      : fd_(fd), status_(status), path_(path), context_(context) {}

  std::size_t read(std::span<std::byte> buffer) override {
    context_.cancel->check();
    ssize_t count = -1;
    do count = ::read(fd_, buffer.data(), buffer.size());
    while (count < 0 && errno == EINTR);
    if (count < 0) base::throw_errno(errno, "read", path_);
    seen_ += static_cast<std::uint64_t>(count);
    const auto size = static_cast<std::uint64_t>(status_.st_size);
    if (seen_ > size || (count == 0 && (seen_ != size || !is_as_opened()))) throw Changed{};
    context_.progress->advance(static_cast<std::uint64_t>(count));
    return static_cast<std::size_t>(count);
  }

 private:
  bool is_as_opened() const {
    struct stat now {};
    if (::fstat(fd_, &now) != 0) base::throw_errno(errno, "read", path_);
    const auto same = [](const timespec& a, const timespec& b) {
      return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
    };
    return now.st_size == status_.st_size && same(now.st_mtim, status_.st_mtim) && same(now.st_ctim, status_.st_ctim);
  }

  int fd_;
  const struct stat& status_;
  const fs::path& path_;
  const Context& context_;
  std::uint64_t seen_ = 0;
};

void add_once(int root, const fs::path& full, const StatePath& path, TreeBuilder& builder, const Context& context) {
  // O_NONBLOCK: what was a file a moment ago may be a FIFO now.
  const base::Fd fd = open_beneath(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENXIO) throw Changed{};
    base::throw_errno(errno, "read", full);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) base::throw_errno(errno, "read", full);
  if (!S_ISREG(status.st_mode)) throw Changed{};
  SteadySource source(fd.get(), status, full, context);
  builder.add_file(path, static_cast<std::uint64_t>(status.st_size), source, status.st_mode);
}

void add(int root, const fs::path& full, const StatePath& path, TreeBuilder& builder, const Context& context) {
  for (int attempt = 0; attempt < attempts; ++attempt) {
    try {
      return add_once(root, full, path, builder, context);
    } catch (const Changed&) {
      // Read again from the start.
    }
  }
  throw Error(ErrorCode::conflict, "file " + quote(full.native()) + " changed while it was read")
      .hint("stop what writes to it and run the command again");
}

}  // namespace

void capture_folder(const fs::path& folder, TreeBuilder& builder, const Context& context,
                    const std::function<bool(const StatePath&)>& wanted) {
  std::error_code ignored;
  if (fs::exists(folder, ignored) && !fs::is_directory(folder, ignored))
    throw Error(ErrorCode::invalid_argument, quote(folder.native()) + " is not a folder");
  const base::Fd root = base::open_file(folder, O_RDONLY | O_DIRECTORY);
  Scan scan(folder, context, wanted);
  scan.run(root.get());
  context.progress->begin("capturing", scan.bytes);
  for (const Found& file : scan.files) add(root.get(), folder / file.path.str(), file.path, builder, context);
  for (const StatePath& path : scan.empty_folders) builder.add_empty_folder(path);
  context.progress->end();
}

}  // namespace pod::snapshot
