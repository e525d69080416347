#include "git/index_rebuild.hpp"

#include "base/files.hpp"
#include "digest/digest.hpp"
#include "git/inflate.hpp"
#include "git/loose.hpp"
#include "git/pack_file.hpp"
#include "git/pack_index.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

namespace pod::git {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t head_size = 12;

/// The bytes from `from` to `to` of a pack, in pieces.
class Stretch {
 public:
  Stretch(const OpenPack& pack, std::uint64_t from, std::uint64_t to)
      : pack_(pack), at_(from), to_(to), buffer_(256 * std::size_t{1024}) {}
  /// Empty at the end, and where the file is shorter than it was.
  base::ConstBytes next() {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), to_ - at_));
    ssize_t got = 0;
    do got = ::pread(pack_.fd.get(), buffer_.data(), want, static_cast<off_t>(at_));
    while (got < 0 && errno == EINTR);
    if (got < 0) base::throw_errno(errno, "read", pack_.path);
    at_ += static_cast<std::uint64_t>(got);
    return std::span(buffer_).first(static_cast<std::size_t>(got));
  }
  std::uint64_t position() const noexcept { return at_; }

 private:
  const OpenPack& pack_;
  std::uint64_t at_;
  std::uint64_t to_;
  std::vector<std::byte> buffer_;
};

/// The trailer, where the bytes before it have that SHA-1.
std::optional<Oid> checked_trailer(const OpenPack& pack) {
  digest::Sha1 sha;
  Stretch all(pack, 0, pack.end);
  for (auto piece = all.next(); !piece.empty(); piece = all.next()) sha.update(piece);
  std::array<std::uint8_t, Oid::size> trailer{};
  Stretch end(pack, pack.end, pack.end + Oid::size);
  const base::ConstBytes bytes = end.next();
  if (bytes.size() != trailer.size()) return std::nullopt;
  for (std::size_t i = 0; i < trailer.size(); ++i) trailer.at(i) = std::to_integer<std::uint8_t>(bytes[i]);
  const Oid checksum(trailer);
  return sha.finish() == checksum ? std::optional(checksum) : std::nullopt;
}

/// How many entries the head claims.
std::optional<std::uint32_t> entry_count(const OpenPack& pack) {
  Stretch start(pack, 0, head_size);
  const base::ConstBytes head = start.next();
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (text.size() != head_size || !text.starts_with(std::string_view("PACK\0\0\0\2", 8))) return std::nullopt;
  std::uint32_t count = 0;
  for (const char byte : text.substr(8)) count = count << 8 | static_cast<unsigned char>(byte);
  return count;
}

std::uint32_t crc_of(const OpenPack& pack, std::uint64_t from, std::uint64_t to) {
  uLong crc = 0;
  Stretch raw(pack, from, to);
  for (auto piece = raw.next(); !piece.empty(); piece = raw.next())
    crc = ::crc32_z(crc, reinterpret_cast<const Bytef*>(piece.data()), piece.size());
  return static_cast<std::uint32_t>(crc);
}

/// The entry at `offset`, and where the next one begins. zlib's inflate, since it ends exactly where the stream does.
std::optional<std::pair<IndexEntry, std::uint64_t>> index_entry(const OpenPack& pack, std::uint64_t offset,
                                                                Inflater& inflater) {
  const PackEntry entry = read_entry(pack, offset);
  if (entry.kind != EntryKind::whole) return std::nullopt;
  digest::Sha1 sha;
  sha.update(object_head(entry.type, entry.size));
  std::vector<std::byte> out(64 * std::size_t{1024});
  Stretch raw(pack, entry.data, pack.end);
  inflater.start();
  std::uint64_t made = 0;
  for (base::ConstBytes in;;) {
    if (in.empty()) in = raw.next();
    const Inflater::Step step = inflater.step(in, out);
    in = in.subspan(step.consumed);
    sha.update(std::span(out).first(step.produced));
    made += step.produced;
    if (made > entry.size) return std::nullopt;
    if (step.done) {
      if (made != entry.size) return std::nullopt;
      const std::uint64_t end = raw.position() - in.size();
      return std::pair(IndexEntry{sha.finish(), crc_of(pack, offset, end), offset}, end);
    }
    if (step.consumed == 0 && step.produced == 0 && raw.position() == pack.end) return std::nullopt;
  }
}

}  // namespace

bool rebuild_index(const fs::path& path) {
  OpenPack pack{base::open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), path, 0};
  struct stat status {};
  if (::fstat(pack.fd.get(), &status) != 0) base::throw_errno(errno, "read", path);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (!S_ISREG(status.st_mode) || size < head_size + Oid::size) return false;
  pack.end = size - Oid::size;
  const auto count = entry_count(pack);
  const auto checksum = checked_trailer(pack);
  if (!count || !checksum) return false;

  std::vector<IndexEntry> entries;
  try {
    Inflater inflater(ZlibEngine::zlib);
    std::uint64_t offset = head_size;
    for (std::uint32_t i = 0; i < *count; ++i) {
      const auto found = index_entry(pack, offset, inflater);
      if (!found) return false;
      entries.push_back(found->first);
      offset = found->second;
    }
    if (offset != pack.end) return false;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::corrupt) return false;
    throw;
  }
  base::write_file_atomically(fs::path(path).replace_extension(".idx"), encode_index(entries, *checksum), 0444);
  return true;
}

}  // namespace pod::git
