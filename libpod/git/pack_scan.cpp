#include "git/pack_scan.hpp"

#include "digest/digest.hpp"
#include "git/deflate.hpp"
#include "git/delta.hpp"
#include "git/inflate.hpp"
#include "git/loose.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>

namespace pod::git {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t head_size = 12;
constexpr std::uint64_t object_limit = 256ull << 20;  // of what is made by deltas
constexpr std::uint64_t work_limit = 2ull << 30;      // bytes made on the way to one object
constexpr std::size_t depth_limit = 4095;
constexpr std::uint64_t memory = 16ull << 20;
constexpr std::uint64_t largest_remembered = 4ull << 20;

Error damaged(const OpenPack& pack, std::string_view why) {
  return Error(ErrorCode::corrupt, "the pack " + quote(pack.path.native()) + " is damaged").because(std::string(why));
}

/// Fewer bytes than asked for only at the end of the file.
std::size_t read_at(const OpenPack& pack, std::uint64_t offset, std::span<std::byte> room) {
  std::size_t done = 0;
  while (done < room.size()) {
    const ssize_t got =
        ::pread(pack.fd.get(), room.data() + done, room.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) base::throw_errno(errno, "read", pack.path);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

/// The bytes from `from` to `to` of a pack, in pieces.
class Stretch {
 public:
  Stretch(const OpenPack& pack, std::uint64_t from, std::uint64_t to)
      : pack_(pack),
        at_(from),
        to_(to),
        buffer_(static_cast<std::size_t>(std::min<std::uint64_t>(256 * std::size_t{1024}, to - from))) {}
  /// Empty at the end, and where the file is shorter than it was.
  base::ConstBytes next() {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), to_ - at_));
    const std::size_t got = read_at(pack_, at_, std::span(buffer_).first(want));
    at_ += got;
    return std::span(buffer_).first(got);
  }
  std::uint64_t position() const noexcept { return at_; }

 private:
  const OpenPack& pack_;
  std::uint64_t at_;
  std::uint64_t to_;
  std::vector<std::byte> buffer_;
};

std::uint32_t crc_of(const OpenPack& pack, std::uint64_t from, std::uint64_t to) {
  std::uint32_t crc = 0;
  Stretch raw(pack, from, to);
  for (auto piece = raw.next(); !piece.empty(); piece = raw.next()) crc = crc32_of(crc, piece);
  return crc;
}

/// The entry at `offset`, and where the next one begins. zlib's inflate, since it ends exactly where the stream does.
std::optional<ScannedEntry> scan_entry(const OpenPack& pack, std::uint64_t offset, Inflater& inflater) {
  ScannedEntry found;
  found.offset = offset;
  try {
    found.entry = read_entry(pack, offset);
    const bool whole = found.entry.kind == EntryKind::whole;
    digest::Sha1 sha;
    if (whole) sha.update(object_head(found.entry.type, found.entry.size));
    std::array<std::byte, 32 * std::size_t{1024}> out{};
    Stretch raw(pack, found.entry.data, pack.end);
    inflater.start();
    std::uint64_t made = 0;
    for (base::ConstBytes in;;) {
      if (in.empty()) in = raw.next();
      const Inflater::Step step = inflater.step(in, out);
      in = in.subspan(step.consumed);
      if (whole) sha.update(std::span(out).first(step.produced));
      made += step.produced;
      if (made > found.entry.size) return std::nullopt;
      if (step.done) {
        if (made != found.entry.size) return std::nullopt;
        found.end = raw.position() - in.size();
        break;
      }
      if (step.consumed == 0 && step.produced == 0 && raw.position() == pack.end) return std::nullopt;
    }
    if (whole) found.id = sha.finish();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt) throw;
    return std::nullopt;
  }
  found.crc = crc_of(pack, offset, found.end);
  return found;
}

/// Where at or behind `from` an entry could begin: a known type, and somewhere behind it the head of a zlib stream.
class Candidates {
 public:
  explicit Candidates(const OpenPack& pack) : pack_(pack) {}
  std::uint64_t next(std::uint64_t from) {
    for (std::uint64_t at = from; at < pack_.end; ++at) {
      const unsigned first = byte(at);
      const unsigned type = first >> 4 & 7;
      if (type == 0 || type == 5) continue;
      std::uint64_t data = at + 1;
      while (data < pack_.end && data - at < 10 && (byte(data - 1) & 128) != 0) ++data;
      if (type == 7) data += Oid::size;
      if (type == 6)
        while (data + 1 < pack_.end && (byte(data++) & 128) != 0) {
        }
      if (data + 1 < pack_.end && (byte(data) & 15) == 8 && (byte(data) << 8 | byte(data + 1)) % 31 == 0) return at;
    }
    return pack_.end;
  }

 private:
  unsigned byte(std::uint64_t at) {
    if (at < start_ || at >= start_ + bytes_.size()) {
      bytes_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(1 << 20, pack_.end - at)));
      const std::size_t got = read_at(pack_, at, std::as_writable_bytes(std::span(bytes_)));
      std::fill(bytes_.begin() + static_cast<std::ptrdiff_t>(got), bytes_.end(), std::uint8_t{0});
      start_ = at;
    }
    return bytes_[static_cast<std::size_t>(at - start_)];
  }
  const OpenPack& pack_;
  std::vector<std::uint8_t> bytes_;
  std::uint64_t start_ = 0;
};

}  // namespace

