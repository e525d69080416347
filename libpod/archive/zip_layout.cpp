#include "archive/zip_layout.hpp"

#include "archive/little_endian.hpp"
#include "archive/verdict.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <utility>

namespace pod::archive {
namespace {

constexpr std::uint32_t local_signature = 0x04034b50;
constexpr std::uint32_t central_signature = 0x02014b50;
constexpr std::uint32_t descriptor_signature = 0x08074b50;
constexpr std::uint32_t end_signature = 0x06054b50;
constexpr std::uint32_t end64_signature = 0x06064b50;
constexpr std::uint32_t locator_signature = 0x07064b50;

constexpr std::size_t local_size = 30;
constexpr std::size_t central_size = 46;
constexpr std::size_t end_size = 22;
constexpr std::size_t end64_size = 56;
constexpr std::size_t locator_size = 20;

constexpr std::uint16_t max16 = 0xffff;
constexpr std::uint32_t max32 = 0xffffffff;

// libarchive looks for the end record in the last 16 KiB; a comment this long keeps both views the same.
constexpr std::size_t comment_limit = 4096;
// Some writers leave a few bytes between entries; more than this could hide something.
constexpr std::uint64_t gap_limit = 64;

constexpr unsigned encrypted_flags = 1u << 0 | 1u << 6 | 1u << 13;
constexpr unsigned patch_flag = 1u << 5;
constexpr unsigned descriptor_flag = 1u << 3;
constexpr unsigned compression_hints = 1u << 1 | 1u << 2;  // how hard the writer tried; says nothing to a reader

struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t entries = 0;
};

/// What the directory says of an entry, beside its name.
struct Claim {
  std::uint64_t header = 0;
  std::uint64_t stored = 0;
  std::uint64_t size = 0;
  std::uint32_t crc = 0;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t index = 0;  // in the directory
};

/// The fields of a header that a zip64 extra field may replace.
struct Sizes {
  std::uint64_t size = 0;
  std::uint64_t stored = 0;
  std::uint64_t header = 0;
};

class ZipChecker {
 public:
  ZipChecker(const PositionedFile& file, const Limits& limits, const CancelToken& cancel)
      : file_(file), cancel_(cancel), limits_(limits), budget_(limits, file.path()) {}

  std::vector<Entry> check() {
    find_directory();
    read_directory();
    check_local_headers();
    refuse_clashes(entries_, file_.path());
    return std::move(entries_);
  }

 private:
  [[noreturn]] void lie(const std::string& reason) const { corrupt(file_.path(), reason); }
  [[noreturn]] void lie(std::string_view name, const std::string& reason) const {
    corrupt(file_.path(), "entry " + quote(name) + " " + reason);
  }
  [[noreturn]] void unsafe(std::string_view name, const std::string& reason) const {
    refuse(file_.path(), "entry " + quote(name) + " " + reason);
  }

  void find_directory();
  std::optional<Directory> find_directory64(std::uint64_t end_offset) const;
  void read_directory();
  void read_central(LittleEndian header, std::string_view name, LittleEndian extra);
  void check_local_headers();
  std::uint64_t check_local(const Claim& claim, const Entry& entry, std::uint64_t limit) const;
  std::uint64_t skip_descriptor(const Claim& claim, std::string_view name, std::uint64_t at, std::uint64_t limit) const;
  void read_extra(LittleEndian extra, std::string_view name, bool local, Sizes& sizes) const;

