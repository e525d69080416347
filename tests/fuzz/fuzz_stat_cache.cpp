#include "fuzz_input.hpp"

#include "digest/digest.hpp"
#include "snapshot/stat_cache.hpp"

#include <string>

// Input: a stat cache without its checksum, which is added, so that what is behind that check is tried.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(fuzz::text(data, size));
  (void)pod::snapshot::decode_stat_cache(bytes, "maker");
  const pod::Oid checksum = pod::digest::Sha1().update(bytes).finish();
  bytes.append(reinterpret_cast<const char*>(checksum.bytes().data()), pod::Oid::size);
  auto cache = pod::snapshot::decode_stat_cache(bytes, "maker");
  if (!cache) return 0;
  for (const auto& [folder, files] : cache->folders) fuzz::must_hold(files.size() <= size, "no more files than bytes");
  (void)cache->find(pod::StatePath::parse("a/b/one"));
  const std::string again = pod::snapshot::encode_stat_cache(*cache, "maker");
  fuzz::must_hold(pod::snapshot::decode_stat_cache(again, "maker").has_value(), "what was read can be written");
  return 0;
}