std::shared_ptr<OpenPack> open_pack(const fs::path& path) {
  auto pack = std::make_shared<OpenPack>();
  pack->path = path;
  pack->fd = base::open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  struct stat status {};
  if (::fstat(pack->fd.get(), &status) != 0) base::throw_errno(errno, "read", path);
  if (!S_ISREG(status.st_mode) || status.st_size < static_cast<off_t>(head_size + Oid::size))
    throw damaged(*pack, "it is cut short");
  pack->end = static_cast<std::uint64_t>(status.st_size) - Oid::size;
  return pack;
}

std::optional<Oid> checked_trailer(const OpenPack& pack, const Context& context) {
  digest::Sha1 sha;
  Stretch all(pack, 0, pack.end);
  for (auto piece = all.next(); !piece.empty(); piece = all.next()) {
    context.cancel->check();
    sha.update(piece);
  }
  std::array<std::uint8_t, Oid::size> trailer{};
  Stretch end(pack, pack.end, pack.end + Oid::size);
  const base::ConstBytes bytes = end.next();
  if (bytes.size() != trailer.size()) return std::nullopt;
  for (std::size_t i = 0; i < trailer.size(); ++i) trailer.at(i) = std::to_integer<std::uint8_t>(bytes[i]);
  const Oid checksum(trailer);
  return sha.finish() == checksum ? std::optional(checksum) : std::nullopt;
}

std::optional<std::uint32_t> entry_count(const OpenPack& pack) {
  Stretch start(pack, 0, head_size);
  const std::string_view text = base::text_of(start.next());
  if (text.size() != head_size || !text.starts_with(std::string_view("PACK\0\0\0\2", 8))) return std::nullopt;
  std::uint32_t count = 0;
  for (const char byte : text.substr(8)) count = count << 8 | static_cast<unsigned char>(byte);
  return count;
}

std::vector<ScannedEntry> scan_entries(const OpenPack& pack, ScanKind kind, const Context& context) {
  std::vector<ScannedEntry> entries;
  Inflater inflater(ZlibEngine::zlib);
  Candidates candidates(pack);
  for (std::uint64_t offset = head_size; offset < pack.end;) {
    context.cancel->check();
    if (const auto found = scan_entry(pack, offset, inflater)) {
      entries.push_back(*found);
      offset = found->end;
    } else if (kind == ScanKind::strict) {
      break;
    } else {
      offset = candidates.next(offset + 1);
    }
  }
  return entries;
}

EntryReader::EntryReader(std::shared_ptr<const OpenPack> pack, FindBase find_base)
    : pack_(std::move(pack)), find_base_(std::move(find_base)) {}

std::shared_ptr<const Object> EntryReader::remembered(std::uint64_t offset) {
  const auto place = places_.find(offset);
  if (place == places_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, place->second);
  return place->second->second;
}

std::shared_ptr<const Object> EntryReader::remember(std::uint64_t offset, Object object) {
  auto held = std::make_shared<const Object>(std::move(object));
  if (held->content.size() > largest_remembered) return held;
  recent_.emplace_front(offset, held);
  places_[offset] = recent_.begin();
  held_ += held->content.size() + 100;
  while (held_ > memory) {
    held_ -= recent_.back().second->content.size() + 100;
    places_.erase(recent_.back().first);
    recent_.pop_back();
  }
  return held;
}

std::shared_ptr<const Object> EntryReader::read(std::uint64_t offset) {
  struct Delta {
    std::uint64_t offset;
    PackEntry entry;
  };
  const auto inflate = [&](const PackEntry& entry) {
    if (entry.size > object_limit) throw Error(ErrorCode::refused, "an object is too large for a delta");
    EntryStream stream(pack_, entry);
    return base::read_all(stream, object_limit);
  };
  std::vector<Delta> deltas;
  std::shared_ptr<const Object> made;
  for (std::uint64_t at = offset; !(made = remembered(at));) {
    const PackEntry entry = read_entry(*pack_, at);
    if (entry.kind == EntryKind::whole) {
      made = remember(at, {entry.type, inflate(entry)});
      break;
    }
    if (deltas.size() >= depth_limit) throw damaged(*pack_, "its deltas have no end");
    deltas.push_back({at, entry});
    if (entry.kind == EntryKind::offset_delta) {
      at = entry.base_offset;
      continue;
    }
    const auto base = find_base_(entry.base_id);
    if (!base) throw damaged(*pack_, "the base " + entry.base_id.hex() + " of a delta is not in it");
    at = *base;
  }
  std::uint64_t work = made->content.size();
  for (; !deltas.empty(); deltas.pop_back()) {
    Object next{made->type, apply_delta(made->content, inflate(deltas.back().entry), object_limit)};
    work += next.content.size();
    if (work > work_limit) throw Error(ErrorCode::refused, "its deltas are too much work");
    made = remember(deltas.back().offset, std::move(next));
  }
  return made;
}

std::pair<Oid, ObjectHeader> EntryReader::identify(std::uint64_t offset) {
  digest::Sha1 sha;
  const PackEntry entry = read_entry(*pack_, offset);
  if (entry.kind != EntryKind::whole) has_deltas_ = true;
  // What may be a base is remembered; where there are no deltas nothing is held.
  if (entry.kind == EntryKind::whole && (!has_deltas_ || entry.size > largest_remembered)) {
    sha.update(object_head(entry.type, entry.size));
    EntryStream stream(pack_, entry);
    base::drain(stream, [&](base::ConstBytes piece) { sha.update(piece); });
    return {sha.finish(), {entry.type, entry.size}};
  }
  const auto object = read(offset);
  sha.update(object_head(object->type, object->content.size()));
  return {sha.update(object->content).finish(), {object->type, object->content.size()}};
}

}  // namespace pod::git