  const PositionedFile& file_;
  const CancelToken& cancel_;
  const Limits& limits_;
  Budget budget_;
  std::uint64_t stored_total_ = 0;
  Directory directory_;
  std::vector<Entry> entries_;
  std::vector<Claim> claims_;
};

void ZipChecker::find_directory() {
  const std::size_t tail_size =
      static_cast<std::size_t>(std::min<std::uint64_t>(file_.size(), end_size + comment_limit));
  std::vector<std::byte> tail(tail_size);
  const std::uint64_t tail_offset = file_.size() - tail_size;
  file_.read_at(tail_offset, tail);
  const LittleEndian fields(tail);
  // The last signature is the one that counts: an end record inside a comment would be an archive within the archive.
  std::size_t at = tail_size;
  do {
    if (at == 0) lie("its end is missing: it is cut short, or other data follows");
    --at;
  } while (!fields.has(at, end_size) || fields.u32(at) != end_signature);
  if (fields.u16(at + 20) != tail_size - at - end_size) lie("other data follows its end");

  const std::uint64_t end_offset = tail_offset + at;
  std::uint64_t directory_end = end_offset;
  directory_ = {.offset = fields.u32(at + 16), .size = fields.u32(at + 12), .entries = fields.u16(at + 10)};
  const bool one_disk = fields.u16(at + 4) == 0 && fields.u16(at + 6) == 0;
  if (const auto directory64 = find_directory64(end_offset)) {
    const bool agrees = (directory_.offset == max32 || directory_.offset == directory64->offset) &&
                        (directory_.size == max32 || directory_.size == directory64->size) &&
                        (directory_.entries == max16 || directory_.entries == directory64->entries);
    if (!agrees) lie("its two end records disagree");
    directory_ = *directory64;
    directory_end = end_offset - locator_size - end64_size;
  } else if (!one_disk || fields.u16(at + 8) != fields.u16(at + 10)) {
    refuse(file_.path(), "it is one of several parts");
  }
  if (directory_.offset > directory_end || directory_.size != directory_end - directory_.offset)
    lie("its directory is not where its end says");
  if (directory_.entries > limits_.entries)
    refuse(file_.path(), "it has more than " + std::to_string(limits_.entries) + " entries");
  if (directory_.entries > directory_.size / central_size) lie("its directory is too short for its entries");
}

/// The zip64 end record, which stands right before its locator, which stands right before the end record.
std::optional<Directory> ZipChecker::find_directory64(std::uint64_t end_offset) const {
  if (end_offset < locator_size + end64_size) return std::nullopt;
  std::array<std::byte, end64_size + locator_size> bytes{};
  const std::uint64_t end64_offset = end_offset - bytes.size();
  file_.read_at(end64_offset, bytes);
  const LittleEndian end64 = LittleEndian(bytes).sub(0, end64_size);
  const LittleEndian locator = LittleEndian(bytes).sub(end64_size, locator_size);
  if (locator.u32(0) != locator_signature) return std::nullopt;
  if (end64.u32(0) != end64_signature || end64.u64(4) != end64_size - 12 || locator.u64(8) != end64_offset)
    lie("its zip64 end record is not where its locator says");
  if (locator.u32(4) != 0 || locator.u32(16) > 1 || end64.u32(16) != 0 || end64.u32(20) != 0 ||
      end64.u64(24) != end64.u64(32))
    refuse(file_.path(), "it is one of several parts");
  return Directory{.offset = end64.u64(48), .size = end64.u64(40), .entries = end64.u64(32)};
}

void ZipChecker::read_directory() {
  constexpr std::size_t largest = central_size + 3 * std::size_t{max16};
  const std::uint64_t end = directory_.offset + directory_.size;
  std::vector<std::byte> window(std::max<std::size_t>(largest, std::size_t{256} << 10));
  std::size_t begin = 0, filled = 0;
  std::uint64_t next = directory_.offset;  // what the window is filled from
  entries_.reserve(static_cast<std::size_t>(directory_.entries));
  claims_.reserve(static_cast<std::size_t>(directory_.entries));
  for (std::uint64_t i = 0; i < directory_.entries; ++i) {
    if (filled - begin < largest && next < end) {
      cancel_.check();
      std::copy(window.begin() + static_cast<std::ptrdiff_t>(begin),
                window.begin() + static_cast<std::ptrdiff_t>(filled), window.begin());
      filled -= begin;
      begin = 0;
      const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(window.size() - filled, end - next));
      file_.read_at(next, std::span(window).subspan(filled, count));
      filled += count;
      next += count;
    }
    const LittleEndian rest{std::span(window).subspan(begin, filled - begin)};
    if (!rest.has(0, central_size) || rest.u32(0) != central_signature)
      lie("entry " + std::to_string(i + 1) + " of its directory is missing");
    const std::size_t name_size = rest.u16(28), extra_size = rest.u16(30), comment_size = rest.u16(32);
    const std::size_t whole = central_size + name_size + extra_size + comment_size;
    if (!rest.has(0, whole)) lie("entry " + std::to_string(i + 1) + " of its directory is cut");
    read_central(rest.sub(0, central_size), rest.sub(central_size, name_size).text(),
                 rest.sub(central_size + name_size, extra_size));
    begin += whole;
  }
  if (begin != filled || next != end) lie("its directory holds more than its entries");
}

