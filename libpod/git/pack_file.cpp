#include "git/pack_file.hpp"

#include "git/delta.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace pod::git {
namespace {

constexpr std::size_t head_size = 12;
constexpr std::uint64_t delta_result_limit = 256ull << 20;
constexpr std::uint64_t delta_work_limit = 2ull << 30;  // bytes made on the way to one object
constexpr std::size_t delta_depth_limit = 4095;         // what stock git can write at most

Error damaged(const OpenPack& pack, std::string_view why) {
  return Error(ErrorCode::corrupt, "the pack " + quote(pack.path.native()) + " is damaged").because(std::string(why));
}

/// Fewer bytes than asked for only at the end of the file.
std::size_t read_at(const OpenPack& pack, std::uint64_t offset, std::span<char> buffer) {
  std::size_t got = 0;
  while (got < buffer.size()) {
    const ssize_t count =
        ::pread(pack.fd.get(), buffer.data() + got, buffer.size() - got, static_cast<off_t>(offset + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) base::throw_errno(errno, "read", pack.path);
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  return got;
}

std::string inflate_whole(const std::shared_ptr<const OpenPack>& pack, const PackEntry& entry, std::uint64_t limit) {
  if (entry.size > limit)
    throw Error(ErrorCode::refused, "an object of " + std::to_string(entry.size) +
                                        " bytes is larger than the limit of " + std::to_string(limit));
  EntryStream stream(pack, entry);
  std::string out;
  out.resize(static_cast<std::size_t>(entry.size));
  const std::span<std::byte> room = std::as_writable_bytes(std::span(out));
  std::size_t got = 0;
  while (got < room.size()) got += stream.read(room.subspan(got));
  std::byte probe{};
  static_cast<void>(stream.read(std::span(&probe, 1)));  // the stream ends here, its checksum is right
  return out;
}

}  // namespace

PackEntry read_entry(const OpenPack& pack, std::uint64_t offset) {
  if (offset < head_size || offset >= pack.end) throw damaged(pack, "an entry lies outside of the pack");
  std::array<char, 48> buffer{};
  const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), pack.end - offset));
  std::string_view bytes(buffer.data(), read_at(pack, offset, std::span(buffer).first(want)));
  const std::size_t all = bytes.size();
  const auto take = [&]() -> unsigned {
    if (bytes.empty()) throw damaged(pack, "an entry is cut short");
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    return byte;
  };

  PackEntry entry;
  unsigned byte = take();
  const unsigned type = byte >> 4 & 7;
  entry.size = byte & 15;
  for (unsigned shift = 4; (byte & 128) != 0; shift += 7) {
    byte = take();
    const std::uint64_t part = byte & 127;
    if (shift > 60 || (part << shift) >> shift != part) throw damaged(pack, "an entry claims an impossible size");
    entry.size |= part << shift;
  }
  switch (type) {
    case 1: entry.type = ObjectType::commit; break;
    case 2: entry.type = ObjectType::tree; break;
    case 3: entry.type = ObjectType::blob; break;
    case 4: entry.type = ObjectType::tag; break;
    case 6: {
      entry.kind = EntryKind::offset_delta;
      byte = take();
      std::uint64_t back = byte & 127;
      while ((byte & 128) != 0) {
        byte = take();
        if (back >= (std::uint64_t{1} << 56)) throw damaged(pack, "a delta names an impossible base");
        back = (back + 1) << 7 | (byte & 127);
      }
      if (back == 0 || back > offset - head_size) throw damaged(pack, "the base of a delta lies outside of the pack");
      entry.base_offset = offset - back;
      break;
    }
    case 7: {
      entry.kind = EntryKind::id_delta;
      std::array<std::uint8_t, Oid::size> id{};
      for (std::uint8_t& part : id) part = static_cast<std::uint8_t>(take());
      entry.base_id = Oid(id);
      break;
    }
    default: throw damaged(pack, "an entry has an unknown type");
  }
  entry.data = offset + (all - bytes.size());
  if (entry.size / max_inflate_ratio > pack.end - entry.data) throw damaged(pack, "an entry claims an impossible size");
  return entry;
}

EntryStream::EntryStream(std::shared_ptr<const OpenPack> pack, const PackEntry& entry)
    : pack_(std::move(pack)), next_(entry.data), rest_(entry.size) {
  // Small objects are most of them: read little more than they need. Deflate makes nothing larger but for its frame.
  constexpr std::uint64_t least = 512;
  constexpr std::uint64_t most = 64 * 1024;
  constexpr std::uint64_t frame = 64;
  buffer_.resize(static_cast<std::size_t>(std::clamp(std::min(entry.size, most) * 129 / 128 + frame, least, most)));
}

