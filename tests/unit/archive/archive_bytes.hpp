// Archives built byte by byte, so that a test says exactly what is wrong with one.
#pragma once

#include "archive/archive.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hostile {

/// Little-endian numbers as bytes.
std::string le16(std::uint64_t value);
std::string le32(std::uint64_t value);
std::string le64(std::uint64_t value);
std::uint32_t crc32(std::string_view bytes);
/// A deflate stream of `count` zeros, about 158 to 1.
std::string deflated_zeros(std::uint64_t count);

struct ZipEntry {
  std::string name;
  std::string data;  // as stored
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
  std::uint32_t attributes = 0;
  std::string gap;         // other bytes before the local header
  std::string descriptor;  // behind the data
  std::string local_extra, central_extra, comment;
  // What headers say; by default the truth about `data` as stored.
  std::optional<std::string> local_name;
  std::optional<std::uint32_t> crc, local_crc;
  std::optional<std::uint64_t> size, local_size, stored, local_stored, header;
  std::optional<std::uint16_t> local_method, local_flags, disk;
};

struct Zip {
  std::vector<ZipEntry> entries;
  std::string before, before_directory, after_directory, comment, after;
  std::optional<std::uint64_t> count, count_here, directory_size, directory_offset;
  bool zip64 = false;  // an end record and a locator of zip64 too
  std::optional<std::uint64_t> count64, offset64, locator_offset;
  std::string bytes() const;
};

struct TarEntry {
  std::string name;
  std::string data;
  char type = '0';
  unsigned mode = 0644;
  std::optional<std::uint64_t> size;
  std::string link;
  std::string prefix;
  std::string magic = std::string(
      "ustar\0"
      "00",
      8);
  std::optional<std::string> size_field;  // 12 bytes
};

std::string tar_header(const TarEntry& entry);
/// Header, data, padding.
std::string tar_entry(const TarEntry& entry);
std::string tar_end();
/// "<length> <key>=<value>\n"
std::string pax_record(const std::string& key, const std::string& value);
/// Frames that hold `bytes` uncompressed, so that every byte is where the test put it.
std::string zst(std::string_view bytes);

/// Opens and reads all of it: "ok", or the code's name and the message.
std::string verdict_of(const std::string& bytes, const pod::archive::Limits& limits = {});
/// Everything in it, or nullopt where it was not taken. Fails the test on anything but a pod::Error.
std::optional<std::map<std::string, std::string>> contents_of(const std::string& bytes,
                                                              const pod::archive::Limits& limits = {});
/// A file with these bytes; the next call replaces them.
std::filesystem::path file_with(std::string_view bytes);
/// A name in the test's own folder that does not exist yet.
std::filesystem::path fresh_path(const std::string& ending);

}  // namespace hostile
