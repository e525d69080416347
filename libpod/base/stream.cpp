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
  drain(source, [&](ConstBytes piece) {
    if (piece.size() > limit - out.size())
      throw Error(ErrorCode::refused, "more than " + std::to_string(limit) + " bytes where a small file was expected");
    out += text_of(piece);
  });
  return out;
}

}  // namespace pod::base
