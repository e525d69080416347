#include "snapshot/folder.hpp"

#include <libpod/error.hpp>

#include "snapshot/beneath.hpp"
#include "snapshot/read_ahead.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pod::snapshot {
namespace {

namespace fs = std::filesystem;

constexpr int attempts = 3;
constexpr std::uint64_t whole_limit = 1 << 20;  // up to here a file is read ahead

/// The file is not what it was when it was opened.
struct Changed {};

/// Ends only where the file is still as it was opened, to the nanosecond; throws Changed elsewhere.
class SteadySource final : public base::ByteSource {
 public:
  SteadySource(int fd, const FileStat& stat, const fs::path& path, const Context& context)
      : fd_(fd), stat_(stat), path_(path), context_(context) {}

  std::size_t read(std::span<std::byte> buffer) override {
    context_.cancel->check();
    ssize_t count = -1;
    do count = ::read(fd_, buffer.data(), buffer.size());
    while (count < 0 && errno == EINTR);
    if (count < 0) base::throw_errno(errno, "read", path_);
    seen_ += static_cast<std::uint64_t>(count);
    if (seen_ > stat_.size || (count == 0 && (seen_ != stat_.size || !is_as_opened()))) throw Changed{};
    context_.progress->advance(static_cast<std::uint64_t>(count));
    return static_cast<std::size_t>(count);
  }

 private:
  bool is_as_opened() const {
    struct stat now {};
    if (::fstat(fd_, &now) != 0) base::throw_errno(errno, "read", path_);
    return file_stat(now) == stat_;
  }

  int fd_;
  const FileStat& stat_;
  const fs::path& path_;
  const Context& context_;
  std::uint64_t seen_ = 0;
};

/// What was stored, and the file as it was then.
struct Added {
  git::TreeEntry entry;
  FileStat stat;
};

Added add_once(int root, const fs::path& full, const StatePath& path, TreeBuilder& builder, const Context& context) {
  // O_NONBLOCK: what was a file a moment ago may be a FIFO now.
  const base::Fd fd = open_beneath(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENXIO) throw Changed{};
    base::throw_errno(errno, "read", full);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) base::throw_errno(errno, "read", full);
  if (!S_ISREG(status.st_mode)) throw Changed{};
  const FileStat stat = file_stat(status);
  SteadySource source(fd.get(), stat, full, context);
  return {builder.add_file(path, stat.size, source, stat.mode), stat};
}

Added add(int root, const fs::path& full, const StatePath& path, TreeBuilder& builder, const Context& context) {
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

/// Notes files in the order of their paths.
class Notes {
 public:
  Notes(StatCache& cache, const FolderScan& scan) : cache_(cache) {
    for (const std::string& folder : scan.folders) cache_.folders[folder];
  }
  /// A file that was stored, of which nothing is to be concluded the next time.
  void count(std::uint64_t size) {
    ++cache_.files;
    cache_.bytes += size;
  }
  void add(const FoundFile& file, KnownFile known) {
    if (!file.lone) return;
    const std::string& text = file.path.str();
    const auto slash = text.rfind('/');
    const std::string_view folder = std::string_view(text).substr(0, slash == std::string::npos ? 0 : slash);
    if (files_ == nullptr || folder != folder_) {
      folder_ = folder;
      files_ = &cache_.folders[folder_];
    }
    known.name = text.substr(slash == std::string::npos ? 0 : slash + 1);
    files_->push_back(std::move(known));
  }

 private:
  StatCache& cache_;
  std::string folder_;
  std::vector<KnownFile>* files_ = nullptr;
};

KnownFile database_note(const StoredDatabase& stored) {
  KnownFile note;
  note.stat = stored.copy.stat;
  note.id = stored.entry.id;
  note.mode = stored.entry.mode;
  note.part = KnownFile::Part::database;
  return note;
}

/// Of a log that the database was stored with; nullopt for another one, and for an index.
std::optional<KnownFile> log_note(const FoundFile& file, const StoredDatabase& stored) {
  const std::optional<FileStat>& stat = file.path.str().ends_with("-wal") ? stored.copy.wal : stored.copy.journal;
  if (!stored.copy.steady || !stat || file.path.str().ends_with("-shm")) return std::nullopt;
  KnownFile note = database_note(stored);
  note.stat = *stat;
  note.part = KnownFile::Part::log;
  return note;
}

}  // namespace

