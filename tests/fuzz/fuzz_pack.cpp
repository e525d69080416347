#include "fuzz_input.hpp"

#include "base/files.hpp"
#include "digest/digest.hpp"
#include "git/object_database.hpp"
#include "git/pack_index.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>

// Input: a count (low three bits, plus one) of objects, two bytes of offset for each, then what stands in the pack
// behind its head. Trailer and index are made to fit, so that the entries themselves are what is tried.

namespace {

void write(const std::filesystem::path& path, const std::string& bytes) {
  const pod::base::Fd fd = pod::base::open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  pod::base::write_all(fd.get(), pod::base::bytes_of(bytes), path);
}

pod::Oid numbered(unsigned number) {
  std::array<std::uint8_t, pod::Oid::size> bytes{};
  bytes[0] = static_cast<std::uint8_t>(number);
  return pod::Oid(bytes);
}

void read_all_ways(pod::git::ObjectDatabase& database, const pod::Oid& id) {
  const auto allowed = [](const pod::Error& error) {
    fuzz::must_hold(error.code() == pod::ErrorCode::corrupt || error.code() == pod::ErrorCode::refused ||
                        error.code() == pod::ErrorCode::not_found,
                    "the error is one that is promised");
  };
  try {
    database.header(id);
  } catch (const pod::Error& error) {
    allowed(error);
  }
  try {
    database.read_any(id, 1 << 20);
    fuzz::must_hold(false, "no content has a made-up id");
  } catch (const pod::Error& error) {
    allowed(error);
  }
  try {
    pod::base::read_all(*database.stream(id), 1 << 20);
    fuzz::must_hold(false, "no content has a made-up id");
  } catch (const pod::Error& error) {
    allowed(error);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const pod::base::TempFolder folder(std::filesystem::temp_directory_path(), "fuzz-pack-");
  if (size == 0) return 0;
  const unsigned count = (data[0] & 7u) + 1;
  if (size < 1 + std::size_t{count} * 2) return 0;
  std::vector<pod::git::IndexEntry> entries;
  for (unsigned i = 0; i < count; ++i) {
    const std::uint8_t* at = data + 1 + std::size_t{i} * 2;
    entries.push_back({numbered(i), 0, static_cast<std::uint64_t>(at[0] << 8 | at[1])});
  }
  std::string pack("PACK\0\0\0\2\0\0\0", 11);
  pack += static_cast<char>(count);
  pack += fuzz::text(data, size).substr(1 + std::size_t{count} * 2);
  const pod::Oid checksum = pod::digest::Sha1().update(pack).finish();
  pack.append(reinterpret_cast<const char*>(checksum.bytes().data()), pod::Oid::size);

  std::filesystem::create_directory(folder.path() / "pack");
  write(folder.path() / "pack/pack-1.pack", pack);
  write(folder.path() / "pack/pack-1.idx", pod::git::encode_index(entries, checksum));
  const auto database = pod::git::ObjectDatabase::open(folder.path());
  fuzz::must_hold(database->problems().empty(), "the frame around the entries is sound");
  for (unsigned i = 0; i < count; ++i) read_all_ways(*database, numbered(i));
  return 0;
}
