// Zlib streams written, by ISA-L level 1 where the build has it; what does not shrink is stored.
#pragma once

#include "base/stream.hpp"
#include "git/inflate.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace pod::git {

struct Compressor;

/// One thread at a time; reusable by start().
class Deflater {
 public:
  explicit Deflater(ZlibEngine engine = default_zlib_engine());
  ~Deflater();
  Deflater(Deflater&&) noexcept;
  Deflater& operator=(Deflater&&) noexcept;

  /// A new stream. Its first 64 KiB decide whether the rest is deflated or stored as it is.
  void start();
  /// Appends to `out`; `last` ends the stream.
  void add(base::ConstBytes piece, bool last, std::string& out);
  /// start() and add() of everything.
  void whole(base::ConstBytes content, std::string& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Smaller and a tenth as fast, for what is packed once and kept. One thread at a time.
class TightDeflater {
 public:
  TightDeflater();
  ~TightDeflater();
  TightDeflater(const TightDeflater&) = delete;
  TightDeflater& operator=(const TightDeflater&) = delete;
  /// Appends the whole stream.
  void whole(base::ConstBytes content, std::string& out);

 private:
  std::unique_ptr<Compressor> compressor_;
};

/// CRC-32 as an index v2 holds it; start with 0.
std::uint32_t crc32_of(std::uint32_t crc, base::ConstBytes bytes) noexcept;

}  // namespace pod::git
