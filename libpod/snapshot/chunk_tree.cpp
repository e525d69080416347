#include "snapshot/chunk_tree.hpp"

#include "snapshot/chunk_cutter.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <utility>

namespace pod::snapshot {
namespace {

constexpr std::uint64_t size_limit = 16ull << 30;
constexpr std::size_t most_folders = 512 << 10;
constexpr std::size_t folder_digits = 12;
constexpr std::size_t chunk_digits = 8;

[[noreturn]] void refuse(const Oid& tree, const std::string& why) {
  throw Error(ErrorCode::corrupt, "tree " + quote(tree.hex()) + " is not one of chunks").because(why);
}

/// The offset that a name says; nullopt where it is not that many lower-case hex digits.
std::optional<std::uint64_t> offset_of(std::string_view name, std::size_t digits) {
  if (name.size() != digits) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : name) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && !(c >= 'a' && c <= 'f')) return std::nullopt;
    value = value << 4 | static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return value;
}

std::vector<git::TreeEntry> entries_of(git::ObjectDatabase& objects, const Oid& tree, std::size_t most) {
  auto entries = git::parse_tree(tree, objects.read(tree, git::ObjectType::tree));
  if (entries.empty()) refuse(tree, "it is empty");
  if (entries.size() > most) refuse(tree, "it has more than " + std::to_string(most) + " entries");
  return entries;
}

/// Entries of a list of folders or of chunks, in the order of their offsets, the first at 0.
std::uint64_t checked_offset(const Oid& tree, const git::TreeEntry& entry, std::size_t digits, bool first) {
  const auto offset = offset_of(entry.name, digits);
  if (!offset || *offset > size_limit) refuse(tree, "the name " + quote(entry.name) + " is no offset");
  if (first && *offset != 0) refuse(tree, "its first entry is not at 0");
  return *offset;
}

class ChunkSource final : public base::ByteSource {
 public:
  ChunkSource(std::shared_ptr<git::ObjectDatabase> objects, const Oid& tree)
      : objects_(std::move(objects)), tree_(tree), walk_(*objects_, tree) {}

  std::size_t read(std::span<std::byte> buffer) override {
    if (buffer.empty()) return 0;
    if (at_ == content_.size()) {
      const auto chunk = walk_.next();
      if (!chunk) return 0;
      content_ = read_chunk(*objects_, *chunk);
      at_ = 0;
    }
    const std::size_t count = std::min(buffer.size(), content_.size() - at_);
    std::copy_n(std::as_bytes(std::span(content_)).begin() + static_cast<std::ptrdiff_t>(at_), count, buffer.begin());
    at_ += count;
    return count;
  }

 private:
  std::shared_ptr<git::ObjectDatabase> objects_;
  Oid tree_;
  ChunkWalk walk_;
  std::string content_;
  std::size_t at_ = 0;
};

}  // namespace

std::string read_chunk(git::ObjectDatabase& objects, const Chunk& chunk) {
  std::string content = objects.read(chunk.id, git::ObjectType::blob, largest_chunk);
  if (content.size() != chunk.size)
    throw Error(ErrorCode::corrupt, "the chunk " + chunk.id.hex() + " has " + std::to_string(content.size()) +
                                        " bytes where its tree has room for " + std::to_string(chunk.size));
  return content;
}

ChunkWalk::ChunkWalk(git::ObjectDatabase& objects, const Oid& tree) : objects_(objects), tree_(tree) {
  for (const git::TreeEntry& entry : entries_of(objects, tree, most_folders)) {
    if (!entry.is_tree()) refuse(tree, "entry " + quote(entry.name) + " is no folder of chunks");
    folders_.push_back({checked_offset(tree, entry, folder_digits, folders_.empty()), entry.id});
  }
  // A tree's entries are in the order of their names, so offsets rise.
  const Folder& last = folders_.back();
  const auto entries = entries_of(objects, last.id, most_chunks_a_folder);
  executable_ = entries.front().mode == 0100755;
  if (!executable_ && entries.front().mode != 0100644)
    refuse(last.id, "entry " + quote(entries.front().name) + " is no chunk");
  const auto header = objects.header(entries.back().id);
  if (!header || header->type != git::ObjectType::blob)
    refuse(last.id, "its last chunk " + entries.back().id.hex() + " is missing");
  if (header->size == 0 || header->size > largest_chunk) refuse(last.id, "its last chunk has an odd size");
  size_ = last.offset + checked_offset(last.id, entries.back(), chunk_digits, entries.size() == 1) + header->size;
  if (size_ < chunked_size) refuse(tree, "so small a file is a blob");
  if (size_ > size_limit) refuse(tree, "it has more than " + std::to_string(size_limit) + " bytes");
}

