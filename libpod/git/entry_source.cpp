#include "git/entry_source.hpp"

#include "git/deflate.hpp"

#include <libpod/error.hpp>

#include <unistd.h>
#include <algorithm>
#include <cerrno>

namespace pod::git {
namespace {

constexpr std::size_t piece_size = 1 << 20;

[[noreturn]] void damaged(const OpenPack& pack, const Oid& id) {
  throw Error(ErrorCode::corrupt, "the object " + id.hex() + " is damaged")
      .because("its bytes in the pack " + quote(pack.path.native()) + " are not those that the index knows");
}

}  // namespace

LyingEntry EntrySource::find(ObjectNumber number) const {
  const ObjectTable::Pack& pack = *table_.pack_of(number);
  LyingEntry entry;
  entry.pack = pack.file->open();
  std::tie(entry.start, entry.end) = table_.range_of(number);
  entry.head = read_entry(*entry.pack, entry.start);
  entry.crc = pack.file->index()->crc(table_.position_of(number));
  if (entry.end <= entry.head.data || entry.end > entry.pack->end) damaged(*entry.pack, table_.id(number));
  if (entry.head.kind == EntryKind::offset_delta)
    entry.base = table_.at(pack, entry.head.base_offset).value_or(no_object);
  else if (entry.head.kind == EntryKind::id_delta)
    entry.base = table_.find(entry.head.base_id).value_or(no_object);
  return entry;
}

void EntrySource::copy(const LyingEntry& entry, ObjectNumber number,
                       const std::function<void(std::string_view)>& sink) const {
  std::string piece;
  std::uint32_t crc = 0;
  for (std::uint64_t at = entry.start; at < entry.end;) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece_size, entry.end - at)));
    const ssize_t got = ::pread(entry.pack->fd.get(), piece.data(), piece.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) base::throw_errno(errno, "read", entry.pack->path);
    if (got == 0) damaged(*entry.pack, table_.id(number));
    std::string_view bytes = std::string_view(piece).substr(0, static_cast<std::size_t>(got));
    crc = crc32_of(crc, base::bytes_of(bytes));
    if (at < entry.head.data)
      bytes.remove_prefix(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), entry.head.data - at)));
    at += static_cast<std::uint64_t>(got);
    if (!bytes.empty()) sink(bytes);
  }
  if (crc != entry.crc) damaged(*entry.pack, table_.id(number));
}

}  // namespace pod::git
