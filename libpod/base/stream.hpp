// Bytes in motion: sources that are read to their end, sinks that are called with pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pod::base {

using ConstBytes = std::span<const std::byte>;

inline ConstBytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
inline std::string_view text_of(ConstBytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Called with pieces in order; throws to stop.
using ByteSink = std::function<void(ConstBytes)>;

/// One thread at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Fills up to buffer.size() bytes; 0 only at the end. Throws Error(io) or Error(corrupt).
  virtual std::size_t read(std::span<std::byte> buffer) = 0;
};

/// Bytes that somebody else keeps alive.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(ConstBytes bytes) : rest_(bytes) {}
  explicit MemorySource(std::string_view text) : rest_(bytes_of(text)) {}
  std::size_t read(std::span<std::byte> buffer) override;

 private:
  ConstBytes rest_;
};

/// Reads until `buffer` is full or the source ends; the number read.
std::size_t read_fully(ByteSource& source, std::span<std::byte> buffer);
/// Everything, in pieces of at most 256 KiB.
void drain(ByteSource& source, const ByteSink& sink);
/// Everything in memory; throws Error(refused) past `limit`.
std::string read_all(ByteSource& source, std::uint64_t limit);

}  // namespace pod::base