std::vector<Chunk> ChunkWalk::read_folder(std::size_t index) const {
  const Folder& folder = folders_[index];
  const bool last = index + 1 == folders_.size();
  const std::uint64_t end = last ? size_ : folders_[index + 1].offset;
  std::vector<Chunk> chunks;
  for (const git::TreeEntry& entry : entries_of(objects_, folder.id, most_chunks_a_folder)) {
    if (entry.mode != (executable_ ? 0100755u : 0100644u))
      refuse(folder.id, "entry " + quote(entry.name) + " has another mode than the file");
    chunks.push_back({folder.offset + checked_offset(folder.id, entry, chunk_digits, chunks.empty()), 0, entry.id});
  }
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const bool at_end = i + 1 == chunks.size();
    const std::uint64_t next = at_end ? end : chunks[i + 1].offset;
    if (next <= chunks[i].offset) refuse(folder.id, "its chunks reach beyond the next folder");
    chunks[i].size = next - chunks[i].offset;
    if (chunks[i].size > largest_chunk || (chunks[i].size < smallest_chunk && !(at_end && last)))
      refuse(folder.id, "a chunk has " + std::to_string(chunks[i].size) + " bytes");
  }
  return chunks;
}

std::optional<Chunk> ChunkWalk::next() {
  if (chunk_ == chunks_.size()) {
    if (folder_ == folders_.size()) return std::nullopt;
    chunks_ = read_folder(folder_++);
    chunk_ = 0;
  }
  return chunks_[chunk_++];
}

void for_each_other_chunk(git::ObjectDatabase& objects, const Oid& base, const Oid& tree,
                          const std::function<void(const Chunk&)>& visit) {
  const ChunkWalk before(objects, base);
  const ChunkWalk after(objects, tree);
  const auto end_of = [](const ChunkWalk& walk, std::size_t index) {
    return index + 1 < walk.folders_.size() ? walk.folders_[index + 1].offset : walk.size_;
  };
  const auto same = [](const Chunk& a, const Chunk& b) {
    return a.offset == b.offset && a.size == b.size && a.id == b.id;
  };
  std::vector<Chunk> old;
  std::size_t old_chunk = 0;
  std::size_t old_folder = 0;
  for (std::size_t i = 0; i < after.folders_.size(); ++i) {
    const ChunkWalk::Folder& folder = after.folders_[i];
    // Skips what `base` has in front of this folder.
    while (old_chunk == old.size() && old_folder < before.folders_.size() &&
           end_of(before, old_folder) <= folder.offset)
      ++old_folder;
    if (old_chunk == old.size() && old_folder < before.folders_.size()) {
      const ChunkWalk::Folder& other = before.folders_[old_folder];
      if (other.offset == folder.offset && other.id == folder.id && end_of(before, old_folder) == end_of(after, i)) {
        ++old_folder;
        continue;
      }
    }
    for (const Chunk& chunk : after.read_folder(i)) {
      for (;;) {
        if (old_chunk == old.size()) {
          if (old_folder == before.folders_.size() || before.folders_[old_folder].offset > chunk.offset) break;
          old = before.read_folder(old_folder++);
          old_chunk = 0;
        }
        if (old[old_chunk].offset >= chunk.offset) break;
        ++old_chunk;
      }
      if (old_chunk == old.size() || !same(old[old_chunk], chunk)) visit(chunk);
    }
    while (old_chunk < old.size() && old[old_chunk].offset < end_of(after, i)) ++old_chunk;
  }
}

std::unique_ptr<base::ByteSource> read_chunks(std::shared_ptr<git::ObjectDatabase> objects, const Oid& tree) {
  return std::make_unique<ChunkSource>(std::move(objects), tree);
}

}  // namespace pod::snapshot
