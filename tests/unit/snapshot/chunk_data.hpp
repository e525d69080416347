// Large files that are the same on every machine.
#pragma once

#include <cstdint>
#include <string>

namespace pod::snapshot::test {

/// Bytes of a linear congruential generator, so that no library has a say in them.
inline std::string seeded(std::size_t size, std::uint64_t seed) {
  std::string out(size, '\0');
  for (char& byte : out) {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    byte = static_cast<char>(seed >> 56);
  }
  return out;
}

/// Begins as libpod's pickles do.
inline std::string seeded_pickle(std::size_t size, std::uint64_t seed) {
  std::string out = seeded(size, seed);
  out.replace(0, 3, "\x80\x04]");
  return out;
}

/// Begins as a SQLite database with pages of 4 KiB does.
inline std::string seeded_database(std::size_t size, std::uint64_t seed) {
  std::string out = seeded(size, seed);
  out.replace(0, 18, std::string("SQLite format 3\0\x10\0", 18));
  return out;
}

}  // namespace pod::snapshot::test
