#include "archive/tar_stream.hpp"

#include "archive/verdict.hpp"
#include "archive/zstd_source.hpp"

#include <libpod/error.hpp>

#include "base/ascii.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace pod::archive {
namespace {

constexpr std::size_t block_size = 512;
constexpr std::size_t record_limit = 16 << 10;       // a pax header or a GNU long name
constexpr std::uint64_t padding_limit = 1ull << 20;  // zeros behind the end blocks

using Block = std::array<std::byte, block_size>;

/// What pax records and GNU long names say about the next entry.
struct Extension {
  std::optional<std::string> path;
  std::optional<std::uint64_t> size;
};

class TarStream final : public base::ByteSource {
 public:
  TarStream(const PositionedFile& file, const Limits& limits, const CancelToken& cancel)
      : file_(file), budget_(limits, file.path()), bytes_(file, cancel) {}

  /// The next file or folder; skips what is left of the one before. nullopt at the end, which has been checked.
  std::optional<Entry> next();
  std::size_t read(std::span<std::byte> buffer) override;

 private:
  [[noreturn]] void lie(const std::string& reason) const { corrupt(file_.path(), reason); }
  [[noreturn]] void unsafe(std::string_view name, const std::string& reason) const {
    refuse(file_.path(), "entry " + quote(name) + " " + reason);
  }

  void fill(std::span<std::byte> bytes);
  void skip(std::uint64_t count);
  void skip_contents();
  void count_contents(std::uint64_t count);
  void check_end();
  void check_sum(const Block& block) const;
  std::string_view text(const Block& block, std::size_t at, std::size_t size) const;
  std::uint64_t number(const Block& block, std::size_t at, std::size_t size) const;
  std::string name_of(const Block& block) const;
  std::string read_record(std::uint64_t size);
  void apply_pax(std::string_view records, bool global, Extension& extension) const;
  std::optional<Entry> entry_of(const Block& block, const Extension& extension);

  const PositionedFile& file_;
  Budget budget_;
  ZstdSource bytes_;
  std::uint64_t left_ = 0;      // of the current file
  std::uint64_t padding_ = 0;   // behind it
  std::uint64_t contents_ = 0;  // of all files so far
};

void TarStream::fill(std::span<std::byte> bytes) {
  if (read_fully(bytes_, bytes) != bytes.size()) lie("it is cut short");
}

void TarStream::skip(std::uint64_t count) {
  Block block{};
  for (std::uint64_t step = 0; count != 0; count -= step) {
    step = std::min<std::uint64_t>(count, block.size());
    fill(std::span(block).first(static_cast<std::size_t>(step)));
  }
}

void TarStream::skip_contents() {
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(left_, 128 << 10)));
  while (left_ != 0) read(buffer);
}

/// Headers do not count: a tar of many small files is mostly headers, which shrink to nearly nothing.
void TarStream::count_contents(std::uint64_t count) {
  contents_ += count;
  budget_.check_ratio(contents_, bytes_.consumed());
}

std::size_t TarStream::read(std::span<std::byte> buffer) {
  const auto wanted = buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left_)));
  if (wanted.empty()) return 0;
  const std::size_t count = bytes_.read(wanted);
  if (count == 0) lie("it is cut short");
  count_contents(count);
  left_ -= count;
  return count;
}

bool is_zero(const Block& block) {
  return std::all_of(block.begin(), block.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

std::optional<Entry> TarStream::next() {
  skip_contents();
  skip(std::exchange(padding_, 0));
  Extension extension;
  bool pending = false;  // records without their entry
  for (;;) {
    Block block{};
    fill(block);
    if (is_zero(block)) {
      if (pending) lie("it ends after the header of an entry");
      check_end();
      return std::nullopt;
    }
    check_sum(block);
    const char type = static_cast<char>(block[156]);
    if (type == 'x' || type == 'g') {
      apply_pax(read_record(number(block, 124, 12)), type == 'g', extension);
      pending = pending || type == 'x';
    } else if (type == 'L') {
      std::string path = read_record(number(block, 124, 12));
      path.resize(std::min(path.find('\0'), path.size()));
      if (extension.path) unsafe(path, "has two long names");
      extension.path = std::move(path);
      pending = true;
    } else if (auto entry = entry_of(block, extension)) {
      return entry;
    } else {
      extension = {};
      pending = false;
    }
  }
}

void TarStream::check_end() {
  Block block{};
  fill(block);
  if (!is_zero(block)) lie("it has one end block where there must be two");
  std::uint64_t padding = 0;
  while (const std::size_t count = bytes_.read(block)) {
    padding += count;
    const auto seen = std::span(block).first(count);
    const bool zero = std::all_of(seen.begin(), seen.end(), [](std::byte byte) { return byte == std::byte{0}; });
    if (!zero || padding > padding_limit) lie("other data follows its end");
  }
}

void TarStream::check_sum(const Block& block) const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < block_size; ++i) sum += i >= 148 && i < 156 ? 0x20u : static_cast<std::uint8_t>(block[i]);
  if (sum != number(block, 148, 8)) lie("a header has a wrong checksum");
}

std::string_view TarStream::text(const Block& block, std::size_t at, std::size_t size) const {
  const std::string_view field = base::text_of(std::span(block).subspan(at, size));
  return field.substr(0, field.find('\0'));
}

