#include "snapshot/folder_writer.hpp"

#include <libpod/error.hpp>

#include "snapshot/file_copy.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

namespace pod::snapshot {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t batch_files = 64;
constexpr std::uint64_t batch_bytes = 1 << 20;
constexpr std::uint64_t whole_limit = 1 << 20;  // up to here a blob is held in memory
constexpr std::uint64_t worth_an_early_start = 64 << 10;

/// All but the time of the inode's last change, which names and their removal set, too.
bool same_but_for_change(const FileStat& a, const FileStat& b) {
  FileStat c = a;
  c.changed = b.changed;
  return c == b;
}

}  // namespace

unsigned tree_mode(const FileEntry& entry) noexcept {
  if (entry.chunked) return 040000;
  return (entry.mode & 0100) != 0 ? 0100755 : 0100644;
}

FolderWriter::FolderWriter(const TreeView& view, int root, int before, fs::path shown, bool sync_each,
                           const Context& context)
    : view_(view), root_(root), before_(before), shown_(std::move(shown)), sync_each_(sync_each), context_(context) {
  struct stat status {};
  if (::fstat(root_, &status) != 0) base::throw_errno(errno, "read", shown_);
  open_modes_ = status.st_mode & 0777;
  folders_.emplace_back();
}

void FolderWriter::make_folder(const std::string& path) {
  if (path.empty() || path == folders_.back()) return;
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    std::string folder = path.substr(0, end);
    // Paths come in their order, so what was made last is all that need be looked at.
    if (folders_.back() == folder || folders_.back().starts_with(folder + '/')) continue;
    const auto slash = folder.rfind('/');
    const base::Fd above = slash == std::string::npos
                               ? open_in(root_, ".", O_RDONLY | O_DIRECTORY)
                               : open_beneath(root_, StatePath::parse(folder.substr(0, slash)), O_RDONLY | O_DIRECTORY);
    const std::string name = folder.substr(slash == std::string::npos ? 0 : slash + 1);
    // The kernel takes the umask off, as for any folder that a user makes.
    if (!above || ::mkdirat(above.get(), name.c_str(), 0777) != 0) base::throw_errno(errno, "create", shown_ / folder);
    folders_.push_back(std::move(folder));
  }
}

void FolderWriter::write(const std::vector<WantedFile>& files) {
  files_ = &files;
  made_.assign(files.size(), {});
  if (before_ >= 0) {
    Indexes same;
    for (std::size_t i = 0; i < files.size(); ++i)
      if (may_be_kept(files[i])) same.push_back(i);
    in_batches(same, &FolderWriter::keep_files);
    workers_.finish();
  }
  Indexes small;
  for (const std::size_t index : in_order_of_the_store()) {
    if (!files[index].entry->chunked) small.push_back(index);
  }
  in_batches(small, &FolderWriter::write_files);
  for (std::size_t i = 0; i < files.size(); ++i)
    if (files[i].entry->chunked && !made_[i].kept) write_large(i);
  workers_.finish();
  // Somebody changed the old file: the store has all of the new one.
  before_ = stale_.empty() ? before_ : -1;
  for (const std::size_t index : std::exchange(stale_, {})) write_large(index);
  workers_.finish();
}

void FolderWriter::in_batches(const Indexes& files, void (FolderWriter::*work)(const Indexes&)) {
  Indexes batch;
  std::uint64_t bytes = 0;
  const auto give = [&] {
    workers_.add([this, work, batch = std::exchange(batch, {})] { (this->*work)(batch); });
    bytes = 0;
  };
  for (const std::size_t index : files) {
    batch.push_back(index);
    bytes += (*files_)[index].entry->size;
    if (batch.size() == batch_files || bytes >= batch_bytes) give();
  }
  if (!batch.empty()) give();
}

FolderWriter::Indexes FolderWriter::in_order_of_the_store() const {
  std::vector<std::pair<std::uint64_t, std::size_t>> places;
  for (std::size_t i = 0; i < files_->size(); ++i)
    if (!made_[i].kept)
      places.emplace_back(
          view_.objects().place((*files_)[i].entry->id).value_or(std::numeric_limits<std::uint64_t>::max()), i);
  std::sort(places.begin(), places.end());
  Indexes order;
  order.reserve(places.size());
  for (const auto& [place, index] : places) order.push_back(index);
  return order;
}

bool FolderWriter::may_be_kept(const WantedFile& file) const {
  const unsigned wanted = ((file.entry->mode & 0100) != 0 ? 0777u : 0666u) & open_modes_;
  return file.known != nullptr && file.known->id == file.entry->id && file.known->mode == tree_mode(*file.entry) &&
         (file.known->stat.mode & 07777) == wanted;
}

void FolderWriter::keep_files(const Indexes& files) {
  FolderCursor from(before_);
  FolderCursor to(root_);
  for (const std::size_t index : files) {
    context_.cancel->check();
    if (!keep_file(index, from, to)) continue;
    made_[index].kept = true;
    context_.progress->advance((*files_)[index].entry->size);
  }
}

