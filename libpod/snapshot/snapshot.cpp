#include <libpod/snapshot.hpp>

#include <libpod/error.hpp>

#include "snapshot/tree_names.hpp"
#include "snapshot/tree_view.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace pod {
namespace {

using git::TreeEntry;

/// Walks two trees side by side and reads only what differs.
class Comparison {
 public:
  Comparison(const Snapshot& from, const Snapshot& to) : from_(from.view()), to_(to.view()) {}

  std::vector<FileChange> run() {
    if (from_.tree() != to_.tree()) folders(&from_.tree(), &to_.tree(), "", 0);
    std::sort(changes_.begin(), changes_.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return std::move(changes_);
  }

 private:
  static constexpr std::size_t limit = 2'000'000;

  void folders(const Oid* old_tree, const Oid* new_tree, const std::string& prefix, std::size_t depth) {
    if (depth > 64) throw Error(ErrorCode::refused, "a tree is more than 64 levels deep");
    if (++trees_ > limit) throw Error(ErrorCode::refused, "the trees have too many folders");
    const auto old_entries = entries_of(from_, old_tree);
    const auto new_entries = entries_of(to_, new_tree);
    std::map<std::string_view, std::pair<const TreeEntry*, const TreeEntry*>> pairs;
    for (const auto& entry : old_entries) place(pairs[name_of(entry)].first, entry);
    for (const auto& entry : new_entries) place(pairs[name_of(entry)].second, entry);
    for (const auto& [name, pair] : pairs) {
      if (depth == 0 && name == ".pod") continue;
      const auto& [before, after] = pair;
      if (before && after && before->id == after->id && before->mode == after->mode && before->name == after->name)
        continue;
      const auto plain = snapshot::unescape_component(name, depth == 0);
      if (!plain) throw Error(ErrorCode::corrupt, "a tree holds the name " + quote(name) + ", which no snapshot gives");
      entry(before, after, prefix + *plain, depth);
    }
  }

  void entry(const TreeEntry* before, const TreeEntry* after, const std::string& path, std::size_t depth) {
    const bool old_folder = before && before->is_tree() && !snapshot::is_chunked(*before);
    const bool new_folder = after && after->is_tree() && !snapshot::is_chunked(*after);
    if (old_folder || new_folder)
      folders(old_folder ? &before->id : nullptr, new_folder ? &after->id : nullptr, path + '/', depth + 1);
    const bool old_file = before && !old_folder;
    const bool new_file = after && !new_folder;
    if (!old_file && !new_file) return;
    if (changes_.size() >= limit)
      throw Error(ErrorCode::refused, "more than " + std::to_string(limit) + " files differ");
    FileChange change{StatePath::parse(path), FileChange::Kind::changed, 0, 0};
    if (!old_file) change.kind = FileChange::Kind::added;
    if (!new_file) change.kind = FileChange::Kind::removed;
    if (old_file) change.old_size = size_of(from_, *before);
    if (new_file) change.new_size = size_of(to_, *after);
    changes_.push_back(std::move(change));
  }

  static std::vector<TreeEntry> entries_of(const snapshot::TreeView& view, const Oid* tree) {
    if (tree == nullptr) return {};
    return git::parse_tree(*tree, view.objects().read(*tree, git::ObjectType::tree));
  }
  /// The same for a file, however large it is.
  static std::string_view name_of(const TreeEntry& entry) {
    std::string_view name = entry.name;
    if (snapshot::is_chunked(entry)) name.remove_suffix(snapshot::chunks_suffix.size());
    return name;
  }
  static void place(const TreeEntry*& side, const TreeEntry& entry) {
    if (side != nullptr)
      throw Error(ErrorCode::corrupt, "a tree holds " + quote(name_of(entry)) + " both whole and in chunks");
    side = &entry;
  }
  static std::uint64_t size_of(const snapshot::TreeView& view, const TreeEntry& entry) {
    if (snapshot::is_chunked(entry)) return snapshot::ChunkWalk(view.objects(), entry.id).size();
    const auto header = view.objects().header(entry.id);
    if (!header) throw Error(ErrorCode::corrupt, "there is no object " + entry.id.hex());
    return header->size;
  }

  const snapshot::TreeView& from_;
  const snapshot::TreeView& to_;
  std::vector<FileChange> changes_;
  std::size_t trees_ = 0;
};

}  // namespace

Snapshot::Snapshot(std::shared_ptr<const snapshot::TreeView> view) : view_(std::move(view)) {}

Oid Snapshot::tree() const noexcept { return view_->tree(); }
SnapshotInfo Snapshot::info() const { return view_->info(); }
std::vector<FileEntry> Snapshot::files() const { return view_->files(); }
std::optional<FileEntry> Snapshot::find(const StatePath& path) const { return view_->find(path); }

void Snapshot::read(const StatePath& path, const std::function<void(std::span<const std::byte>)>& sink) const {
  const auto file = find(path);
  if (!file) throw Error(ErrorCode::not_found, "no file " + quote(path.str()) + " in this version");
  const auto source = view_->open(*file);
  base::drain(*source, sink);
}

std::string Snapshot::read(const StatePath& path, std::uint64_t limit) const {
  const auto file = find(path);
  if (!file) throw Error(ErrorCode::not_found, "no file " + quote(path.str()) + " in this version");
  if (file->size > limit)
    throw Error(ErrorCode::refused, "file " + quote(path.str()) + " has " + std::to_string(file->size) +
                                        " bytes, more than " + std::to_string(limit));
  const auto source = view_->open(*file);
  return base::read_all(*source, limit);
}

std::vector<std::string> Snapshot::services() const {
  SnapshotInfo info = this->info();
  if (!info.captured.empty() || !info.empty.empty() || !info.failed.empty()) return std::move(info.captured);
  std::set<std::string> names;
  for (const FileEntry& file : view_->files(false))
    if (const auto service = service_of(file.path); !service.empty()) names.emplace(service);
  return {names.begin(), names.end()};
}

std::vector<FileChange> diff(const Snapshot& from, const Snapshot& to) { return Comparison(from, to).run(); }

std::string_view service_of(const StatePath& path) {
  const auto parts = path.components();
  if (parts.size() >= 4 && parts[0] == "api_states") return parts[2];
  if (parts.size() >= 3 && parts[0] == "assets") return parts[1];
  return {};
}

}  // namespace pod
