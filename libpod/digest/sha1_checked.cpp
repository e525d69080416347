#include "digest/sha1_checked.hpp"

#include "digest/disturbance_vectors.hpp"

#include <libpod/error.hpp>

#define OPENSSL_SUPPRESS_DEPRECATED  // EVP does not show the state between two blocks
#include <openssl/sha.h>
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace pod::digest {
namespace {

constexpr std::size_t block_size = 64;
constexpr std::size_t lanes = 8;  // blocks that are looked at together
constexpr std::size_t group_size = lanes * block_size;

using State = std::array<std::uint32_t, 5>;
using Words = std::array<std::uint32_t, 80>;
using Vector = std::uint32_t __attribute__((vector_size(4 * lanes)));

constexpr auto differences = [] {
  std::array<Words, disturbance_vectors.size()> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = message_difference(disturbance_vectors[i]);
  return all;
}();

std::uint32_t word_at(const unsigned char* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

template <std::size_t index>
[[gnu::always_inline]] inline void apply_condition(const Vector* words, Vector& mask) {
  constexpr Condition condition = collision_conditions[index];
  const Vector bit =
      ((words[condition.word] >> condition.bit) ^ (words[condition.other_word] >> condition.other_bit)) & 1;
  if constexpr (condition.differ)
    mask &= (0 - bit) | ~condition.vectors;
  else
    mask &= (bit - 1) | ~condition.vectors;
}

template <std::size_t... indexes>
[[gnu::always_inline]] inline void apply_conditions(const Vector* words, Vector& mask,
                                                    std::index_sequence<indexes...>) {
  (apply_condition<indexes>(words, mask), ...);
}

/// Of each block of a group the vectors that it could be of use to: bits by place. Nearly always none.
[[gnu::always_inline]] inline void find_useful_vectors(const unsigned char* group, std::uint32_t* out) {
  constexpr std::size_t last_word = 65;  // no condition is about a later one
  Vector words[last_word];
  for (std::size_t i = 0; i < 16; ++i)
    for (std::size_t lane = 0; lane < lanes; ++lane) words[i][lane] = word_at(group + lane * block_size + 4 * i);
  for (std::size_t i = 16; i < last_word; ++i) {
    const Vector mixed = words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16];
    words[i] = mixed << 1 | mixed >> 31;
  }
  Vector mask = ~Vector{};
  apply_conditions(words, mask, std::make_index_sequence<collision_conditions.size()>());
  std::memcpy(out, &mask, sizeof mask);
}

void useful_vectors_anywhere(const unsigned char* group, std::uint32_t* out) { find_useful_vectors(group, out); }

#ifdef __x86_64__
__attribute__((target("avx2"))) void useful_vectors_with_avx2(const unsigned char* group, std::uint32_t* out) {
  find_useful_vectors(group, out);
}
#endif

// Chosen here and not by the loader (target_clones): what the compiler adds for sanitizers cannot run that early.
void useful_vectors(const unsigned char* group, std::uint32_t* out) {
#ifdef __x86_64__
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx2) return useful_vectors_with_avx2(group, out);
#endif
  useful_vectors_anywhere(group, out);
}

/// The Boolean function of a step, and its constant.
std::uint32_t mixed(std::size_t step, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  if (step < 20) return (d ^ (b & (c ^ d))) + 0x5a827999;
  if (step < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (step < 60) return ((b & c) | (d & (b | c))) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}

State after(const State& s, std::size_t step, std::uint32_t word) {
  return {std::rotl(s[0], 5) + mixed(step, s[1], s[2], s[3]) + s[4] + word, s[0], std::rotl(s[1], 30), s[2], s[3]};
}

State before(const State& s, std::size_t step, std::uint32_t word) {
  const State earlier{s[1], std::rotr(s[2], 30), s[3], s[4], 0};
  const std::uint32_t e = s[0] - std::rotl(earlier[0], 5) - mixed(step, earlier[1], earlier[2], earlier[3]) - word;
  return {earlier[0], earlier[1], earlier[2], earlier[3], e};
}

State sum(const State& a, const State& b) {
  State out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = a[i] + b[i];
  return out;
}

/// Whether the block has a partner of one of `vectors` that ends in the same state, when it is met in state `start`.
bool has_partner(const State& start, const unsigned char* block, std::uint32_t vectors) {
  Words words{};
  for (std::size_t i = 0; i < 16; ++i) words[i] = word_at(block + 4 * i);
  for (std::size_t i = 16; i < words.size(); ++i)
    words[i] = std::rotl(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
  std::array<State, 81> states{};
  states[0] = start;
  for (std::size_t i = 0; i < words.size(); ++i) states[i + 1] = after(states[i], i, words[i]);
  const State end = sum(start, states[80]);
  for (; vectors != 0; vectors &= vectors - 1) {
    const auto place = static_cast<std::size_t>(std::countr_zero(vectors));
    const auto step = static_cast<std::size_t>(test_step(disturbance_vectors[place]));
    Words other{};
    for (std::size_t i = 0; i < words.size(); ++i) other[i] = words[i] ^ differences[place][i];
    State down = states[step];
    for (std::size_t i = step; i > 0; --i) down = before(down, i - 1, other[i - 1]);
    State up = states[step];
    for (std::size_t i = step; i < words.size(); ++i) up = after(up, i, other[i]);
    if (sum(down, up) == end) return true;
  }
  return false;
}

}  // namespace

struct Sha1Checked::Impl {
  Impl() { reset(); }

  SHA_CTX hash{};
  std::array<unsigned char, group_size> buffer{};
  std::size_t buffered = 0;
  std::uint64_t size = 0;
  bool collides = false;
  bool finished = false;

  void reset() noexcept {
    SHA1_Init(&hash);
    buffered = 0;
    size = 0;
    collides = finished = false;
  }

  /// `count` whole blocks at `bytes`, of which a whole group can be read.
  void add_blocks(const unsigned char* bytes, std::size_t count) {
    std::array<std::uint32_t, lanes> useful{};
    useful_vectors(bytes, useful.data());
    for (std::size_t i = 0; i < count; ++i) {
      const unsigned char* block = bytes + i * block_size;
      if (useful[i] != 0)
        collides = collides || has_partner({hash.h0, hash.h1, hash.h2, hash.h3, hash.h4}, block, useful[i]);
      // As many as come before the next one that is looked at.
      std::size_t next = i + 1;
      while (next < count && useful[next] == 0) ++next;
      SHA1_Update(&hash, block, (next - i) * block_size);
      i = next - 1;
    }
  }

  void update(const unsigned char* bytes, std::size_t count) {
    if (finished) throw Error(ErrorCode::internal, "a hash was ended before");
    size += count;
    if (buffered > 0) {
      const std::size_t taken = std::min(count, group_size - buffered);
      std::memcpy(buffer.data() + buffered, bytes, taken);
      buffered += taken;
      bytes += taken;
      count -= taken;
      if (buffered < group_size) return;
      add_blocks(buffer.data(), lanes);
      buffered = 0;
    }
    for (; count >= group_size; bytes += group_size, count -= group_size) add_blocks(bytes, lanes);
    if (count > 0) std::memcpy(buffer.data(), bytes, count);
    buffered = count;
  }

  Oid finish() {
    // The padding is part of the last blocks, and is looked at as they are.
    const std::uint64_t bits = size * 8;
    std::array<unsigned char, block_size + 8> end{};
    end[0] = 0x80;
    const std::size_t zeros = (block_size + 56 - (size + 1) % block_size) % block_size;
    for (std::size_t i = 0; i < 8; ++i) end.at(1 + zeros + i) = static_cast<unsigned char>(bits >> (56 - 8 * i) & 255);
    update(end.data(), 1 + zeros + 8);
    if (buffered > 0) add_blocks(buffer.data(), buffered / block_size);
    finished = true;
    if (collides)
      throw Error(ErrorCode::refused, "the content was made to have the same SHA-1 as other content")
          .because("it is one half of a collision");
    std::array<std::uint8_t, Oid::size> out{};
    const std::array<std::uint32_t, 5> words{hash.h0, hash.h1, hash.h2, hash.h3, hash.h4};
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<std::uint8_t>(words[i / 4] >> (24 - 8 * (i % 4)) & 255);
    return Oid(out);
  }
};

Sha1Checked::Sha1Checked() : impl_(std::make_unique<Impl>()) {}
Sha1Checked::~Sha1Checked() = default;
Sha1Checked::Sha1Checked(Sha1Checked&&) noexcept = default;
Sha1Checked& Sha1Checked::operator=(Sha1Checked&&) noexcept = default;
Sha1Checked& Sha1Checked::update(base::ConstBytes bytes) {
  impl_->update(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  return *this;
}
Oid Sha1Checked::finish() { return impl_->finish(); }
void Sha1Checked::reset() noexcept { impl_->reset(); }

}  // namespace pod::digest