void ZipChecker::read_central(LittleEndian header, std::string_view name, LittleEndian extra) {
  const std::uint32_t attributes = header.u32(38);
  const unsigned type = attributes >> 16 & 0170000;
  const bool folder = name.ends_with('/');
  Claim claim{.crc = header.u32(16), .flags = header.u16(8), .method = header.u16(10)};
  claim.index = static_cast<std::uint32_t>(entries_.size());
  Sizes sizes{.size = header.u32(24), .stored = header.u32(20), .header = header.u32(42)};
  read_extra(extra, name, false, sizes);
  claim.header = sizes.header;
  claim.stored = sizes.stored;
  claim.size = sizes.size;

  if (header.u16(34) != 0) refuse(file_.path(), "it is one of several parts");
  if ((claim.flags & encrypted_flags) != 0) unsafe(name, "is encrypted");
  if ((claim.flags & patch_flag) != 0) unsafe(name, "is a patch of another file");
  if (claim.method != 0 && claim.method != 8)
    unsafe(name, "is compressed in a way that is not supported (method " + std::to_string(claim.method) + ")");
  if (type != 0 && type != 0040000 && type != 0100000) unsafe(name, "is a link or a device");
  if (type != 0 && (type == 0040000) != folder) unsafe(name, "is a file and a folder");
  if (folder && claim.size != 0) unsafe(name, "is a folder with contents");
  if (claim.method == 0 && claim.stored != claim.size) lie(name, "has two sizes");
  if (claim.size == 0 && claim.crc != 0) lie(name, "has a wrong checksum");
  if (claim.stored > file_.size()) lie(name, "is larger than the archive");
  budget_.add_entry(claim.size, name.size());
  stored_total_ += claim.stored;  // below 2^20 entries of at most the file's size

  // Without a file type the permission bits say nothing: Python writes 0600 there for names without a file behind them.
  const unsigned mode = type != 0 ? attributes >> 16 & 0777 : folder ? 0755 : 0644;
  if (folder) name.remove_suffix(1);
  entries_.push_back({.path = checked_path(name, file_.path()), .size = claim.size, .folder = folder, .mode = mode});
  claims_.push_back(claim);
}

/// Sizes that did not fit in 32 bits, and a second name that some tools would show instead.
void ZipChecker::read_extra(LittleEndian extra, std::string_view name, bool local, Sizes& sizes) const {
  bool seen64 = false;
  std::size_t at = 0;
  while (extra.has(at, 4)) {
    const unsigned id = extra.u16(at);
    const std::size_t count = extra.u16(at + 2);
    at += 4;
    if (!extra.has(at, count)) lie(name, "has a damaged extra field");
    const LittleEndian field = extra.sub(at, count);
    at += count;
    if (id == 0x0001) {
      if (std::exchange(seen64, true)) lie(name, "has its sizes twice");
      std::size_t used = 0;
      const auto take = [&](std::uint64_t& value) {
        if (value != max32) return;
        if (!field.has(used, 8)) lie(name, "has a damaged extra field");
        value = field.u64(used);
        used += 8;
      };
      take(sizes.size);
      take(sizes.stored);
      if (!local) take(sizes.header);
    } else if (id == 0x7075) {
      // version, CRC of the name in the header, the name in UTF-8
      if (!field.has(0, 5) || field.sub(5, count - 5).text() != name) unsafe(name, "has a second name");
    } else if (id == 0x6c78 || id == 0x756e) {
      // A mode in the local header; the second kind can name the target of a link.
      unsafe(name, "has attributes of a kind that is not supported");
    }
  }
  for (; at < extra.size(); ++at)  // padding of aligned archives
    if (extra.bytes()[at] != std::byte{0}) lie(name, "has a damaged extra field");
}

void ZipChecker::check_local_headers() {
  budget_.check_ratio(budget_.total(), stored_total_);
  std::sort(claims_.begin(), claims_.end(), [](const Claim& a, const Claim& b) { return a.header < b.header; });
  std::uint64_t end = 0;  // of the entry before
  for (std::size_t i = 0; i < claims_.size(); ++i) {
    if (i % 1024 == 0) cancel_.check();
    const Claim& claim = claims_[i];
    const Entry& entry = entries_[claim.index];
    const std::uint64_t limit = i + 1 < claims_.size() ? claims_[i + 1].header : directory_.offset;
    if (i == 0 && claim.header != 0) lie("other data stands before its first entry");
    if (claim.header < end || limit > directory_.offset) lie(entry.path.str(), "overlaps another one");
    if (claim.header - end > gap_limit) lie("other data stands before entry " + quote(entry.path.str()));
    end = check_local(claim, entry, limit);
  }
  if (directory_.offset - end > gap_limit || (claims_.empty() && directory_.offset != 0))
    lie("other data stands before its directory");

  std::vector<Entry> sorted;
  sorted.reserve(entries_.size());
  for (const Claim& claim : claims_) sorted.push_back(std::move(entries_[claim.index]));
  entries_ = std::move(sorted);
}