bool EntryStream::fill() {
  const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), pack_->end - next_));
  const std::size_t got = read_at(*pack_, next_, std::span(buffer_).first(want));
  next_ += got;
  input_ = base::bytes_of(std::string_view(buffer_).substr(0, got));
  return got > 0;
}

std::size_t EntryStream::read(std::span<std::byte> buffer) {
  try {
    while (!done_) {
      // Of what it was given before, the inflater may still have something to say.
      const bool fed = !input_.empty() || fill();
      // At the end of the object one byte of room shows whether the stream goes on.
      std::byte probe{};
      const bool at_end = rest_ == 0;
      const std::span<std::byte> room =
          at_end ? std::span(&probe, 1)
                 : buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), rest_)));
      const Inflater::Step step = inflater_.step(input_, room);
      input_ = input_.subspan(step.consumed);
      done_ = step.done;
      if (at_end && step.produced > 0) throw damaged(*pack_, "an entry is longer than it claims");
      if (done_ && step.produced < rest_ && !at_end) throw damaged(*pack_, "an entry is shorter than it claims");
      if (!at_end) rest_ -= step.produced;
      if (step.produced > 0) return step.produced;
      if (buffer.empty() && !at_end) return 0;
      if (step.consumed > 0 || done_) continue;
      throw damaged(*pack_, fed ? "an entry cannot be inflated" : "an entry is cut short");
    }
  } catch (Error& error) {
    if (error.code() != ErrorCode::corrupt || !error.causes().empty()) throw;
    throw error.within("the pack " + quote(pack_->path.native()) + " is damaged");
  }
  return 0;
}

PackFile::PackFile(std::filesystem::path index_path) : index_path_(std::move(index_path)) {}

std::filesystem::path PackFile::pack_path() const {
  std::filesystem::path path = index_path_;
  return path.replace_extension(".pack");
}

const PackIndex* PackFile::index() {
  if (const PackIndex* ready = ready_.load(std::memory_order_acquire)) return ready;
  const std::lock_guard lock(mutex_);
  if (!problem_.empty()) return nullptr;
  if (index_) return index_.get();
  try {
    index_ = PackIndex::open(index_path_);
    ready_.store(index_.get(), std::memory_order_release);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) throw PackVanished{};
    if (error.code() != ErrorCode::corrupt) throw;
    problem_ =
        index_path_.filename().string() + ": " + (error.causes().empty() ? error.message() : error.causes().front());
    sound_.store(0, std::memory_order_release);
  }
  return index_.get();
}

bool PackFile::sound() {
  const int known = sound_.load(std::memory_order_acquire);
  if (known >= 0) return known == 1;
  const PackIndex* index = this->index();
  if (index == nullptr) return false;
  const auto settle = [&](const std::filesystem::path& file, const Error* error) {
    const std::lock_guard lock(mutex_);
    if (error != nullptr)
      problem_ =
          file.filename().string() + ": " + (error->causes().empty() ? error->message() : error->causes().front());
    sound_.store(error == nullptr ? 1 : 0, std::memory_order_release);
    if (error != nullptr) ready_.store(nullptr, std::memory_order_release);
    return error == nullptr;
  };
  try {
    index->verify();
  } catch (const Error& error) {
    return settle(index_path_, &error);
  }
  try {
    std::shared_ptr<const OpenPack> pack;
    {
      const std::lock_guard lock(mutex_);
      pack = open_ ? open_ : open_anew();
    }
    std::array<char, head_size> head{};
    std::array<char, Oid::size> trailer{};
    if (read_at(*pack, 0, head) != head.size() || read_at(*pack, pack->end, trailer) != trailer.size() ||
        std::memcmp(head.data(), "PACK\0\0\0\2", 8) != 0)
      throw damaged(*pack, "it does not start as a version 2 pack");
    std::uint32_t count = 0;
    for (std::size_t i = 8; i < head.size(); ++i) count = count << 8 | static_cast<unsigned char>(head[i]);
    if (count != index->count() ||
        std::memcmp(trailer.data(), index->pack_checksum().bytes().data(), trailer.size()) != 0)
      throw damaged(*pack, "its index belongs to another pack");
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt) throw;
    return settle(pack_path(), &error);
  }
  return settle({}, nullptr);
}

std::string PackFile::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

