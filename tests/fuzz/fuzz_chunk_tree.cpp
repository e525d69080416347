// A store whose objects the input says: "t", length (2 bytes), a tree's bytes; "b", size (4 bytes), a blob of that many
// zeros. Numbers are big-endian. An object's id is its number from 1 on, in the first byte, and zeros. Objects 1 and 2
// are read as files of chunks.
#include "fuzz_input.hpp"

#include "snapshot/tree_view.hpp"

#include <libpod/error.hpp>

#include <array>
#include <vector>

namespace {

namespace git = pod::git;
using pod::ErrorCode;
using pod::Oid;
using pod::snapshot::Chunk;

constexpr std::uint64_t read_limit = 4 << 20;
constexpr std::uint8_t root_number = 255;

Oid id_of(std::uint8_t number) {
  std::array<std::uint8_t, Oid::size> bytes{};
  bytes[0] = number;
  return Oid(bytes);
}

class Objects final : public git::ObjectDatabase {
 public:
  explicit Objects(std::string_view rest) {
    const auto number = [&](std::size_t bytes) {
      std::size_t value = 0;
      for (; bytes > 0 && !rest.empty(); --bytes, rest.remove_prefix(1))
        value = value << 8 | static_cast<unsigned char>(rest.front());
      return value;
    };
    while (!rest.empty() && objects_.size() + 1 < root_number) {
      const bool tree = rest.front() == 't';
      rest.remove_prefix(1);
      const std::size_t size = number(tree ? 2 : 4);
      if (!tree) {
        objects_.push_back({git::ObjectType::blob, "", size});
        continue;
      }
      objects_.push_back({git::ObjectType::tree, std::string(rest.substr(0, size)), std::min(size, rest.size())});
      rest.remove_prefix(std::min(size, rest.size()));
    }
    root_ = {git::ObjectType::tree, git::encode_tree({{"file.chunks", 040000, id_of(1)}}), 0};
    root_.size = root_.content.size();
  }

  bool contains(const Oid& id) override { return find(id) != nullptr; }
  bool knows(const Oid& id) override { return contains(id); }
  std::optional<git::ObjectHeader> header(const Oid& id) override {
    const Said* object = find(id);
    return object != nullptr ? std::optional(git::ObjectHeader{object->type, object->size}) : std::nullopt;
  }
  std::optional<std::uint64_t> place(const Oid&) override { return std::nullopt; }
  std::string read(const Oid& id, git::ObjectType expected, std::uint64_t limit) override {
    git::Object object = read_any(id, limit);
    if (object.type != expected) throw pod::Error(ErrorCode::corrupt, "another type");
    return std::move(object.content);
  }
  git::Object read_any(const Oid& id, std::uint64_t limit) override {
    const Said* object = find(id);
    if (object == nullptr) throw pod::Error(ErrorCode::not_found, "no such object");
    if (object->size > limit) throw pod::Error(ErrorCode::refused, "too large");
    if (object->type == git::ObjectType::tree) return {object->type, object->content};
    return {object->type, std::string(static_cast<std::size_t>(object->size), '\0')};
  }
  std::unique_ptr<pod::base::ByteSource> stream(const Oid&) override {
    throw pod::Error(ErrorCode::internal, "unused");
  }
  void refresh() override {}
  void for_each(const std::function<void(const Oid&)>&) override {}
  std::vector<Oid> with_prefix(const Oid&, std::size_t, std::size_t) override { return {}; }
  std::vector<std::string> problems() override { return {}; }

 private:
  struct Said {
    git::ObjectType type;
    std::string content;
    std::uint64_t size;
  };
  const Said* find(const Oid& id) const {
    const std::uint8_t number = id.bytes()[0];
    if (id != id_of(number)) return nullptr;
    if (number == root_number) return &root_;
    return number > 0 && number <= objects_.size() ? &objects_[number - 1] : nullptr;
  }
  std::vector<Said> objects_;
  Said root_{};
};

/// What `read` gives; nullopt where it refuses the tree, with an error that is promised.
template <typename Read>
auto accepted(Read read) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const pod::Error& error) {
    fuzz::must_hold(error.code() == ErrorCode::corrupt || error.code() == ErrorCode::not_found ||
                        error.code() == ErrorCode::refused,
                    "the error is one that is promised");
    return std::nullopt;
  }
}

std::vector<Chunk> chunks_of(pod::snapshot::ChunkWalk walk) {
  std::vector<Chunk> chunks;
  std::uint64_t end = 0;
  while (const auto chunk = walk.next()) {
    fuzz::must_hold(chunk->offset == end && chunk->size > 0, "chunks follow one another");
    end += chunk->size;
    chunks.push_back(*chunk);
  }
  fuzz::must_hold(end == walk.size(), "they are the whole file");
  return chunks;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto objects = std::make_shared<Objects>(fuzz::text(data, size));
  const pod::snapshot::TreeView view(objects, id_of(root_number));
  const auto files = accepted([&] { return view.files(); });
  const auto chunks = accepted([&] { return chunks_of(pod::snapshot::ChunkWalk(*objects, id_of(1))); });
  if (chunks) {
    fuzz::must_hold(files && files->size() == 1 && files->front().chunked, "the view has the file");
    fuzz::must_hold(chunks_of(view.chunks(files->front())).size() == chunks->size(), "and its chunks");
    if (files->front().size <= read_limit)
      if (const auto content = accepted([&] { return pod::base::read_all(*view.open(files->front()), read_limit); }))
        fuzz::must_hold(content->size() == files->front().size, "all of it is read");
  }
  const auto before = accepted([&] { return chunks_of(pod::snapshot::ChunkWalk(*objects, id_of(2))); });
  const auto others = accepted([&] {
    std::vector<Chunk> found;
    pod::snapshot::for_each_other_chunk(*objects, id_of(2), id_of(1),
                                        [&](const Chunk& chunk) { found.push_back(chunk); });
    return found;
  });
  if (!chunks || !before) return 0;
  fuzz::must_hold(others.has_value(), "two files can be compared");
  const auto same = [](const Chunk& a, const Chunk& b) {
    return a.offset == b.offset && a.size == b.size && a.id == b.id;
  };
  std::size_t other = 0;
  std::size_t old = 0;
  for (const Chunk& chunk : *chunks) {
    while (old < before->size() && (*before)[old].offset < chunk.offset) ++old;
    const bool there = old < before->size() && same((*before)[old], chunk);
    const bool named = other < others->size() && same((*others)[other], chunk);
    fuzz::must_hold(there != named, "a chunk is named if the file before does not have it, and only then");
    if (named) ++other;
  }
  fuzz::must_hold(other == others->size(), "no other chunk is named");
  return 0;
}
