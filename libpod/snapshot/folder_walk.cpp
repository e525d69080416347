#include "snapshot/folder_walk.hpp"

#include <libpod/error.hpp>

#include "snapshot/beneath.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <unordered_map>

namespace pod::snapshot {
namespace {

namespace fs = std::filesystem;
using Kind = WalkedEntry::Kind;

constexpr std::size_t slice = 2048;  // entries of one folder that one thread looks at
constexpr std::size_t worth_a_thread = 4;

struct CloseFolder {
  void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

/// As the paths below compare: a folder as if its name ended in "/".
bool before(const WalkedEntry& a, const WalkedEntry& b) {
  const std::size_t both = std::min(a.name.size(), b.name.size());
  if (const int order = std::memcmp(a.name.data(), b.name.data(), both); order != 0) return order < 0;
  const auto next = [&](const WalkedEntry& entry) -> int {
    if (entry.name.size() > both) return static_cast<unsigned char>(entry.name[both]);
    return entry.kind == Kind::folder ? '/' : 0;
  };
  return next(a) < next(b);
}

std::string without_slash(const std::string& prefix) { return prefix.substr(0, prefix.size() - 1); }

/// Databases that are, or were, being written: what they say stands in other files, too. The entries stay where they
/// are.
void find_logs(std::vector<WalkedEntry>& entries) {
  constexpr std::array<std::string_view, 2> ends{"-wal", "-journal"};
  constexpr std::string_view index_end = "-shm";
  std::unordered_map<std::string_view, WalkedEntry*> names;
  for (WalkedEntry& entry : entries) {
    for (const std::string_view end : ends) {
      if (entry.kind == Kind::folder || !entry.name.ends_with(end)) continue;
      if (names.empty())
        for (WalkedEntry& each : entries) names.emplace(each.name, &each);
      const std::string name = entry.name.substr(0, entry.name.size() - end.size());
      const auto database = names.find(name);
      // What is itself a log has none.
      if (database == names.end() || database->second->kind == Kind::folder || database->second->database != nullptr)
        continue;
      database->second->logs.push_back(&entry);
      entry.database = database->second;
      const auto index = names.find(name + std::string(index_end));
      if (index == names.end() || index->second->kind == Kind::folder || !index->second->logs.empty()) continue;
      database->second->index = index->second;
      index->second->database = database->second;
    }
  }
}

KnownFile::Part part_of(const WalkedEntry& entry) {
  if (!entry.logs.empty()) return KnownFile::Part::database;
  return entry.database != nullptr ? KnownFile::Part::log : KnownFile::Part::alone;
}

}  // namespace

FolderWalk::FolderWalk(int root, const fs::path& shown, const Context& context, const StatCache* cache)
    : root_fd_(root), shown_(shown), context_(context), cache_(cache) {}

FolderWalk::~FolderWalk() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

void FolderWalk::run() {
  struct stat status {};
  if (::fstat(root_fd_, &status) != 0) base::throw_errno(errno, "read", shown_);
  root_device_ = status.st_dev;
  // A cache of another device's files says nothing of these.
  if (cache_ != nullptr && cache_->device != root_device_) cache_ = nullptr;
  add_tasks({{&root_, nullptr, 0, 0}});
  work();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return running_ == 0; });
  if (failure_) std::rethrow_exception(failure_);
}

void FolderWalk::add_tasks(std::vector<Task> tasks) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  // Depth first, in order: fewer folders are open at once.
  tasks_.insert(tasks_.begin(), tasks.begin(), tasks.end());
  if (tasks_.size() >= worth_a_thread && helpers_.size() + 1 < most_) {
    try {
      helpers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      // The threads that there are do it all.
    }
  }
  changed_.notify_all();
}

/// Until there is no task and nobody who could add one.
void FolderWalk::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !tasks_.empty() || running_ == 0; });
    if (stopping_ || tasks_.empty()) return;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    ++running_;
    lock.unlock();
    std::exception_ptr failure;
    try {
      context_.cancel->check();
      task.fd ? look(*task.folder, task.fd->get(), task.from, task.to) : list(*task.folder);
    } catch (...) {
      failure = std::current_exception();
    }
    task.fd.reset();
    lock.lock();
    --running_;
    if (failure) {
      if (!failure_) failure_ = failure;
      stopping_ = true;
    }
    if (stopping_ || (tasks_.empty() && running_ == 0)) changed_.notify_all();
  }
}

void FolderWalk::list(WalkedFolder& folder) {
  const bool at_root = folder.above == nullptr;
  const fs::path full = shown_ / folder.prefix;
  const auto fd = std::make_shared<base::Fd>(
      at_root ? open_in(root_fd_, ".", O_RDONLY | O_DIRECTORY)
              : open_beneath(root_fd_, StatePath::parse(without_slash(folder.prefix)), O_RDONLY | O_DIRECTORY));
  if (!*fd) {
    if (!at_root && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
      throw Error(ErrorCode::conflict, "folder " + quote(full.native()) + " changed while it was read");
    base::throw_errno(errno, "read", full);
  }
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) base::throw_errno(errno, "read", full);
  folder.device = status.st_dev;
  folder.inode = status.st_ino;
  for (const WalkedFolder* above = folder.above; above != nullptr; above = above->above) {
    folder.holds_itself = above->device == folder.device && above->inode == folder.inode;
    if (folder.holds_itself) return;
  }
  read_names(folder, fd->get());
  find_logs(folder.entries);
  if (cache_ != nullptr && folder.device == cache_->device) {
    const auto known = cache_->folders.find(at_root ? "" : without_slash(folder.prefix));
    if (known != cache_->folders.end()) folder.known = &known->second;
  }
  const std::size_t count = folder.entries.size();
  if (count <= slice) return look(folder, fd->get(), 0, count);
  std::vector<Task> slices;
  for (std::size_t from = 0; from < count; from += slice)
    slices.push_back({&folder, fd, from, std::min(count, from + slice)});
  add_tasks(std::move(slices));
}