FolderCapture::FolderCapture(const fs::path& folder, const Context& context, Wanted wanted, const StatCache* before,
                             fs::path scratch)
    : folder_(folder), scratch_(std::move(scratch)), context_(context), wanted_(std::move(wanted)) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (!error && fs::exists(status) && !fs::is_directory(status))
    throw Error(ErrorCode::invalid_argument, quote(folder.native()) + " is not a folder");
  root_ = base::open_file(folder, O_RDONLY | O_DIRECTORY);
  exact_ = has_exact_times(root_.get());
  scanner_.emplace(root_.get(), folder_, context_, wanted_, exact_ ? before : nullptr);
}

std::optional<StoredDatabase> FolderCapture::add_database(const FoundFile& file, TreeBuilder& builder) {
  const base::TempFolder work(scratch_);
  std::string why;
  DatabaseCopy copy = copy_live_database(root_.get(), file.path, work.path(), context_, why);
  if (copy.file.empty()) {
    context_.progress->warn("stored " + quote(file.path.str()) + " and the log beside it as they lie: " + why);
    return std::nullopt;
  }
  base::FileSource source(copy.file);
  git::TreeEntry entry = builder.add_file(file.path, copy.size, source, copy.stat.mode);
  return StoredDatabase{std::move(copy), std::move(entry)};
}

std::optional<StatCache> FolderCapture::add_to(TreeBuilder& builder, const Reuse& reuse) {
  FolderScan scan = scanner_->list();
  std::vector<std::size_t> to_read;
  for (std::size_t i = 0; i < scan.files.size(); ++i) {
    FoundFile& file = scan.files[i];
    if (file.database != SIZE_MAX) {
      if (scan.files[file.database].known == nullptr) file.known = nullptr;
      continue;
    }
    if (file.known != nullptr && !(reuse && reuse(file.path, *file.known))) file.known = nullptr;
    if (file.known == nullptr && !file.has_logs) to_read.push_back(i);
  }
  context_.progress->begin("capturing", scan.bytes);
  StatCache after;
  after.device = scanner_->device();
  after.taken = scanner_->taken();
  Notes notes(after, scan);
  std::unordered_map<std::size_t, StoredDatabase> databases;  // by their places in the list
  ReadAhead ahead(root_.get(), scan.files, std::move(to_read), whole_limit, context_);
  for (std::size_t i = 0; i < scan.files.size(); ++i) {
    const FoundFile& file = scan.files[i];
    if (file.database != SIZE_MAX) {
      const auto database = databases.find(file.database);
      if (database != databases.end()) {
        if (const auto log = log_note(file, database->second)) notes.add(file, *log);
        continue;
      }
      if (scan.files[file.database].known != nullptr) {
        if (file.known != nullptr) notes.add(file, *file.known);
        continue;
      }
    }
    if (file.known != nullptr) {
      builder.add_existing(file.path, file.stat.size, {"", file.known->mode, file.known->id});
      context_.progress->advance(file.stat.size);
      notes.count(file.stat.size);
      notes.add(file, *file.known);
      continue;
    }
    if (file.has_logs) {
      if (auto stored = add_database(file, builder)) {
        notes.count(stored->copy.size);
        if (stored->copy.steady) notes.add(file, database_note(*stored));
        databases.emplace(i, *std::move(stored));
        continue;
      }
    }
    const bool alone = !file.has_logs && file.database == SIZE_MAX;
    Added added;
    if (const auto content = alone ? ahead.next() : std::nullopt) {
      added = {builder.add_file(file.path, *content, file.stat.mode), file.stat};
    } else {
      added = pod::snapshot::add(root_.get(), folder_ / file.path.str(), file.path, builder, context_);
    }
    notes.count(added.stat.size);
    if (alone)
      notes.add(file, {.name = {}, .stat = added.stat, .id = added.entry.id, .mode = added.entry.mode, .model = {}});
  }
  for (const StatePath& path : scan.empty_folders) builder.add_empty_folder(path);
  context_.progress->end();
  if (!exact_ || wanted_) return std::nullopt;
  return after;
}

void capture_folder(const fs::path& folder, TreeBuilder& builder, const Context& context, const Wanted& wanted) {
  const base::TempFolder scratch("/var/tmp", "podgit-");
  FolderCapture(folder, context, wanted, nullptr, scratch.path()).add_to(builder);
}

}  // namespace pod::snapshot
