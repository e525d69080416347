#include "objects/directory_store.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace pod::objects {
namespace {

constexpr std::uint64_t small = 64 << 10;         // hashed whole for its version
constexpr std::uint64_t worth_keeping = 1 << 20;  // of what a broken call wrote

struct stat status_of(int fd, const fs::path& shown) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) base::throw_errno(errno, "read", shown);
  return status;
}

std::size_t read_at(int fd, std::span<std::byte> buffer, std::uint64_t offset, const fs::path& shown) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t count = ::pread(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) base::throw_errno(errno, "read", shown);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

/// Of a small object the digest, so that it means the same through every mount. Of a large one size, time and the
/// digest of both ends: large ones are named after their content, and reading them whole to compare would cost as much
/// as fetching them.
ObjectInfo info_of(int fd, const fs::path& shown) {
  const struct stat status = status_of(fd, shown);
  ObjectInfo info;
  info.size = static_cast<std::uint64_t>(status.st_size);
  info.modified = status.st_mtim.tv_sec;
  digest::Sha256 hash;
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(info.size, small)));
  hash.update(std::span(buffer).first(read_at(fd, buffer, 0, shown)));
  if (info.size > small) {
    hash.update(std::span(buffer).first(read_at(fd, buffer, info.size - small, shown)));
    info.version = std::to_string(info.size) + "-" + std::to_string(status.st_mtim.tv_sec) + "." +
                   std::to_string(status.st_mtim.tv_nsec) + "-";
  }
  info.version += digest::hex(hash.finish());
  return info;
}

std::string random_name() { return digest::hex(digest::random_bytes(8)); }

/// Gives the file its name unless the name is taken. False: it is.
bool rename_to_new(int folder, const std::string& from, const std::string& to, const fs::path& shown) {
  if (::renameat2(folder, from.c_str(), folder, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno == EEXIST) return false;
  if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) base::throw_errno(errno, "write", shown);
  // NFS has no such rename, but links. The answer to one may be lost and the repeated one be refused: the number of
  // links tells.
  const bool linked = ::linkat(folder, from.c_str(), folder, to.c_str(), 0) == 0;
  const int error = errno;
  struct stat status {};
  const bool twice = ::fstatat(folder, from.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_nlink == 2;
  if (!linked && !twice && error == EEXIST) return false;
  if (!linked && !twice) base::throw_errno(error, "write", shown);
  ::unlinkat(folder, from.c_str(), 0);
  return true;
}

}  // namespace

struct DirectoryStore::Place {
  std::string folder, name;
  fs::path shown;
  std::string lock() const { return "+" + name + ".lock"; }
};

/// A whole file under a temporary name; removed when this ends, unless it is to be gone on with or has got its name.
struct DirectoryStore::Written {
  int folder_fd = -1;
  std::string name;
  base::Fd fd;
  bool keep = false;
  Written() = default;
  Written(Written&& other) noexcept
      : folder_fd(other.folder_fd), name(std::move(other.name)), fd(std::move(other.fd)), keep(other.keep) {
    other.keep = true;
  }
  ~Written() {
    if (!keep && !name.empty()) ::unlinkat(folder_fd, name.c_str(), 0);
  }
};

DirectoryStore::DirectoryStore(fs::path root, const Context& context, const DirectoryOptions& options)
    : tree_(std::move(root)), context_(context), options_(options) {}

std::string DirectoryStore::describe() const { return "file://" + tree_.root().native(); }

DirectoryStore::Place DirectoryStore::place(const Key& key) const {
  const std::size_t slash = key.str().rfind('/');
  if (slash == std::string::npos) return {"", key.str(), tree_.path(key.str())};
  return {key.str().substr(0, slash), key.str().substr(slash + 1), tree_.path(key.str())};
}

std::optional<ObjectInfo> DirectoryStore::info(int folder_fd, const Place& place) const {
  const auto file = tree_.open_file(folder_fd, place.name, O_RDONLY, place.shown);
  if (!file) return std::nullopt;
  return info_of(file->get(), place.shown);
}

