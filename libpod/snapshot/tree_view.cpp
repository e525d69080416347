#include "snapshot/tree_view.hpp"

#include <libpod/error.hpp>

#include "digest/digest.hpp"
#include "json/json.hpp"
#include "snapshot/chunk_tree.hpp"
#include "snapshot/tree_builder.hpp"
#include "snapshot/tree_names.hpp"

#include <algorithm>
#include <unordered_set>

namespace pod::snapshot {
namespace {

constexpr std::uint64_t file_limit = 1'000'000;
constexpr std::size_t depth_limit = 64;
constexpr std::string_view own_folder = ".pod";

std::vector<git::TreeEntry> read_tree(git::ObjectDatabase& objects, const Oid& id) {
  return git::parse_tree(id, objects.read(id, git::ObjectType::tree));
}

const git::TreeEntry* find_entry(const std::vector<git::TreeEntry>& entries, std::string_view name) {
  const auto place =
      std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.name == name; });
  return place == entries.end() ? nullptr : &*place;
}

/// Permission bits of a file; Error(corrupt) for what no snapshot has.
unsigned file_mode(const git::TreeEntry& entry, const Oid& tree) {
  if (entry.mode == 0100644) return 0644;
  if (entry.mode == 0100755) return 0755;
  throw Error(ErrorCode::corrupt,
              "entry " + quote(entry.name) + " of tree " + quote(tree.hex()) + " is neither a file nor a folder");
}

/// The name of a file or folder; of a file of chunks without their mark.
std::string checked_name(const git::TreeEntry& entry, const Oid& tree, bool at_root) {
  std::string_view plain = entry.name;
  if (is_chunked(entry)) plain.remove_suffix(chunks_suffix.size());
  auto name = unescape_component(plain, at_root);
  if (!name)
    throw Error(ErrorCode::corrupt,
                "entry " + quote(entry.name) + " of tree " + quote(tree.hex()) + " has a name that no snapshot gives");
  return *std::move(name);
}

/// Error(corrupt) where a file of chunks has the name of something else beside it.
void check_once(const std::vector<git::TreeEntry>& entries, const Oid& tree) {
  if (std::none_of(entries.begin(), entries.end(), is_chunked)) return;
  std::unordered_set<std::string_view> names;
  for (const git::TreeEntry& entry : entries) {
    std::string_view name = entry.name;
    if (is_chunked(entry)) name.remove_suffix(chunks_suffix.size());
    if (!names.insert(name).second)
      throw Error(ErrorCode::corrupt, "tree " + quote(tree.hex()) + " holds " + quote(name) + " twice");
  }
}

StatePath checked_path(const std::string& text) {
  try {
    return StatePath::parse(text);
  } catch (const Error& error) {
    throw Error(ErrorCode::corrupt, "a tree holds an unsafe path").because(error.message());
  }
}

}  // namespace

TreeView::TreeView(std::shared_ptr<git::ObjectDatabase> objects, const Oid& tree)
    : objects_(std::move(objects)), tree_(tree) {}

std::vector<FileEntry> TreeView::files(bool with_sizes) const { return files_below(tree_, "", 0, with_sizes); }

std::vector<FileEntry> TreeView::own_files(const StatePath& folder) const {
  const auto entry = entry_at(folder);
  if (!entry || !entry->is_tree()) return {};
  return files_below(entry->id, folder.str() + '/', folder.components().size(), true);
}

std::optional<std::string> TreeView::own_file(const StatePath& path, std::uint64_t limit) const {
  const auto entry = entry_at(path);
  if (!entry || entry->is_tree()) return std::nullopt;
  return objects_->read(entry->id, git::ObjectType::blob, limit);
}

std::vector<FileEntry> TreeView::files_below(const Oid& tree, const std::string& prefix, std::size_t depth,
                                             bool with_sizes) const {
  struct Folder {
    Oid id;
    std::string prefix;  // "" or "a/b/"
    std::size_t depth = 0;
  };
  std::vector<Folder> open{{tree, prefix, depth}};
  std::vector<FileEntry> files;
  std::uint64_t folders = 0;
  while (!open.empty()) {
    const Folder folder = std::move(open.back());
    open.pop_back();
    if (++folders > file_limit)
      throw Error(ErrorCode::refused,
                  "tree " + quote(tree_.hex()) + " has more than " + std::to_string(file_limit) + " folders");
    const auto entries = read_tree(*objects_, folder.id);
    check_once(entries, folder.id);
    for (const git::TreeEntry& entry : entries) {
      const bool at_root = folder.depth == 0;
      if (at_root && entry.name == own_folder) continue;
      std::string path = folder.prefix + checked_name(entry, folder.id, at_root);
      const bool chunked = is_chunked(entry);
      if (entry.is_tree() && !chunked) {
        if (folder.depth + 1 >= depth_limit)
          throw Error(ErrorCode::refused,
                      "tree " + quote(tree_.hex()) + " is more than " + std::to_string(depth_limit) + " levels deep");
        open.push_back({entry.id, std::move(path) + '/', folder.depth + 1});
        continue;
      }
      if (files.size() >= file_limit)
        throw Error(ErrorCode::refused,
                    "tree " + quote(tree_.hex()) + " has more than " + std::to_string(file_limit) + " files");
      files.push_back({checked_path(path), 0, entry.id, chunked ? 0644 : file_mode(entry, folder.id), chunked});
    }
  }
  std::sort(files.begin(), files.end(), [](const FileEntry& a, const FileEntry& b) { return a.path < b.path; });
  if (with_sizes)
    for (FileEntry& file : files) {
      if (file.chunked) {
        measure(file);
        continue;
      }
      const auto header = objects_->header(file.id);
      if (!header || header->type != git::ObjectType::blob)
        throw Error(ErrorCode::corrupt, "content of " + quote(file.path.str()) + " is missing")
            .because("there is no blob " + file.id.hex());
      file.size = header->size;
    }
  return files;
}