bool FolderWriter::keep_file(std::size_t index, FolderCursor& from, FolderCursor& to) {
  const WantedFile& file = (*files_)[index];
  const FolderCursor::Place old = from.find(file.entry->path);
  struct stat status {};
  if (old.folder < 0 || ::fstatat(old.folder, old.name, &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  // A name that the file has elsewhere would show what is written to it here.
  if (file_stat(status) != file.known->stat || status.st_nlink != 1 || status.st_uid != ::geteuid()) return false;
  const FolderCursor::Place fresh = to.find(file.entry->path);
  if (fresh.folder < 0) base::throw_errno(errno, "write", shown_ / file.entry->path.str());
  if (::linkat(old.folder, old.name, fresh.folder, fresh.name, 0) != 0) return false;
  const bool same = ::fstatat(fresh.folder, fresh.name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                    same_but_for_change(file_stat(status), file.known->stat) && status.st_nlink == 2;
  if (!same) {
    // It changed between the two looks.
    if (::unlinkat(fresh.folder, fresh.name, 0) != 0)
      base::throw_errno(errno, "write", shown_ / file.entry->path.str());
    return false;
  }
  if (sync_each_) {
    const base::Fd fd = open_in(fresh.folder, fresh.name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!fd) base::throw_errno(errno, "make durable", shown_ / file.entry->path.str());
    base::sync_file(fd.get(), shown_ / file.entry->path.str());
  }
  made_[index].stat = file_stat(status);
  return true;
}

void FolderWriter::write_files(const Indexes& files) {
  FolderCursor cursor(root_);
  for (const std::size_t index : files) {
    context_.cancel->check();
    write_file(index, cursor);
  }
}

void FolderWriter::write_file(std::size_t index, FolderCursor& cursor) {
  const FileEntry& entry = *(*files_)[index].entry;
  const fs::path full = shown_ / entry.path.str();
  const base::Fd fd = cursor.open(entry.path, O_WRONLY | O_CREAT | O_EXCL, (entry.mode & 0100) != 0 ? 0777 : 0666);
  if (!fd) base::throw_errno(errno, "write", full);
  if (entry.size <= whole_limit) {
    base::write_all(fd.get(), base::bytes_of(view_.objects().read(entry.id, git::ObjectType::blob, whole_limit)), full);
    if (entry.size >= worth_an_early_start) start_disk(fd.get(), 0, entry.size);
    context_.progress->advance(entry.size);
  } else {
    base::drain(*view_.open(entry), [&](base::ConstBytes piece) {
      context_.cancel->check();
      base::write_all(fd.get(), piece, full);
      context_.progress->advance(piece.size());
    });
  }
  done(index, fd.get());
}

void FolderWriter::done(std::size_t index, int fd) {
  const fs::path full = shown_ / (*files_)[index].entry->path.str();
  if (sync_each_) base::sync_file(fd, full);
  struct stat status {};
  if (::fstat(fd, &status) != 0) base::throw_errno(errno, "read", full);
  made_[index].stat = file_stat(status);
  made_[index].certain = true;
}

void FolderWriter::finish() {
  if (!sync_each_) {
    if (::syncfs(root_) != 0) base::throw_errno(errno, "make durable", shown_);
    return;
  }
  for (auto folder = folders_.rbegin(); folder != folders_.rend(); ++folder) {
    const base::Fd fd = folder->empty() ? open_in(root_, ".", O_RDONLY | O_DIRECTORY)
                                        : open_beneath(root_, StatePath::parse(*folder), O_RDONLY | O_DIRECTORY);
    if (!fd) base::throw_errno(errno, "make durable", shown_ / *folder);
    base::sync_file(fd.get(), shown_ / *folder);
  }
}

void FolderWriter::let_go_of_before(int root, int before) {
  root_ = root;
  before_ = before;
  Indexes kept;
  for (std::size_t i = 0; i < made_.size(); ++i)
    if (made_[i].kept) kept.push_back(i);
  in_batches(kept, &FolderWriter::let_go);
  workers_.finish();
}

void FolderWriter::let_go(const Indexes& files) {
  FolderCursor from(before_);
  FolderCursor to(root_);
  for (const std::size_t index : files) {
    const StatePath& path = (*files_)[index].entry->path;
    MadeFile& made = made_[index];
    const FolderCursor::Place old = from.find(path);
    const FolderCursor::Place now = to.find(path);
    struct stat status {};
    if (old.folder < 0 || now.folder < 0) continue;
    if (::fstatat(now.folder, now.name, &status, AT_SYMLINK_NOFOLLOW) != 0 || file_stat(status) != made.stat) continue;
    // Its other name must still be a name of this file.
    struct stat other {};
    if (::fstatat(old.folder, old.name, &other, AT_SYMLINK_NOFOLLOW) != 0 || other.st_ino != status.st_ino) continue;
    if (::unlinkat(old.folder, old.name, 0) != 0) continue;
    if (::fstatat(now.folder, now.name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    made.certain = same_but_for_change(file_stat(status), made.stat) && status.st_nlink == 1;
    made.stat = file_stat(status);
  }
}

}  // namespace pod::snapshot
