#include "snapshot/chunk_cutter.hpp"

#include "digest/digest.hpp"

#include <algorithm>
#include <bit>
#include <string>

namespace pod::snapshot {
namespace {

constexpr std::size_t page_chunk = 8 << 10;
constexpr std::size_t pages_a_folder = 256;
constexpr std::size_t fewest_a_folder = 32;
constexpr unsigned folder_shift = 32;  // bits that no cut looks at, and 39 bytes have a say in
constexpr std::uint64_t folder_mask = 63;
constexpr std::size_t window = 64;  // bytes that the hash remembers

/// Page size of a SQLite database by its header; 0 where there is none.
std::size_t page_size(std::string_view head) {
  if (head.size() < kind_head || !head.starts_with(std::string_view("SQLite format 3\0", 16))) return 0;
  const auto byte = [&](std::size_t at) { return static_cast<unsigned>(static_cast<unsigned char>(head[at])); };
  const unsigned size = byte(16) << 8 | byte(17);
  if (size == 1) return 65536;
  return size >= 512 && std::has_single_bit(size) ? size : 0;
}

bool is_frameless_pickle(std::string_view head) {
  return head.size() > 2 && head[0] == '\x80' && (head[1] == 4 || head[1] == 5) && head[2] != '\x95';
}

/// Two bits more before the normal size, two less behind it: sizes gather around it.
ChunkRule by_content(ChunkRule::Kind kind, std::size_t smallest, std::size_t normal, std::size_t largest) {
  const auto bits = static_cast<unsigned>(std::countr_zero(normal));
  return {kind, smallest, normal, largest, bits + 2, bits - 2};
}

}  // namespace

const std::array<std::uint64_t, 256>& gear_table() {
  static const auto table = [] {
    std::array<std::uint64_t, 256> made{};
    for (std::size_t byte = 0; byte < made.size(); ++byte) {
      const auto digest = digest::sha256("libpod gear 1" + std::string(1, static_cast<char>(byte)));
      for (std::size_t i = 0; i < 8; ++i) made[byte] = made[byte] << 8 | digest[i];
    }
    return made;
  }();
  return table;
}

ChunkRule ChunkRule::of(std::string_view head) {
  if (const std::size_t page = page_size(head); page > 0) {
    const std::size_t size = std::max(page, page_chunk);
    return {Kind::paged, size, size, size, 0, 0};
  }
  if (is_frameless_pickle(head)) return by_content(Kind::pickle, 2 << 10, 8 << 10, 32 << 10);
  return by_content(Kind::other, 16 << 10, 64 << 10, 256 << 10);
}

std::optional<ChunkCutter::Cut> ChunkCutter::find(base::ConstBytes bytes) {
  // What lies before the window of the first place for a cut has no say.
  const std::size_t blind = rule_.kind == ChunkRule::Kind::paged ? rule_.largest : rule_.smallest - window;
  std::size_t at = 0;
  if (size_ < blind) {
    at = std::min(blind - size_, bytes.size());
    size_ += at;
  }
  if (rule_.kind == ChunkRule::Kind::paged) {
    if (size_ == rule_.largest) return cut(at);
    return std::nullopt;
  }
  const auto& table = gear_table();
  std::uint64_t hash = hash_;
  // Up to `until` bytes of the chunk; a hash below `limit` ends it.
  const auto run = [&](std::size_t until, std::uint64_t limit) {
    const std::size_t end = std::min(bytes.size(), at + (until - size_));
    const std::size_t start = at;
    bool found = false;
    while (at < end && !found) {
      hash = (hash << 1) + table[std::to_integer<std::size_t>(bytes[at++])];
      found = hash < limit;
    }
    size_ += at - start;
    return found;
  };
  const auto limit_of = [](unsigned bits) { return std::uint64_t{1} << (64 - bits); };
  bool found = false;
  if (size_ < rule_.smallest - 1) run(rule_.smallest - 1, 0);
  if (size_ < rule_.normal - 1) found = run(rule_.normal - 1, limit_of(rule_.hard_bits));
  if (!found && size_ >= rule_.normal - 1) found = run(rule_.largest, limit_of(rule_.easy_bits));
  hash_ = hash;
  if (found || size_ == rule_.largest) return cut(at);
  return std::nullopt;
}

ChunkCutter::Cut ChunkCutter::cut(std::size_t taken) {
  ++chunks_;
  bool ends = false;
  if (rule_.kind == ChunkRule::Kind::paged) {
    ends = chunks_ == pages_a_folder;
  } else {
    const bool by_hash = chunks_ >= fewest_a_folder && (hash_ >> folder_shift & folder_mask) == 0;
    ends = by_hash || chunks_ == most_chunks_a_folder;
  }
  if (ends) chunks_ = 0;
  size_ = 0;
  hash_ = 0;
  return {taken, ends};
}

}  // namespace pod::snapshot