std::optional<git::TreeEntry> TreeView::entry_at(const StatePath& path) const {
  std::optional<git::TreeEntry> place;
  const auto parts = path.components();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (place && !place->is_tree()) return std::nullopt;
    const auto entries = read_tree(*objects_, place ? place->id : tree_);
    const bool own = i == 0 && parts[0] == own_folder;
    const git::TreeEntry* entry =
        find_entry(entries, own ? std::string(own_folder) : escape_component(parts[i], i == 0));
    if (entry == nullptr) return std::nullopt;
    place = *entry;
  }
  return place;
}

std::optional<FileEntry> TreeView::find(const StatePath& path) const {
  Oid tree = tree_;
  const auto parts = path.components();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto entries = read_tree(*objects_, tree);
    const git::TreeEntry* entry = find_entry(entries, escape_component(parts[i], i == 0));
    const bool last = i + 1 == parts.size();
    if (last) {
      const git::TreeEntry* chunks =
          find_entry(entries, escape_component(parts[i], i == 0) + std::string(chunks_suffix));
      if (chunks != nullptr && chunks->is_tree()) {
        if (entry != nullptr)
          throw Error(ErrorCode::corrupt, "tree " + quote(tree.hex()) + " holds " + quote(path.str()) + " twice");
        FileEntry file{path, 0, chunks->id, 0644, true};
        measure(file);
        return file;
      }
    }
    if (entry == nullptr || entry->is_tree() == last) return std::nullopt;
    if (last) {
      const auto header = objects_->header(entry->id);
      if (!header)
        throw Error(ErrorCode::corrupt, "content of " + quote(path.str()) + " is missing")
            .because("there is no blob " + entry->id.hex());
      return FileEntry{path, header->size, entry->id, file_mode(*entry, tree)};
    }
    tree = entry->id;
  }
  return std::nullopt;
}

std::vector<StatePath> TreeView::empty_folders() const {
  constexpr std::string_view what = ".pod/files.json";
  const auto text = own_file(StatePath::parse(what), 64ull << 20);
  if (!text) return {};
  const json::Value value = json::parse(*text, what);
  if (json::integer_member(value, "format", what) != 1)
    throw Error(ErrorCode::incompatible, quote(what) + " has a newer format").hint("use a newer podgit");
  std::vector<StatePath> folders;
  for (const std::string& name : json::strings_member(value, "empty", what)) {
    auto path = unescape_path(name);
    if (!path) throw Error(ErrorCode::corrupt, quote(what) + " names an unsafe path " + quote(name));
    folders.push_back(*std::move(path));
  }
  std::sort(folders.begin(), folders.end());
  if (std::adjacent_find(folders.begin(), folders.end()) != folders.end())
    throw Error(ErrorCode::corrupt, quote(what) + " names a path twice");
  return folders;
}

SnapshotInfo TreeView::info() const {
  const auto text = own_file(StatePath::parse(".pod/info.json"), 1 << 20);
  return text ? parse_info(*text) : SnapshotInfo{};
}

void TreeView::measure(FileEntry& file) const {
  try {
    const ChunkWalk walk(*objects_, file.id);
    file.size = walk.size();
    file.mode = walk.executable() ? 0755 : 0644;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    throw Error(ErrorCode::corrupt, "content of " + quote(file.path.str()) + " is missing").because(error.message());
  }
}

std::unique_ptr<base::ByteSource> TreeView::open(const FileEntry& file) const {
  return file.chunked ? read_chunks(objects_, file.id) : objects_->stream(file.id);
}

ChunkWalk TreeView::chunks(const FileEntry& file) const {
  if (!file.chunked) throw Error(ErrorCode::internal, quote(file.path.str()) + " is no file of chunks");
  return ChunkWalk(*objects_, file.id);
}

bool is_chunked(const git::TreeEntry& entry) noexcept {
  return entry.is_tree() && std::string_view(entry.name).ends_with(chunks_suffix);
}

Oid state_id(git::ObjectDatabase& objects, const Oid& tree) {
  auto entries = read_tree(objects, tree);
  std::erase_if(entries, [](const git::TreeEntry& entry) { return entry.name == own_folder; });
  const std::string bytes = git::encode_tree(std::move(entries));
  return digest::Sha1()
      .update("tree " + std::to_string(bytes.size()))
      .update(std::string_view("\0", 1))
      .update(bytes)
      .finish();
}

bool same_state(git::ObjectDatabase& objects, const Oid& a, const Oid& b) {
  return a == b || state_id(objects, a) == state_id(objects, b);
}

}  // namespace pod::snapshot
