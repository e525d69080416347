#include "git/pack_index.hpp"

#include "base/files.hpp"
#include "digest/digest.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <algorithm>
#include <cerrno>
#include <cstring>

namespace pod::git {
namespace {

constexpr std::string_view magic{"\377tOc\0\0\0\2", 8};
constexpr std::size_t fan_at = 8;
constexpr std::size_t ids_at = fan_at + 256 * 4;
constexpr std::size_t entry_size = Oid::size + 4 + 4;
constexpr std::size_t trailer_size = 2 * Oid::size;
constexpr std::uint32_t long_offset_flag = 0x80000000u;

std::uint32_t number(const unsigned char* at) noexcept {
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3];
}

Oid id_at(const unsigned char* at) noexcept {
  std::array<std::uint8_t, Oid::size> bytes{};
  std::copy_n(at, Oid::size, bytes.begin());
  return Oid(bytes);
}

void append_number(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 255);
}

void append_id(std::string& out, const Oid& id) {
  out.append(reinterpret_cast<const char*>(id.bytes().data()), Oid::size);
}

}  // namespace

std::unique_ptr<PackIndex> PackIndex::open(const std::filesystem::path& file) {
  const auto damaged = [&](std::string_view why) {
    return Error(ErrorCode::corrupt, "the pack index " + quote(file.native()) + " is damaged")
        .because(std::string(why));
  };
  const base::Fd fd = base::open_file(file, O_RDONLY | O_NOFOLLOW);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) base::throw_errno(errno, "read", file);
  if (!S_ISREG(status.st_mode)) throw damaged("it is no regular file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size < ids_at + trailer_size) throw damaged("it is cut short");
  void* map = ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (map == MAP_FAILED) base::throw_errno(errno, "read", file);
  std::unique_ptr<PackIndex> index(
      new PackIndex(static_cast<const unsigned char*>(map), static_cast<std::size_t>(size)));

  if (std::memcmp(index->data_, magic.data(), magic.size()) != 0)
    throw damaged("it does not start as a version 2 index");
  std::uint32_t before = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::uint32_t here = index->fan(byte);
    if (here < before) throw damaged("its fan-out goes down");
    before = here;
  }
  index->count_ = before;
  const std::uint64_t fixed = ids_at + std::uint64_t{before} * entry_size + trailer_size;
  if (size < fixed || (size - fixed) % 8 != 0 || (size - fixed) / 8 > before)
    throw damaged("its size does not fit its count");
  index->long_offsets_ = static_cast<std::uint32_t>((size - fixed) / 8);
  return index;
}

PackIndex::~PackIndex() { ::munmap(const_cast<unsigned char*>(data_), size_); }

std::uint32_t PackIndex::fan(unsigned byte) const noexcept { return number(data_ + fan_at + std::size_t{byte} * 4); }

void PackIndex::verify() const {
  digest::Sha1 sha;
  sha.update(std::as_bytes(std::span(data_, size_ - Oid::size)));
  if (sha.finish() != id_at(data_ + size_ - Oid::size))
    throw Error(ErrorCode::corrupt, "the checksum of the index is wrong");
  // A right checksum does not make a right index: somebody may have computed it over a wrong one.
  for (std::uint32_t i = 0; i < count_; ++i) {
    const unsigned char* at = data_ + ids_at + std::size_t{i} * Oid::size;
    const unsigned first = *at;
    if ((i > 0 && std::memcmp(at - Oid::size, at, Oid::size) >= 0) || i >= fan(first) ||
        (first > 0 && i < fan(first - 1)))
      throw Error(ErrorCode::corrupt, "the ids of the index are out of order");
  }
}

std::optional<std::uint32_t> PackIndex::find(const Oid& id) const noexcept {
  const unsigned first = id.bytes()[0];
  std::uint32_t low = first == 0 ? 0 : fan(first - 1);
  std::uint32_t high = fan(first);
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    const int order = std::memcmp(data_ + ids_at + std::size_t{middle} * Oid::size, id.bytes().data(), Oid::size);
    if (order == 0) return middle;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return std::nullopt;
}

std::pair<std::uint32_t, std::uint32_t> PackIndex::range(const Oid& prefix, std::size_t digits) const noexcept {
  std::array<std::uint8_t, Oid::size> lowest{};
  std::array<std::uint8_t, Oid::size> highest{};
  for (std::size_t digit = 0; digit < 2 * Oid::size; ++digit) {
    const unsigned shift = digit % 2 == 0 ? 4 : 0;
    const unsigned byte = prefix.bytes()[digit / 2];
    const unsigned given = byte >> shift & 15u;
    lowest[digit / 2] = static_cast<std::uint8_t>(lowest[digit / 2] | (digit < digits ? given : 0u) << shift);
    highest[digit / 2] = static_cast<std::uint8_t>(highest[digit / 2] | (digit < digits ? given : 15u) << shift);
  }
  const auto first_not = [&](auto before) {
    std::uint32_t low = 0;
    std::uint32_t high = count_;
    while (low < high) {
      const std::uint32_t middle = low + (high - low) / 2;
      if (before(data_ + ids_at + std::size_t{middle} * Oid::size))
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  };
  return {first_not([&](const unsigned char* at) { return std::memcmp(at, lowest.data(), Oid::size) < 0; }),
          first_not([&](const unsigned char* at) { return std::memcmp(at, highest.data(), Oid::size) <= 0; })};
}

Oid PackIndex::id(std::uint32_t position) const noexcept {
  return id_at(data_ + ids_at + std::size_t{position} * Oid::size);
}

std::uint32_t PackIndex::crc(std::uint32_t position) const noexcept {
  return number(data_ + ids_at + std::size_t{count_} * Oid::size + std::size_t{position} * 4);
}

std::optional<std::uint64_t> PackIndex::offset(std::uint32_t position) const noexcept {
  const unsigned char* offsets = data_ + ids_at + std::size_t{count_} * (Oid::size + 4);
  const std::uint32_t value = number(offsets + std::size_t{position} * 4);
  if ((value & long_offset_flag) == 0) return value;
  const std::uint32_t place = value & ~long_offset_flag;
  if (place >= long_offsets_) return std::nullopt;
  const unsigned char* at = offsets + std::size_t{count_} * 4 + std::size_t{place} * 8;
  return std::uint64_t{number(at)} << 32 | number(at + 4);
}

Oid PackIndex::pack_checksum() const noexcept { return id_at(data_ + size_ - trailer_size); }

std::string encode_index(std::vector<IndexEntry>& entries, const Oid& pack_checksum) {
  std::sort(entries.begin(), entries.end(), [](const IndexEntry& a, const IndexEntry& b) { return a.id < b.id; });
  std::string out;
  out.reserve(ids_at + entries.size() * entry_size + trailer_size);
  out += magic;
  std::size_t at = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    while (at < entries.size() && entries[at].id.bytes()[0] <= byte) ++at;
    append_number(out, at, 4);
  }
  for (const IndexEntry& entry : entries) append_id(out, entry.id);
  for (const IndexEntry& entry : entries) append_number(out, entry.crc, 4);
  std::string long_offsets;
  for (const IndexEntry& entry : entries) {
    if (entry.offset < long_offset_flag) {
      append_number(out, entry.offset, 4);
    } else {
      append_number(out, long_offset_flag | long_offsets.size() / 8, 4);
      append_number(long_offsets, entry.offset, 8);
    }
  }
  out += long_offsets;
  append_id(out, pack_checksum);
  append_id(out, digest::Sha1().update(out).finish());
  return out;
}

}  // namespace pod::git
