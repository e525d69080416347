#include "git/delta_encoder.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace pod::git {
namespace {

constexpr std::size_t block = 16;
constexpr unsigned most_tries = 24;           // blocks with one hash that are looked at
constexpr std::size_t most_copied = 0x10000;  // by one instruction
constexpr std::size_t most_inserted = 127;

std::uint64_t hash_of(const char* at) noexcept {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::memcpy(&first, at, sizeof first);
  std::memcpy(&second, at + sizeof first, sizeof second);
  return (first * 0x9e3779b97f4a7c15u) ^ std::rotl(second * 0xc2b2ae3d27d4eb4fu, 31);
}

void append_size(std::string& out, std::uint64_t size) {
  for (; size >= 128; size >>= 7) out += static_cast<char>((size & 127) | 128);
  out += static_cast<char>(size);
}

void append_insert(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), most_inserted);
    out += static_cast<char>(count);
    out += bytes.substr(0, count);
    bytes.remove_prefix(count);
  }
}

void append_copy(std::string& out, std::size_t offset, std::size_t size) {
  while (size > 0) {
    const std::size_t count = std::min(size, most_copied);
    const std::size_t at = out.size();
    unsigned code = 128;
    out += '\0';
    for (unsigned i = 0; i < 4; ++i)
      if (const auto byte = offset >> 8 * i & 255; byte != 0) {
        code |= 1u << i;
        out += static_cast<char>(byte);
      }
    const std::size_t written = count == most_copied ? 0 : count;
    for (unsigned i = 0; i < 3; ++i)
      if (const auto byte = written >> 8 * i & 255; byte != 0) {
        code |= 16u << i;
        out += static_cast<char>(byte);
      }
    out[at] = static_cast<char>(code);
    offset += count;
    size -= count;
  }
}

std::size_t common_start(std::string_view a, std::string_view b) noexcept {
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t at = 0;
  for (; at + 8 <= most; at += 8)
    if (std::memcmp(a.data() + at, b.data() + at, 8) != 0) break;
  while (at < most && a[at] == b[at]) ++at;
  return at;
}

std::size_t common_end(std::string_view a, std::string_view b) noexcept {
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t count = 0;
  while (count < most && a[a.size() - 1 - count] == b[b.size() - 1 - count]) ++count;
  return count;
}

}  // namespace

DeltaEncoder::DeltaEncoder(std::string_view base) : base_(base.substr(0, UINT32_MAX)) {
  const std::size_t blocks = base_.size() / block;
  const auto bits = static_cast<unsigned>(std::bit_width(std::max<std::size_t>(blocks, 16)));
  shift_ = 64 - bits;
  heads_.assign(std::size_t{1} << bits, 0);
  before_.assign(blocks, 0);
  // From the end, so that the chains begin with the first of equal blocks.
  for (std::size_t i = blocks; i-- > 0;) {
    std::uint32_t& head = heads_[hash_of(base_.data() + i * block) >> shift_];
    before_[i] = head;
    head = static_cast<std::uint32_t>(i + 1);
  }
}

std::optional<std::string> DeltaEncoder::encode(std::string_view target, std::size_t limit) const {
  std::string out;
  append_size(out, base_.size());
  append_size(out, target.size());
  // What both begin and end with needs no search.
  std::size_t at = common_start(base_, target);
  const std::size_t tail = at < target.size() ? common_end(base_.substr(at), target.substr(at)) : 0;
  const std::string_view middle = target.substr(0, target.size() - tail);
  if (at > 0) append_copy(out, 0, at);
  std::size_t pending = at;  // from here on nothing was written
  while (at + block <= middle.size()) {
    if (out.size() + (at - pending) > limit) return std::nullopt;
    std::size_t best = 0;
    std::size_t best_offset = 0;
    unsigned tries = 0;
    for (std::uint32_t next = heads_[hash_of(middle.data() + at) >> shift_]; next != 0 && tries < most_tries;
         next = before_[next - 1], ++tries) {
      const std::size_t offset = std::size_t{next - 1} * block;
      const std::size_t length = common_start(base_.substr(offset), middle.substr(at));
      if (length <= best) continue;
      best = length;
      best_offset = offset;
      if (best >= 4096) break;
    }
    if (best < block) {
      ++at;
      continue;
    }
    const std::size_t back = common_end(base_.substr(0, best_offset), middle.substr(pending, at - pending));
    append_insert(out, middle.substr(pending, at - pending - back));
    append_copy(out, best_offset - back, best + back);
    at += best;
    pending = at;
  }
  append_insert(out, middle.substr(pending));
  if (tail > 0) append_copy(out, base_.size() - tail, tail);
  if (out.size() > limit) return std::nullopt;
  return out;
}

}  // namespace pod::git
