#include "snapshot/chunk_cutter.hpp"
#include "snapshot/chunk_tree.hpp"

#include <libpod/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <deque>

namespace pod::snapshot {
namespace {

constexpr std::size_t buffer_size = 1 << 20;
static_assert(buffer_size >= 2 * largest_chunk);
constexpr std::size_t most_pending = 8192;  // chunks whose ids are not known yet

/// Writes the trees as the ids of the chunks become known.
class Trees {
 public:
  Trees(git::PackWriter& pack, bool executable) : pack_(pack), mode_(executable ? 0100755 : 0100644) {}

  void chunk(std::size_t size, bool ends_folder) {
    pending_.push_back({size, ends_folder});
    if (pending_.size() % most_pending == 0) settle(false);
  }

  Oid finish() {
    settle(true);
    if (!folder_.empty()) close_folder();
    return write(std::move(folders_));
  }

 private:
  struct Pending {
    std::size_t size = 0;
    bool ends_folder = false;
  };

  void settle(bool all) {
    ids_.clear();
    pack_.take_ids(ids_, all);
    for (const Oid& id : ids_) {
      const Pending chunk = pending_.front();
      pending_.pop_front();
      folder_.push_back({fmt::format("{:08x}", size_), mode_, id});
      size_ += chunk.size;
      if (chunk.ends_folder) close_folder();
    }
  }

  void close_folder() {
    folders_.push_back({fmt::format("{:012x}", offset_), 040000, write(std::move(folder_))});
    offset_ += size_;
    size_ = 0;
    folder_.clear();
  }

  Oid write(std::vector<git::TreeEntry> entries) {
    return pack_.add(git::ObjectType::tree, base::bytes_of(git::encode_tree(std::move(entries))));
  }

  git::PackWriter& pack_;
  unsigned mode_;
  std::deque<Pending> pending_;
  std::vector<Oid> ids_;
  std::vector<git::TreeEntry> folder_;
  std::vector<git::TreeEntry> folders_;
  std::uint64_t offset_ = 0;  // of the folder
  std::uint64_t size_ = 0;    // so far
};

[[noreturn]] void wrong_length(std::uint64_t size) {
  throw Error(ErrorCode::corrupt,
              "the source of a file does not have the " + std::to_string(size) + " bytes it should have")
      .hint("something changed it while it was read: run the command again");
}

}  // namespace

Oid write_chunks(git::PackWriter& pack, std::uint64_t size, base::ByteSource& source, bool executable) {
  // What was given up in the middle of another file left ids that nobody waits for.
  std::vector<Oid> forgotten;
  pack.take_ids(forgotten, true);
  std::vector<std::byte> buffer(buffer_size);
  std::size_t held = 0;
  std::uint64_t rest = size;
  const auto fill = [&] {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(rest, buffer.size() - held));
    const std::size_t got = base::read_fully(source, std::span(buffer).subspan(held, want));
    if (got < want) wrong_length(size);
    held += got;
    rest -= got;
  };
  fill();
  ChunkCutter cutter(ChunkRule::of(base::text_of(base::ConstBytes(buffer).first(std::min(held, kind_head)))));
  Trees trees(pack, executable);
  const auto add = [&](base::ConstBytes chunk, bool ends_folder) {
    pack.add_later(git::ObjectType::blob, chunk);
    trees.chunk(chunk.size(), ends_folder);
  };
  std::size_t seen = 0;  // by the cutter, of what is held
  while (held > 0) {
    std::size_t start = 0;
    const base::ConstBytes bytes = base::ConstBytes(buffer).first(held);
    while (const auto cut = cutter.find(bytes.subspan(seen))) {
      seen += cut->taken;
      add(bytes.subspan(start, seen - start), cut->ends_folder);
      start = seen;
    }
    if (rest == 0) {
      if (start < held) add(bytes.subspan(start), false);
      break;
    }
    held -= start;
    std::memmove(buffer.data(), buffer.data() + start, held);
    seen = held;
    fill();
  }
  std::byte probe{};
  if (source.read(std::span(&probe, 1)) != 0) wrong_length(size);
  return trees.finish();
}

}  // namespace pod::snapshot