std::optional<ObjectInfo> DirectoryStore::head(const Key& key) {
  const Place at = place(key);
  const auto folder = tree_.open(at.folder);
  if (!folder) return std::nullopt;
  return info(folder->get(), at);
}

ReadResult DirectoryStore::get(const Key& key, const ReadOptions& options, const base::ByteSink& sink) {
  const Place at = place(key);
  const auto folder = tree_.open(at.folder);
  if (!folder) return {};
  const auto file = tree_.open_file(folder->get(), at.name, O_RDONLY, at.shown);
  if (!file) return {};
  const ObjectInfo info = info_of(file->get(), at.shown);
  if (!options.unless_version.empty() && options.unless_version == info.version) return {ReadStatus::unchanged, info};
  check_version(options, info, key);
  std::uint64_t offset = std::min(options.offset, info.size);
  std::uint64_t left = std::min(options.length.value_or(info.size), info.size - offset);
  if (left > options.limit)
    throw Error(ErrorCode::refused, quote(at.shown.native()) + " is larger than the " + std::to_string(options.limit) +
                                        " bytes that are read of it");
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(left, 256 << 10)));
  while (left > 0) {
    context_.cancel->check();
    const auto piece = std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size())));
    if (read_at(file->get(), piece, offset, at.shown) != piece.size())
      throw Error(ErrorCode::corrupt, quote(at.shown.native()) + " has become shorter while it was read");
    sink(piece);
    offset += piece.size();
    left -= piece.size();
  }
  return {ReadStatus::read, info};
}

DirectoryStore::Written DirectoryStore::write(int folder_fd, const Place& place, const Content& content,
                                              bool resumable) {
  Written written;
  written.folder_fd = folder_fd;
  written.keep = true;  // nothing of ours yet
  if (resumable) {
    const std::string name = "+" + place.name + "." + digest::hex(content.sha256).substr(0, 32) + ".part";
    auto file = tree_.open_file(folder_fd, name, O_RDWR | O_CREAT, place.shown);
    struct stat named {};
    const bool mine = file && try_lock(file->get()) == true && ::fstatat(folder_fd, name.c_str(), &named, 0) == 0;
    const struct stat held = mine ? status_of(file->get(), place.shown) : named;
    // Whoever held it before may have given it its name, or removed it; under two names it is somebody's object.
    if (mine && named.st_ino == held.st_ino && named.st_nlink == 1) {
      written.name = name;
      written.fd = std::move(*file);
    } else if (mine && named.st_ino == held.st_ino) {
      ::unlinkat(folder_fd, name.c_str(), 0);
    }
  }
  if (!written.fd) {
    written.name = "+" + place.name + "." + random_name() + ".tmp";
    auto file = tree_.open_file(folder_fd, written.name, O_RDWR | O_CREAT | O_EXCL, place.shown);
    if (!file) base::throw_errno(ENOENT, "write", place.shown);
    written.fd = std::move(*file);
    resumable = false;
  }
  written.keep = false;
  try {
    fill(written.fd.get(), place, content);
  } catch (const Error& error) {
    written.keep = resumable && content.size >= worth_keeping && error.code() != ErrorCode::corrupt;
    throw;
  }
  const mode_t mode = status_of(written.fd.get(), place.shown).st_mode & 07777;
  if (const mode_t wanted = mode | tree_.file_mode(folder_fd); wanted != mode) ::fchmod(written.fd.get(), wanted);
  ::futimens(written.fd.get(), nullptr);  // of age from now on, however long it took
  base::sync_file(written.fd.get(), place.shown);
  return written;
}

void DirectoryStore::fill(int fd, const Place& place, const Content& content) {
  // What is there is compared rather than believed: the disk may have been full, or the machine have died.
  std::uint64_t sound = static_cast<std::uint64_t>(status_of(fd, place.shown).st_size);
  std::uint64_t offset = 0;
  std::vector<std::byte> there;
  read_checked(content, Key::parse(place.folder.empty() ? place.name : place.folder + "/" + place.name),
               *context_.cancel, [&](base::ConstBytes piece) {
                 if (offset < sound) {
                   there.resize(piece.size());
                   const std::size_t count = read_at(fd, there, offset, place.shown);
                   if (count == piece.size() && std::memcmp(there.data(), piece.data(), count) == 0) {
                     offset += count;
                     return;
                   }
                   sound = offset;
                 }
                 if (::lseek(fd, static_cast<off_t>(offset), SEEK_SET) < 0)
                   base::throw_errno(errno, "write", place.shown);
                 base::write_all(fd, piece, place.shown);
                 offset += piece.size();
               });
  if (::ftruncate(fd, static_cast<off_t>(content.size)) != 0) base::throw_errno(errno, "write", place.shown);
}

