#include "fuzz_input.hpp"

#include "base/files.hpp"
#include "digest/digest.hpp"
#include "git/pack_index.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>

// Input: an index, whose last 20 bytes are replaced by the right checksum, so that what is behind that check is tried.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const pod::base::TempFolder folder(std::filesystem::temp_directory_path(), "fuzz-index-");
  std::string bytes(fuzz::text(data, size));
  if (bytes.size() > pod::Oid::size) {
    bytes.resize(bytes.size() - pod::Oid::size);
    const pod::Oid checksum = pod::digest::Sha1().update(bytes).finish();
    bytes.append(reinterpret_cast<const char*>(checksum.bytes().data()), pod::Oid::size);
  }
  const std::filesystem::path file = folder.path() / "index";
  {
    const pod::base::Fd fd = pod::base::open_file(file, O_WRONLY | O_CREAT | O_TRUNC);
    pod::base::write_all(fd.get(), pod::base::bytes_of(bytes), file);
  }
  try {
    const auto index = pod::git::PackIndex::open(file);
    bool sound = true;
    try {
      index->verify();
    } catch (const pod::Error&) {
      sound = false;
    }
    for (std::uint32_t i = 0; i < index->count(); ++i) {
      const pod::Oid id = index->id(i);
      const auto found = index->find(id);
      if (sound) fuzz::must_hold(found == i, "every id of a sound index is found where it is");
      index->offset(i);
      index->crc(i);
      index->range(id, i % 41);
    }
    index->pack_checksum();
  } catch (const pod::Error& error) {
    fuzz::must_hold(error.code() == pod::ErrorCode::corrupt, "the error is the one that is promised");
  }
  return 0;
}
