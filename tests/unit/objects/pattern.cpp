#include "conformance.hpp"

#include <algorithm>

namespace pod::objects::conformance {
namespace {

/// The byte of a pattern at an offset: cheap, and no two places of it look alike.
unsigned char pattern_byte(std::uint64_t offset, std::uint64_t seed) {
  std::uint64_t x = (offset / 8 + 1) * 0x9e3779b97f4a7c15ull ^ (seed + 1) * 0xbf58476d1ce4e5b9ull;
  x ^= x >> 29;
  x *= 0x94d049bb133111ebull;
  return static_cast<unsigned char>(x >> (8 * (offset % 8)));
}

struct PatternSource final : base::ByteSource {
  PatternSource(std::uint64_t offset, std::uint64_t length, std::uint64_t chosen)
      : at(offset), end(offset + length), seed(chosen) {}
  std::size_t read(std::span<std::byte> buffer) override {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - at));
    for (std::size_t i = 0; i < count; ++i) buffer[i] = static_cast<std::byte>(pattern_byte(at + i, seed));
    at += count;
    return count;
  }
  std::uint64_t at, end, seed;
};

}  // namespace

Content pattern(std::uint64_t size, std::uint64_t seed) {
  Content content;
  content.size = size;
  content.open = [seed](std::uint64_t offset, std::uint64_t length) {
    return std::make_unique<PatternSource>(offset, length, seed);
  };
  digest::Sha256 hash;
  PatternSource source(0, size, seed);
  base::drain(source, [&](base::ConstBytes bytes) { hash.update(bytes); });
  content.sha256 = hash.finish();
  return content;
}

std::string pattern_text(std::uint64_t size, std::uint64_t seed) {
  PatternSource source(0, size, seed);
  return base::read_all(source, size);
}

}  // namespace pod::objects::conformance
