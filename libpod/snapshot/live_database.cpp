#include "snapshot/live_database.hpp"

#include <libpod/error.hpp>

#include "base/files.hpp"
#include "document/database_copy.hpp"
#include "snapshot/beneath.hpp"
#include "snapshot/file_copy.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace pod::snapshot {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t size_limit = 16ull << 30;
constexpr std::uint64_t copy_step = 8 << 20;
constexpr int most_tries = 3;
constexpr int lock_tries = 250;
constexpr unsigned lock_wait = 20'000;  // microseconds
constexpr int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;

// SQLite's own: https://www.sqlite.org/fileformat2.html#the_lock_byte_page, https://www.sqlite.org/walformat.html
constexpr std::string_view magic("SQLite format 3\0", 16);
constexpr off_t pending_byte = 0x40000000;
constexpr off_t shared_first = pending_byte + 2;
constexpr off_t shared_size = 510;
constexpr off_t checkpoint_byte = 121;

/// Why there is no copy.
struct Impossible {
  std::string why;
};
/// The files changed in a way that no lock keeps off: once more.
struct Again {};

/// A lock of the open file, not of the process: one that goes with the descriptor, and with nothing else.
bool lock_shared(int fd, off_t first, off_t size, const Context& context) {
  struct flock lock {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = first;
  lock.l_len = size;
  for (int tries = 0; tries < lock_tries; ++tries) {
    context.cancel->check();
    if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) return true;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EACCES) throw Impossible{"its file system knows no locks"};
    ::usleep(lock_wait);
  }
  return false;
}

void unlock(int fd, off_t first, off_t size) {
  struct flock lock {};
  lock.l_type = F_UNLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = first;
  lock.l_len = size;
  ::fcntl(fd, F_OFD_SETLK, &lock);
}

/// One of the files, opened beneath the root; empty where it is missing.
struct Part {
  base::Fd fd;
  FileStat stat;
};

class Copying {
 public:
  Copying(int root, const StatePath& path, const fs::path& folder, const Context& context)
      : cursor_(root), path_(path), folder_(folder), context_(context) {}

  DatabaseCopy run() {
    DatabaseCopy copy;
    const Part database = open("");
    if (!database.fd) throw Impossible{"it cannot be opened"};
    check_magic(database.fd.get());
    lock(database.fd.get());
    const Part wal = open("-wal");
    const Part journal = open("-journal");
    const Part index = open("-shm");
    if (index.fd && !lock_shared(index.fd.get(), checkpoint_byte, 1, context_))
      throw Impossible{"somebody is moving its log into it"};
    // From here on nobody writes to the database itself; what it was before the lock does not count.
    copy.stat = stat_of(database.fd.get());
    copy.file = folder_ / "database";
    take(database.fd.get(), "");
    if (wal.fd) take(wal.fd.get(), "-wal");
    if (journal.fd) take(journal.fd.get(), "-journal");
    // Without an index there was no lock to be had: whoever opened it since has made one.
    if (stat_of(database.fd.get()) != copy.stat || (!index.fd && open("-shm").fd)) throw Again{};
    // Another file under the log's name is another log.
    for (const auto& [end, part] : {std::pair("-wal", &wal), std::pair("-journal", &journal)}) {
      const Part now = open(end);
      if (now.fd && (!part->fd || now.stat.inode != part->stat.inode)) throw Again{};
    }
    copy.steady = is_steady("-wal", wal) && is_steady("-journal", journal);
    if (wal.fd) copy.wal = wal.stat;
    if (journal.fd) copy.journal = journal.stat;
    return copy;
  }

 private:
  Part open(const char* end) {
    Part part;
    const FolderCursor::Place place = cursor_.find(path_);
    if (place.folder < 0) return part;
    part.fd = open_in(place.folder, (std::string(place.name) + end).c_str(), flags);
    if (!part.fd) return part;
    struct stat status {};
    if (::fstat(part.fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    part.stat = file_stat(status);
    if (part.stat.size > size_limit) throw Impossible{"its log is too large"};
    return part;
  }

  FileStat stat_of(int fd) const {
    struct stat status {};
    if (::fstat(fd, &status) != 0) base::throw_errno(errno, "read", path_.str());
    return file_stat(status);
  }

  bool is_steady(const char* end, const Part& before) {
    const Part now = open(end);
    return static_cast<bool>(now.fd) == static_cast<bool>(before.fd) && now.stat == before.stat;
  }

  void check_magic(int fd) const {
    std::array<char, magic.size()> head{};
    if (::pread(fd, head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()) ||
        std::string_view(head.data(), head.size()) != magic)
      throw Impossible{"it is no SQLite database"};
  }

  /// As SQLite does: through the pending byte, so that a waiting writer comes first.
  void lock(int fd) const {
    if (!lock_shared(fd, pending_byte, 1, context_)) throw Impossible{"somebody keeps it locked"};
    const bool shared = lock_shared(fd, shared_first, shared_size, context_);
    unlock(fd, pending_byte, 1);
    if (!shared) throw Impossible{"somebody keeps it locked"};
  }

  void take(int fd, const char* end) const {
    const fs::path to = folder_ / (std::string("database") + end);
    const base::Fd copy = base::open_file(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    // Of a log that grows, what it has now.
    const std::uint64_t size = stat_of(fd).size;
    if (clone_file(fd, copy.get())) return;
    if (::ftruncate(copy.get(), static_cast<off_t>(size)) != 0) base::throw_errno(errno, "write", to);
    for (std::uint64_t from = 0; from < size; from += copy_step) {
      context_.cancel->check();
      if (!copy_stretch(fd, copy.get(), from, std::min(size, from + copy_step), to)) return;  // it became shorter
    }
  }

  FolderCursor cursor_;
  const StatePath& path_;
  const fs::path& folder_;
  const Context& context_;
};

void remove_copy(const fs::path& folder) {
  for (const char* end : {"", "-wal", "-journal", "-shm"}) {
    std::error_code ignored;
    fs::remove(folder / (std::string("database") + end), ignored);
  }
}

}  // namespace

DatabaseCopy copy_live_database(int root, const StatePath& path, const fs::path& folder, const Context& context,
                                std::string& why) {
  for (int tries = 0; tries < most_tries; ++tries) {
    try {
      DatabaseCopy copy = Copying(root, path, folder, context).run();
      if (auto reason = document::settle_database(copy.file)) throw Impossible{*std::move(reason)};
      copy.size = fs::file_size(copy.file);
      if (copy.size > size_limit) throw Impossible{"it is too large"};
      return copy;
    } catch (const Impossible& impossible) {
      why = impossible.why;
      remove_copy(folder);
      return {};
    } catch (const Again&) {
      remove_copy(folder);
    }
  }
  why = "it changes faster than it can be copied";
  return {};
}

}  // namespace pod::snapshot
