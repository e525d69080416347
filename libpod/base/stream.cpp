#include "base/stream.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <cstring>
#include <vector>

namespace pod::base {

std::size_t MemorySource::read(std::span<std::byte> buffer) {
  const std::size_t count = std::min(buffer.size(), rest_.size());
  if (count != 0) std::memcpy(buffer.data(), rest_.data(), count);
  rest_ = rest_.subspan(count);
  return count;
}

std::size_t read_fully(ByteSource& source, std::span<std::byte> buffer) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const std::size_t count = source.read(buffer.subspan(done));
    if (count == 0) break;
    done += count;
  }
  return done;
}

void drain(ByteSource& source, const ByteSink& sink) {
  std::vector<std::byte> buffer(256 * 1024);
  while (const std::size_t count = source.read(buffer)) sink(std::span(buffer).first(count));
}

std::string read_all(ByteSource& source, std::uint64_t limit) {
  std::string out;
  // Most are small: one short buffer, then ever larger ones.
  for (std::size_t piece = 16 * 1024;; piece = std::min<std::size_t>(2 * piece, 1 << 20)) {
    const std::size_t held = out.size();
    out.resize(held + piece);
    const std::size_t got = read_fully(source, std::as_writable_bytes(std::span(out)).subspan(held));
    out.resize(held + got);
    if (out.size() > limit)
      throw Error(ErrorCode::refused, "more than " + std::to_string(limit) + " bytes where a small file was expected");
    if (got < piece) return out;
  }
}

}  // namespace pod::base