bool DirectoryStore::publish(int folder_fd, const Place& place, const Written& written) {
  if (!rename_to_new(folder_fd, written.name, place.name, place.shown)) return false;
  base::sync_file(folder_fd, place.shown.parent_path());
  return true;
}

Creation DirectoryStore::put_if_absent(const Key& key, const Content& content) {
  const Place at = place(key);
  const base::Fd folder = tree_.make(at.folder);
  sweep(at);
  const auto is_there = [&] {
    struct stat status {};
    if (::fstatat(folder.get(), at.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return false;
      base::throw_errno(errno, "read", at.shown);
    }
    if (!S_ISREG(status.st_mode)) throw Error(ErrorCode::refused, quote(at.shown.native()) + " is not a regular file");
    return true;
  };
  if (is_there()) return Creation::exists;
  Written written = write(folder.get(), at, content, true);
  if (publish(folder.get(), at, written)) {
    written.keep = true;
    return Creation::created;
  }
  is_there();
  return Creation::exists;
}

Replacement DirectoryStore::put_if_match(const Key& key, const Content& content, const std::string& version) {
  const Place at = place(key);
  const base::Fd folder = tree_.make(at.folder);
  sweep(at);
  const auto seen = info(folder.get(), at);  // who is too late already need not write
  if ((seen ? seen->version : std::string()) != version) return std::nullopt;
  Written written = write(folder.get(), at, content, false);
  const FolderLock lock(tree_, folder.get(), at.lock(), at.shown, options_.lock_patience, *context_.cancel);
  const auto before = info(folder.get(), at);
  if ((before ? before->version : std::string()) != version) return std::nullopt;
  // The lock may have taken its time.
  ::futimens(written.fd.get(), nullptr);
  ObjectInfo after = info_of(written.fd.get(), at.shown);
  if (!before) {  // put_if_absent() of somebody else asks for no lock
    if (!rename_to_new(folder.get(), written.name, at.name, at.shown)) return std::nullopt;
  } else if (::renameat(folder.get(), written.name.c_str(), folder.get(), at.name.c_str()) != 0) {
    const int error = errno;  // a file server may have done it, lost its answer, and refused the second try
    const auto there = info(folder.get(), at);
    if (there && there->version == version && after.version != version) base::throw_errno(error, "write", at.shown);
    if (!there || there->version != after.version)
      throw Error(ErrorCode::outcome_unknown, "nobody knows whether " + quote(at.shown.native()) + " was replaced")
          .because(std::generic_category().message(error));
  }
  written.keep = true;
  try {
    base::sync_file(folder.get(), at.shown.parent_path());
  } catch (Error& error) {
    Error unknown(ErrorCode::outcome_unknown, quote(at.shown.native()) + " was replaced, but may not stay so");
    unknown.because(error.message());
    for (const std::string& cause : error.causes()) unknown.because(cause);
    throw unknown;
  }
  return after;
}

void DirectoryStore::remove(const Key& key) {
  const Place at = place(key);
  const auto folder = tree_.open(at.folder);
  if (!folder) return;
  // Where the object was ever replaced, not between somebody's comparison and his rename.
  std::optional<FolderLock> lock;
  if (::faccessat(folder->get(), at.lock().c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    lock.emplace(tree_, folder->get(), at.lock(), at.shown, options_.lock_patience, *context_.cancel);
  if (::unlinkat(folder->get(), at.name.c_str(), 0) != 0) {
    if (errno == ENOENT) return;
    base::throw_errno(errno == EISDIR ? EPERM : errno, "remove", at.shown);
  }
  base::sync_file(folder->get(), at.shown.parent_path());
}

void DirectoryStore::list_folder(const std::string& folder, const std::function<bool(const ListedObject&)>& visit,
                                 bool& going) const {
  context_.cancel->check();
  auto fd = tree_.open(folder);
  if (!fd) return;
  const auto entries_fd = ::fcntl(fd->get(), F_DUPFD_CLOEXEC, 0);
  if (entries_fd < 0) base::throw_errno(errno, "read", tree_.path(folder));
  std::vector<FolderEntry> entries = tree_.entries(base::Fd(entries_fd), tree_.path(folder));
  // In the order of whole keys: "a-b" comes before what is in "a".
  for (FolderEntry& entry : entries)
    if (entry.is_folder) entry.name += '/';
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  const std::string before = folder.empty() ? "" : folder + "/";
  for (const FolderEntry& entry : entries) {
    if (!going) return;
    const std::string name = entry.is_folder ? entry.name.substr(0, entry.name.size() - 1) : entry.name;
    if (!is_segment(name)) continue;
    if (entry.is_folder) {
      list_folder(before + name, visit, going);
      continue;
    }
    struct stat status {};
    if (::fstatat(fd->get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode)) continue;
    ListedObject object{before + name, {static_cast<std::uint64_t>(status.st_size), {}, status.st_mtim.tv_sec}};
    going = visit(object);
  }
}

void DirectoryStore::list(const std::string& prefix, const std::function<void(const ListedObject&)>& visit) {
  check_prefix(prefix);
  bool going = true;
  list_folder(
      prefix.empty() ? "" : prefix.substr(0, prefix.size() - 1),
      [&](const ListedObject& object) {
        visit(object);
        return true;
      },
      going);
}

std::vector<std::string> DirectoryStore::folders(const std::string& prefix) {
  check_prefix(prefix);
  const std::string folder = prefix.empty() ? "" : prefix.substr(0, prefix.size() - 1);
  auto fd = tree_.open(folder);
  if (!fd) return {};
  std::vector<std::string> names;
  for (const FolderEntry& entry : tree_.entries(std::move(*fd), tree_.path(folder))) {
    if (!entry.is_folder || !is_segment(entry.name)) continue;
    bool empty = true;  // a folder that has lost its last object stays, and is not shown
    list_folder(
        prefix + entry.name, [](const ListedObject&) { return false; }, empty);
    if (!empty) names.push_back(entry.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::int64_t DirectoryStore::now() {
  const auto folder = tree_.open("");
  Written written;
  written.folder_fd = folder->get();
  const std::string name = "+now." + random_name() + ".tmp";
  auto file = tree_.open_file(folder->get(), name, O_RDWR | O_CREAT | O_EXCL, tree_.root());
  if (!file) base::throw_errno(ENOENT, "write", tree_.root());
  written.name = name;
  ::futimens(file->get(), nullptr);
  return status_of(file->get(), tree_.root()).st_mtim.tv_sec;
}

void DirectoryStore::sweep(const Place& place) {
  {
    const std::lock_guard lock(mutex_);
    if (!swept_.insert(place.folder).second) return;
  }
  auto folder = tree_.open(place.folder);
  if (!folder) return;
  const int listed = ::fcntl(folder->get(), F_DUPFD_CLOEXEC, 0);
  if (listed < 0) return;
  std::optional<std::int64_t> clock;
  for (const FolderEntry& entry : tree_.entries(base::Fd(listed), place.shown)) {
    const std::string_view name = entry.name;
    if (entry.is_folder || !name.starts_with('+') || !(name.ends_with(".part") || name.ends_with(".tmp"))) continue;
    struct stat status {};
    if (::fstatat(folder->get(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!clock) clock = now();
    if (status.st_mtim.tv_sec > *clock - options_.leftovers.count()) continue;
    const int fd = ::openat(folder->get(), entry.name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const base::Fd held(fd);
    if (held && try_lock(held.get()) != false) ::unlinkat(folder->get(), entry.name.c_str(), 0);
  }
}

}  // namespace pod::objects
