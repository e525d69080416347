#include "fuzz_input.hpp"

#include "git/repository.hpp"

#include <libpod/error.hpp>

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text(data, size);
  std::vector<pod::git::TreeEntry> entries;
  try {
    entries = pod::git::parse_tree({}, bytes);
  } catch (const pod::Error& error) {
    fuzz::must_hold(error.code() == pod::ErrorCode::corrupt, "the error is the one that is promised");
    return 0;
  }
  const bool writable = std::all_of(entries.begin(), entries.end(), [](const pod::git::TreeEntry& entry) {
    return (entry.mode == 0100644 || entry.mode == 0100755 || entry.mode == 040000) && !entry.id.is_zero();
  });
  if (writable) fuzz::must_hold(pod::git::encode_tree(entries) == bytes, "what was read is written the same");
  return 0;
}