void FolderWalk::read_names(WalkedFolder& folder, int fd) {
  const fs::path full = shown_ / folder.prefix;
  base::Fd again = open_in(fd, ".", O_RDONLY | O_DIRECTORY);
  if (!again) base::throw_errno(errno, "read", full);
  const std::unique_ptr<DIR, CloseFolder> listing(::fdopendir(again.get()));
  if (!listing) base::throw_errno(errno, "read", full);
  again.release();
  for (;;) {
    errno = 0;
    const dirent* item = ::readdir(listing.get());
    if (item == nullptr) break;
    if (std::strcmp(item->d_name, ".") == 0 || std::strcmp(item->d_name, "..") == 0) continue;
    WalkedEntry entry;
    entry.name = item->d_name;
    struct stat status {};
    const bool unsaid = item->d_type == DT_UNKNOWN && ::fstatat(fd, item->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (item->d_type == DT_DIR || (unsaid && S_ISDIR(status.st_mode))) entry.kind = Kind::folder;
    folder.entries.push_back(std::move(entry));
    if (folder.entries.size() > walk_file_limit)
      throw Error(ErrorCode::refused,
                  "folder " + quote(full.native()) + " has more than " + std::to_string(walk_file_limit) + " entries");
  }
  if (errno != 0) base::throw_errno(errno, "read", full);
  {
    const std::lock_guard lock(mutex_);
    entries_ += folder.entries.size();
    if (++folders_ > walk_file_limit || entries_ > 2 * walk_file_limit)
      throw Error(ErrorCode::refused, "folder " + quote(shown_.native()) + " has more than " +
                                          std::to_string(walk_file_limit) + " folders and files");
  }
  std::sort(folder.entries.begin(), folder.entries.end(), before);
}

void FolderWalk::look(WalkedFolder& folder, int fd, std::size_t from, std::size_t to) {
  std::vector<Task> below;
  std::vector<KnownFile>::const_iterator known;
  if (folder.known != nullptr && from < to)
    known = std::lower_bound(folder.known->begin(), folder.known->end(), folder.entries[from].name,
                             [](const KnownFile& file, const std::string& name) { return file.name < name; });
  for (std::size_t i = from; i < to; ++i) {
    if (i % 256 == 0) context_.cancel->check();
    WalkedEntry& entry = folder.entries[i];
    if (entry.kind == Kind::folder) {
      enter(folder, entry, fd);
      if (entry.folder) below.push_back({entry.folder.get(), nullptr, 0, 0});
      continue;
    }
    look_at(folder, entry, fd);
    if (entry.kind != Kind::file || folder.known == nullptr) continue;
    while (known != folder.known->end() && known->name < entry.name) ++known;
    if (known != folder.known->end() && known->name == entry.name && known->stat == entry.stat && entry.lone &&
        known->part == part_of(entry) && cache_->settled(entry.stat))
      entry.known = &*known;
  }
  if (!below.empty()) add_tasks(std::move(below));
}

void FolderWalk::enter(WalkedFolder& folder, WalkedEntry& entry, int fd) {
  if (folder.depth == 0 && is_reserved(fd, entry.name)) {
    entry.kind = Kind::left_out;
    entry.why = "the name is podgit's own";
    return;
  }
  const std::string path = folder.prefix + entry.name;
  if (folder.depth + 1 >= walk_depth_limit)
    throw Error(ErrorCode::refused, "folder " + quote((shown_ / path).native()) + " is more than " +
                                        std::to_string(walk_depth_limit) + " levels deep");
  if (path.size() > 1024)
    throw Error(ErrorCode::refused, "cannot capture " + quote((shown_ / path).native()))
        .because("its path has more than 1,024 bytes");
  entry.folder = std::make_unique<WalkedFolder>();
  entry.folder->prefix = path + '/';
  entry.folder->above = &folder;
  entry.folder->depth = folder.depth + 1;
}

void FolderWalk::look_at(const WalkedFolder& folder, WalkedEntry& entry, int fd) {
  struct stat status {};
  if (::fstatat(fd, entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    entry.kind = Kind::gone;
    if (errno == ENOENT) return;  // since the folder was listed
    base::throw_errno(errno, "read", shown_ / (folder.prefix + entry.name));
  }
  entry.kind = Kind::left_out;
  switch (status.st_mode & S_IFMT) {
    case S_IFREG:
      entry.kind = Kind::file;
      entry.stat = file_stat(status);
      if (status.st_dev != root_device_) entry.lone = false;
      return;
    case S_IFDIR:
      throw Error(ErrorCode::conflict,
                  "folder " + quote((shown_ / folder.prefix).native()) + " changed while it was read");
    case S_IFLNK: entry.why = "it is a symbolic link"; return;
    case S_IFIFO: entry.why = "it is a FIFO"; return;
    case S_IFSOCK: entry.why = "it is a socket"; return;
    default: entry.why = "it is a device"; return;
  }
}

bool FolderWalk::is_reserved(int root, const std::string& name) {
  if (name == ".pod") return true;
  if (name != ".podgit") return false;
  struct stat status {};
  return ::fstatat(root, ".podgit/pod/format", &status, AT_SYMLINK_NOFOLLOW) == 0;
}

}  // namespace pod::snapshot
