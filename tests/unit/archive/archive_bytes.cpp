#include "archive_bytes.hpp"

#include "base/files.hpp"

#include <libpod/error.hpp>

#include <sys/mman.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>

namespace hostile {
namespace {

std::string le(std::uint64_t value, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

/// Deflate packs bits from the lowest; Huffman codes come with their highest bit first.
class Bits {
 public:
  void number(unsigned value, int count) {
    for (int i = 0; i < count; ++i) bit(value >> i & 1);
  }
  void code(unsigned value, int count) {
    for (int i = count; i-- > 0;) bit(value >> i & 1);
  }
  std::string bytes() const { return bytes_; }

 private:
  void bit(unsigned value) {
    if (used_ == 0) bytes_ += '\0';
    bytes_.back() = static_cast<char>(static_cast<unsigned char>(bytes_.back()) | value << used_);
    used_ = (used_ + 1) % 8;
  }
  std::string bytes_;
  int used_ = 0;
};

}  // namespace

std::string le16(std::uint64_t value) { return le(value, 2); }
std::string le32(std::uint64_t value) { return le(value, 4); }
std::string le64(std::uint64_t value) { return le(value, 8); }

std::uint32_t crc32(std::string_view bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> rows{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      rows[i] = i;
      for (int bit = 0; bit < 8; ++bit) rows[i] = rows[i] >> 1 ^ (rows[i] & 1 ? 0xedb88320u : 0u);
    }
    return rows;
  }();
  std::uint32_t crc = 0xffffffff;
  for (const char c : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return ~crc;
}

std::string deflated_zeros(std::uint64_t count) {
  Bits bits;
  bits.number(1, 1);  // the last block
  bits.number(1, 2);  // fixed codes
  for (; count > 0 && (count < 259); --count) bits.code(0x30, 8);
  if (count > 0) {
    bits.code(0x30, 8);
    --count;
    for (; count >= 258; count -= 258) {
      bits.code(0b11000101, 8);  // 258 bytes …
      bits.code(0, 5);           // … from one byte back
    }
    for (; count > 0; --count) bits.code(0x30, 8);
  }
  bits.code(0, 7);
  return bits.bytes();
}

std::string Zip::bytes() const {
  std::string out = before;
  std::string directory;
  for (const ZipEntry& entry : entries) {
    out += entry.gap;
    const std::uint64_t header = out.size();
    const std::uint32_t crc = entry.crc.value_or(crc32(entry.data));
    const std::uint64_t size = entry.size.value_or(entry.data.size());
    const std::uint64_t stored = entry.stored.value_or(entry.data.size());
    const std::string name = entry.local_name.value_or(entry.name);
    out += "PK\3\4" + le16(20) + le16(entry.local_flags.value_or(entry.flags)) +
           le16(entry.local_method.value_or(entry.method)) + le16(0) + le16(0x21) +
           le32(entry.local_crc.value_or(crc)) + le32(entry.local_stored.value_or(stored)) +
           le32(entry.local_size.value_or(size)) + le16(name.size()) + le16(entry.local_extra.size()) + name +
           entry.local_extra;
    out += entry.data + entry.descriptor;
    directory += "PK\1\2" + le16(3 << 8 | 20) + le16(20) + le16(entry.flags) + le16(entry.method) + le16(0) +
                 le16(0x21) + le32(crc) + le32(stored) + le32(size) + le16(entry.name.size()) +
                 le16(entry.central_extra.size()) + le16(entry.comment.size()) + le16(entry.disk.value_or(0)) +
                 le16(0) + le32(entry.attributes) + le32(entry.header.value_or(header)) + entry.name +
                 entry.central_extra + entry.comment;
  }
  out += before_directory;
  const std::uint64_t offset = out.size();
  out += directory + after_directory;
  if (zip64) {
    const std::uint64_t end64 = out.size();
    const std::uint64_t count_of_64 = count64.value_or(entries.size());
    out += "PK\6\6" + le64(44) + le16(45) + le16(45) + le32(0) + le32(0) + le64(count_of_64) + le64(count_of_64) +
           le64(directory.size()) + le64(offset64.value_or(offset));
    out += "PK\6\7" + le32(0) + le64(locator_offset.value_or(end64)) + le32(1);
  }
  const std::uint64_t entry_count = count.value_or(entries.size());
  out += "PK\5\6" + le16(0) + le16(0) + le16(count_here.value_or(entry_count)) + le16(entry_count) +
         le32(directory_size.value_or(directory.size())) + le32(directory_offset.value_or(offset)) +
         le16(comment.size());
  return out + comment + after;
}

std::string tar_header(const TarEntry& entry) {
  std::string block(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { block.replace(at, text.size(), text); };
  const auto octal = [](std::uint64_t value, std::size_t digits) {
    std::string text(digits, '0');
    for (std::size_t i = digits; i-- > 0; value >>= 3) text[i] = static_cast<char>('0' + (value & 7));
    return text;
  };
  put(0, entry.name.substr(0, 100));
  put(100, octal(entry.mode, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, entry.size_field.value_or(octal(entry.size.value_or(entry.data.size()), 11)));
  put(136, octal(0, 11));
  put(148, "        ");
  block[156] = entry.type;
  put(157, entry.link);
  put(257, entry.magic);
  put(345, entry.prefix);
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(148, octal(sum, 6) + std::string("\0 ", 2));
  return block;
}

std::string tar_entry(const TarEntry& entry) {
  return tar_header(entry) + entry.data + std::string((512 - entry.data.size() % 512) % 512, '\0');
}

std::string tar_end() { return std::string(1024, '\0'); }

std::string pax_record(const std::string& key, const std::string& value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length) ++length;
  return std::to_string(length) + " " + key + "=" + value + "\n";
}

std::string zst(std::string_view bytes) {
  // Magic, no checksum and no content size, a window of 128 KiB, then raw blocks.
  std::string out = le32(0xfd2fb528) + std::string("\0\x38", 2);
  constexpr std::size_t piece = 128 << 10;
  do {
    const std::string_view block = bytes.substr(0, piece);
    bytes.remove_prefix(block.size());
    out += le(block.size() << 3 | (bytes.empty() ? 1u : 0u), 3);
    out += block;
  } while (!bytes.empty());
  return out;
}

std::filesystem::path fresh_path(const std::string& ending) {
  static const pod::base::TempFolder folder(std::filesystem::temp_directory_path(), "unit-archive-");
  static int number = 0;
  return folder.path() / (std::to_string(number++) + ending);
}

std::filesystem::path file_with(std::string_view bytes) {
  // In memory: the damage tests make tens of thousands of files.
  static const pod::base::Fd memory(::memfd_create("archive", MFD_CLOEXEC));
  const std::filesystem::path path = "/proc/self/fd/" + std::to_string(memory.get());
  if (::ftruncate(memory.get(), 0) != 0 || ::lseek(memory.get(), 0, SEEK_SET) != 0)
    pod::base::throw_errno(errno, "empty", path);
  pod::base::write_all(memory.get(), pod::base::bytes_of(bytes), path);
  return path;
}

namespace {

std::map<std::string, std::string> read_everything(const std::string& bytes, const pod::archive::Limits& limits) {
  std::map<std::string, std::string> contents;
  pod::archive::Reader reader(file_with(bytes), limits, {});
  for (const auto& entry : reader.entries()) contents.emplace(entry.path.str() + (entry.folder ? "/" : ""), "");
  reader.for_each([&](const pod::archive::Entry& entry, pod::base::ByteSource& source) {
    contents.at(entry.path.str()) = pod::base::read_all(source, 1ull << 32);
  });
  return contents;
}

}  // namespace

std::string verdict_of(const std::string& bytes, const pod::archive::Limits& limits) {
  try {
    read_everything(bytes, limits);
    return "ok";
  } catch (const pod::Error& error) {
    std::string text = std::string(pod::code_name(error.code())) + ": " + error.message();
    const std::string name = pod::quote(file_with({}).native());
    if (const auto at = text.find(name); at != std::string::npos) text.replace(at, name.size(), "A");
    return text;
  }
}

std::optional<std::map<std::string, std::string>> contents_of(const std::string& bytes,
                                                              const pod::archive::Limits& limits) {
  try {
    return read_everything(bytes, limits);
  } catch (const pod::Error&) {
    return std::nullopt;
  }
}

}  // namespace hostile