std::shared_ptr<const OpenPack> PackFile::open() {
  const std::lock_guard lock(mutex_);
  if (!open_) open_ = open_anew();
  return open_;
}

std::shared_ptr<const OpenPack> PackFile::open_anew() const {
  auto pack = std::make_shared<OpenPack>();
  pack->path = pack_path();
  try {
    pack->fd = base::open_file(pack->path, O_RDONLY | O_NOFOLLOW);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) throw PackVanished{};
    throw;
  }
  struct stat status {};
  if (::fstat(pack->fd.get(), &status) != 0) base::throw_errno(errno, "read", pack->path);
  if (!S_ISREG(status.st_mode) || status.st_size < static_cast<off_t>(head_size + Oid::size))
    throw damaged(*pack, "it is cut short");
  pack->end = static_cast<std::uint64_t>(status.st_size) - Oid::size;
  return pack;
}

void PackFile::close() {
  const std::lock_guard lock(mutex_);
  open_.reset();
}

std::uint64_t PackFile::offset_of(std::uint32_t position) {
  const std::optional<std::uint64_t> offset = index_->offset(position);
  if (!offset) throw Error(ErrorCode::corrupt, "the pack index " + quote(index_path_.native()) + " is damaged");
  return *offset;
}

std::uint64_t PackFile::base_offset(const PackEntry& entry, std::uint64_t offset) {
  if (entry.kind == EntryKind::offset_delta) return entry.base_offset;
  const std::optional<std::uint32_t> position = index_->find(entry.base_id);
  if (!position)
    throw Error(ErrorCode::corrupt, "the pack " + quote(pack_path().native()) + " is damaged")
        .because("the base " + entry.base_id.hex() + " of the delta at " + std::to_string(offset) + " is not in it");
  return offset_of(*position);
}

ObjectHeader PackFile::header(std::uint32_t position) {
  const std::shared_ptr<const OpenPack> pack = open();
  std::uint64_t offset = offset_of(position);
  PackEntry entry = read_entry(*pack, offset);
  ObjectHeader header{entry.type, entry.size};
  if (entry.kind != EntryKind::whole) {
    std::array<std::byte, 20> start{};
    EntryStream stream(pack, entry);
    const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(start.size(), entry.size));
    std::string_view bytes =
        base::text_of(base::ConstBytes(start).first(base::read_fully(stream, std::span(start).first(want))));
    header.size = take_delta_sizes(bytes).result;
  }
  for (std::size_t depth = 0; entry.kind != EntryKind::whole; ++depth) {
    if (depth >= delta_depth_limit) throw damaged(*pack, "its deltas have no end");
    offset = base_offset(entry, offset);
    entry = read_entry(*pack, offset);
    header.type = entry.type;
  }
  return header;
}

Object PackFile::read(std::uint32_t position, std::uint64_t limit) {
  const std::shared_ptr<const OpenPack> pack = open();
  std::uint64_t offset = offset_of(position);
  PackEntry entry = read_entry(*pack, offset);
  std::vector<PackEntry> deltas;
  while (entry.kind != EntryKind::whole) {
    if (deltas.size() >= delta_depth_limit) throw damaged(*pack, "its deltas have no end");
    deltas.push_back(entry);
    offset = base_offset(entry, offset);
    entry = read_entry(*pack, offset);
  }
  if (deltas.empty()) return {entry.type, inflate_whole(pack, entry, limit)};

  Object out{entry.type, inflate_whole(pack, entry, delta_result_limit)};
  std::uint64_t work = out.content.size();
  try {
    for (; !deltas.empty(); deltas.pop_back()) {
      const std::string delta = inflate_whole(pack, deltas.back(), delta_result_limit);
      const std::uint64_t room = deltas.size() == 1 ? std::min(limit, delta_result_limit) : delta_result_limit;
      out.content = apply_delta(out.content, delta, room);
      work += out.content.size();
      if (work > delta_work_limit) throw Error(ErrorCode::refused, "its deltas are too much work");
    }
  } catch (Error& error) {
    throw error.within("cannot read an object of the pack " + quote(pack->path.native()));
  }
  return out;
}

std::optional<std::pair<ObjectHeader, std::unique_ptr<base::ByteSource>>> PackFile::stream(std::uint32_t position) {
  std::shared_ptr<const OpenPack> pack = open();
  const PackEntry entry = read_entry(*pack, offset_of(position));
  if (entry.kind != EntryKind::whole) return std::nullopt;
  return std::pair(ObjectHeader{entry.type, entry.size}, std::make_unique<EntryStream>(std::move(pack), entry));
}

}  // namespace pod::git