/// Octal digits, or GNU's binary form where the first bit is set.
std::uint64_t TarStream::number(const Block& block, std::size_t at, std::size_t size) const {
  const auto field = std::span(block).subspan(at, size);
  std::uint64_t value = 0;
  if ((field[0] & std::byte{0x80}) != std::byte{0}) {
    if (field[0] != std::byte{0x80}) lie("a header has a negative or too large number");
    for (const std::byte byte : field.subspan(1)) {
      if (value >> 56 != 0) lie("a header has a negative or too large number");
      value = value << 8 | static_cast<std::uint8_t>(byte);
    }
    return value;
  }
  std::string_view digits = text(block, at, size);
  while (digits.starts_with(' ')) digits.remove_prefix(1);
  while (digits.ends_with(' ')) digits.remove_suffix(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
  if (!digits.empty() && (error != std::errc() || end != digits.data() + digits.size()))
    lie("a header has a damaged number");
  return value;
}

std::string TarStream::name_of(const Block& block) const {
  std::string name(text(block, 0, 100));
  // Only POSIX's magic, which ends in NUL, has a prefix; GNU keeps other things there.
  const bool posix = base::text_of(std::span(block).subspan(257, 6)) == std::string_view("ustar\0", 6);
  const std::string_view prefix = posix ? text(block, 345, 155) : std::string_view();
  return prefix.empty() ? name : std::string(prefix) + "/" + name;
}

std::string TarStream::read_record(std::uint64_t size) {
  if (size > record_limit)
    refuse(file_.path(), "a header extension has more than " + std::to_string(record_limit) + " bytes");
  std::string record(static_cast<std::size_t>(size), '\0');
  fill(std::as_writable_bytes(std::span(record)));
  skip((block_size - size % block_size) % block_size);
  return record;
}

/// Records are "<length> <key>=<value>\n", the length counting all of it.
void TarStream::apply_pax(std::string_view records, bool global, Extension& extension) const {
  while (!records.empty()) {
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(records.data(), records.data() + records.size(), length);
    const std::size_t digits = static_cast<std::size_t>(end - records.data());
    const bool whole = error == std::errc() && digits < records.size() && records[digits] == ' ' &&
                       length > digits + 2 && length <= records.size() && records[length - 1] == '\n';
    if (!whole) lie("a pax record is damaged");
    const std::string_view record = records.substr(digits + 1, length - digits - 2);
    records.remove_prefix(length);
    const auto equals = record.find('=');
    if (equals == std::string_view::npos) lie("a pax record is damaged");
    const std::string_view key = record.substr(0, equals);
    const std::string_view value = record.substr(equals + 1);
    if (key.starts_with("GNU.sparse") || key == "SCHILY.realsize") refuse(file_.path(), "it holds a sparse file");
    if (key != "path" && key != "size") continue;
    if (global) refuse(file_.path(), "a global header sets the " + std::string(key) + " of its entries");
    if (key == "path") {
      if (extension.path) unsafe(value, "has two long names");
      extension.path = value;
    } else {
      std::uint64_t size = 0;
      const auto parsed = std::from_chars(value.data(), value.data() + value.size(), size);
      if (extension.size || parsed.ec != std::errc() || parsed.ptr != value.data() + value.size())
        lie("a pax record is damaged");
      extension.size = size;
    }
  }
}

/// nullopt for the root folder, "./", which `tar -C folder .` writes.
std::optional<Entry> TarStream::entry_of(const Block& block, const Extension& extension) {
  std::string name = extension.path.value_or(name_of(block));
  const char type = static_cast<char>(block[156]);
  if (type != '0' && type != '\0' && type != '5') unsafe(name, "is neither a file nor a folder");
  const bool folder = type == '5' || name.ends_with('/');
  std::uint64_t size = number(block, 124, 12);
  if (extension.size) {
    // Where a size needs a record, writers leave nothing or the largest octal number in the field.
    if (size != 0 && size != 077777777777 && size != *extension.size) lie("entry " + quote(name) + " has two sizes");
    size = *extension.size;
  }
  if (folder && size != 0) unsafe(name, "is a folder with contents");
  budget_.add_entry(size, name.size());
  if (folder && name.ends_with('/')) name.pop_back();
  if (folder && name == ".") return std::nullopt;
  if (name.starts_with("./")) name.erase(0, 2);
  left_ = size;
  padding_ = (block_size - size % block_size) % block_size;
  const unsigned mode = static_cast<unsigned>(number(block, 100, 8) & 0777);
  return Entry{.path = checked_path(name, file_.path()), .size = size, .folder = folder, .mode = mode};
}

}  // namespace

std::vector<Entry> check_tar(const PositionedFile& file, const Limits& limits, const CancelToken& cancel) {
  std::vector<Entry> entries;
  TarStream stream(file, limits, cancel);
  while (auto entry = stream.next()) entries.push_back(std::move(*entry));
  refuse_clashes(entries, file.path());
  return entries;
}

void visit_tar(const PositionedFile& file, const std::vector<Entry>& entries, const Limits& limits,
               const CancelToken& cancel, const FileVisitor& visit) {
  TarStream stream(file, limits, cancel);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto entry = stream.next();
    if (!entry || entry->path != entries[i].path || entry->size != entries[i].size ||
        entry->folder != entries[i].folder)
      corrupt(file.path(), "entry " + quote(entries[i].path.str()) + " changed while it was read");
    if (!entry->folder && !visit(i, stream)) return;
  }
  if (stream.next()) corrupt(file.path(), "it grew while it was read");
}

}  // namespace pod::archive
