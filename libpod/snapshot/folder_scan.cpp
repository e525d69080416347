#include "snapshot/folder_scan.hpp"

#include <libpod/error.hpp>

#include "snapshot/beneath.hpp"
#include "snapshot/folder_walk.hpp"
#include "snapshot/in_place.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace pod::snapshot {
namespace {

namespace fs = std::filesystem;
using Kind = WalkedEntry::Kind;

constexpr std::uint64_t size_limit = 16ull << 30;
constexpr std::uint64_t warning_limit = 20;

/// Whether a file is as it was; a database only with all of its logs.
bool is_known(const WalkedEntry& entry) {
  if (entry.known == nullptr) return false;
  if (entry.database != nullptr)
    return entry.database->known != nullptr && entry.known->id == entry.database->known->id;
  return std::all_of(entry.logs.begin(), entry.logs.end(), [&](const WalkedEntry* log) {
    return log->kind == Kind::file && log->known != nullptr && log->known->id == entry.known->id;
  });
}

/// Files are new, gone or changed. Counts the folders.
bool differs(const WalkedFolder& folder, std::size_t& folders) {
  ++folders;
  if (folder.holds_itself || folder.known == nullptr) return true;
  std::size_t files = 0;
  for (const WalkedEntry& entry : folder.entries) {
    // The index of a log says nothing of its own.
    if (entry.database != nullptr && entry.database->index == &entry && is_known(*entry.database)) continue;
    if (entry.kind == Kind::file && (++files, !is_known(entry))) return true;
    if (entry.folder && differs(*entry.folder, folders)) return true;
  }
  return files != folder.known->size();
}

/// What is left out, the first of them by name.
class Warnings {
 public:
  explicit Warnings(const Context& context) : context_(context) {}
  ~Warnings() {
    if (count_ > warning_limit)
      context_.progress->warn(std::to_string(count_ - warning_limit) + " more entries were left out");
  }
  void of(const WalkedFolder& folder) {
    for (const WalkedEntry& entry : folder.entries) {
      if (entry.kind == Kind::left_out) leave_out(folder.prefix + entry.name, entry.why);
      if (!entry.folder) continue;
      if (entry.folder->holds_itself) leave_out(entry.folder->prefix, "the folder contains itself");
      of(*entry.folder);
    }
  }

 private:
  void leave_out(const std::string& path, const char* why) {
    if (++count_ <= warning_limit) context_.progress->warn("left out " + quote(path) + ": " + why);
  }
  const Context& context_;
  std::uint64_t count_ = 0;
};

/// Goes over what was walked, in order.
class Gathering {
 public:
  Gathering(FolderScan& scan, const fs::path& root, const FolderScanner::Wanted& wanted)
      : scan_(scan), root_(root), wanted_(wanted) {}

  void gather(const WalkedFolder& folder);

 private:
  void file(const WalkedFolder& folder, const WalkedEntry& entry);
  StatePath checked(const std::string& path) const {
    try {
      return StatePath::parse(path);
    } catch (const Error& error) {
      throw Error(ErrorCode::refused, "cannot capture " + quote((root_ / path).native())).because(error.message());
    }
  }

  FolderScan& scan_;
  const fs::path& root_;
  const FolderScanner::Wanted& wanted_;
  std::unordered_map<const WalkedEntry*, std::size_t> databases_;
};

void Gathering::gather(const WalkedFolder& folder) {
  bool empty = true;
  scan_.folders.push_back(folder.prefix.substr(0, folder.prefix.empty() ? 0 : folder.prefix.size() - 1));
  for (const WalkedEntry& entry : folder.entries) {
    if (entry.kind == Kind::file) file(folder, entry);
    if (entry.folder && !entry.folder->holds_itself) gather(*entry.folder);
    empty = empty && (entry.kind == Kind::left_out || (entry.folder && entry.folder->holds_itself));
  }
  if (!empty || folder.prefix.empty()) return;
  StatePath path = checked(folder.prefix.substr(0, folder.prefix.size() - 1));
  if (!wanted_ || wanted_(path_in(path))) scan_.empty_folders.push_back(std::move(path));
}

void Gathering::file(const WalkedFolder& folder, const WalkedEntry& entry) {
  StatePath path = checked(folder.prefix + entry.name);
  if (wanted_ && !wanted_(path)) return;
  const std::uint64_t size = entry.stat.size;
  if (size > size_limit)
    throw Error(ErrorCode::refused, "file " + quote((root_ / path.str()).native()) + " has " + std::to_string(size) +
                                        " bytes, more than " + std::to_string(size_limit));
  if (scan_.files.size() >= walk_file_limit)
    throw Error(ErrorCode::refused,
                "folder " + quote(root_.native()) + " has more than " + std::to_string(walk_file_limit) + " files");
  scan_.bytes += size;
  FoundFile found{std::move(path), entry.stat, is_known(entry) ? entry.known : nullptr, entry.lone};
  found.has_logs =
      std::any_of(entry.logs.begin(), entry.logs.end(), [](const WalkedEntry* log) { return log->kind == Kind::file; });
  if (found.has_logs) databases_[&entry] = scan_.files.size();
  // Names sort so that a database stands in front of what belongs to it.
  if (const auto place = databases_.find(entry.database); place != databases_.end()) found.database = place->second;
  scan_.files.push_back(std::move(found));
}

}  // namespace

FolderScanner::FolderScanner(int root, const fs::path& shown, const Context& context, const Wanted& wanted,
                             const StatCache* cache)
    : shown_(shown), context_(context), wanted_(wanted), taken_(file_clock()) {
  walk_ = std::make_unique<FolderWalk>(root, shown_, context, cache);
  walk_->run();
  for (const WalkedEntry& entry : walk_->root().entries)
    if (entry.folder && entry.name.starts_with(in_place_prefix))
      throw Error(ErrorCode::conflict, "a checkout into " + quote(shown_.native()) + " is under way or was interrupted")
          .hint("run that checkout again: it ends what was begun");
  std::size_t folders = 0;
  as_known_ = !wanted && cache != nullptr && !differs(walk_->root(), folders) && folders == cache->folders.size();
  Warnings(context).of(walk_->root());
}

FolderScanner::~FolderScanner() = default;

std::uint64_t FolderScanner::device() const noexcept { return walk_->device(); }

FolderScan FolderScanner::list() const {
  FolderScan scan;
  Gathering(scan, shown_, wanted_).gather(walk_->root());
  return scan;
}

}  // namespace pod::snapshot