/// Compares the local header with the directory; the end of the entry, which is not beyond `limit`.
std::uint64_t ZipChecker::check_local(const Claim& claim, const Entry& entry, std::uint64_t limit) const {
  const std::string& shown = entry.path.str();
  std::array<std::byte, 512> first{};
  if (limit <= claim.header || limit - claim.header < local_size) lie(shown, "overlaps another one");
  const std::size_t available = static_cast<std::size_t>(std::min<std::uint64_t>(first.size(), limit - claim.header));
  file_.read_at(claim.header, std::span(first).first(available));
  const LittleEndian fixed{std::span(first).first(local_size)};
  if (fixed.u32(0) != local_signature) lie(shown, "is not where the directory says");
  const std::size_t name_size = fixed.u16(26), extra_size = fixed.u16(28);
  const std::size_t head = local_size + name_size + extra_size;
  if (limit - claim.header < head) lie(shown, "overlaps another one");
  std::vector<std::byte> long_head;
  base::ConstBytes bytes = first;
  if (head > available) {
    long_head.resize(head);
    file_.read_at(claim.header, long_head);
    bytes = long_head;
  }
  const LittleEndian header(bytes.first(head));

  const std::string_view name = header.sub(local_size, name_size).text();
  if (name != (entry.folder ? shown + '/' : shown)) lie(shown, "is called " + quote(name) + " in its own header");
  if (header.u16(8) != claim.method) lie(shown, "has two compression methods");
  if (((header.u16(6) ^ claim.flags) & ~compression_hints) != 0) lie(shown, "has two sets of flags");
  Sizes sizes{.size = header.u32(22), .stored = header.u32(18)};
  read_extra(header.sub(local_size + name_size, extra_size), name, true, sizes);
  const bool later = (claim.flags & descriptor_flag) != 0;  // the numbers follow the data, and may be left open here
  const auto open = [later](std::uint64_t value) { return later && (value == 0 || value == max32); };
  if (header.u32(14) != claim.crc && !(later && header.u32(14) == 0)) lie(shown, "has two checksums");
  if ((sizes.size != claim.size && !open(sizes.size)) || (sizes.stored != claim.stored && !open(sizes.stored)))
    lie(shown, "has two sizes");

  const std::uint64_t data = claim.header + head;
  if (claim.stored > limit - data) lie(shown, "overlaps another one");
  const std::uint64_t end = data + claim.stored;
  return later ? skip_descriptor(claim, shown, end, limit) : end;
}

/// CRC and sizes behind the data: with or without a signature, sizes of four or eight bytes. Writers differ and none
/// says which it used, so the form is the one whose numbers are right.
std::uint64_t ZipChecker::skip_descriptor(const Claim& claim, std::string_view name, std::uint64_t at,
                                          std::uint64_t limit) const {
  std::array<std::byte, 24> bytes{};
  const std::size_t available = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), limit - at));
  file_.read_at(at, std::span(bytes).first(available));
  const LittleEndian fields{std::span(bytes).first(available)};
  for (const bool wide : {true, false}) {
    for (const bool marked : {true, false}) {
      const std::size_t start = marked ? 4 : 0;
      const std::size_t length = start + 4 + (wide ? 16 : 8);
      if (!fields.has(0, length) || (marked && fields.u32(0) != descriptor_signature)) continue;
      const std::uint64_t stored = wide ? fields.u64(start + 4) : fields.u32(start + 4);
      const std::uint64_t size = wide ? fields.u64(start + 12) : fields.u32(start + 8);
      if (fields.u32(start) == claim.crc && stored == claim.stored && size == claim.size) return at + length;
    }
  }
  lie(name, "has no matching sizes behind its data");
}

}  // namespace

std::vector<Entry> check_zip(const PositionedFile& file, const Limits& limits, const CancelToken& cancel) {
  return ZipChecker(file, limits, cancel).check();
}

}  // namespace pod::archive
