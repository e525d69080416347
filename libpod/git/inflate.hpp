// Zlib streams read in steps, by ISA-L where the build has it.
#pragma once

#include "base/stream.hpp"

#include <cstdint>
#include <memory>
#include <span>

namespace pod::git {

/// Who does the work. The build says which exist; both write and read the same streams.
enum class ZlibEngine { isal, zlib };
ZlibEngine default_zlib_engine() noexcept;

struct InflateBackend;

/// One thread at a time; reusable by start().
class Inflater {
 public:
  explicit Inflater(ZlibEngine engine = default_zlib_engine());
  ~Inflater();
  Inflater(Inflater&&) noexcept;
  Inflater& operator=(Inflater&&) noexcept;

  void start();
  struct Step {
    std::size_t consumed = 0;  // ISA-L may count some bytes behind the end of the stream; zlib is exact
    std::size_t produced = 0;
    bool done = false;  // the stream ended and its checksum is right
  };
  /// Goes on until `in` is used up, `out` is full or the stream ends. A step that neither consumes nor produces wants
  /// more of the one that is empty. Throws Error(corrupt).
  Step step(base::ConstBytes in, std::span<std::byte> out);

 private:
  std::unique_ptr<InflateBackend> backend_;
};

/// Deflate cannot make more than this many bytes of one: a claimed size beyond it is a lie.
inline constexpr std::uint64_t max_inflate_ratio = 1040;

}  // namespace pod::git
