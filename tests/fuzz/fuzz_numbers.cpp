#include "fuzz_input.hpp"

#include "digest/digest.hpp"
#include "store/numbers.hpp"

#include <string>

// Input: a sidecar of numbers without its checksum, which is added, so that what is behind that check is tried.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(fuzz::text(data, size));
  (void)pod::store::decode_numbers(bytes);
  const pod::Oid checksum = pod::digest::Sha1().update(bytes).finish();
  bytes.append(reinterpret_cast<const char*>(checksum.bytes().data()), pod::Oid::size);
  const auto commits = pod::store::decode_numbers(bytes);
  if (commits) fuzz::must_hold(pod::store::encode_numbers(*commits) == bytes, "there is one writing of it");
  return 0;
}
