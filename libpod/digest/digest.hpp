// SHA-1 (git's ids), SHA-256 (everything outside git) and its HMAC, random bytes, base64, hex.
//
// Ids of content made here use OpenSSL's SHA-1; content from elsewhere is hashed with collision detection, by
// sha1_checked.hpp.
#pragma once

#include "base/stream.hpp"

#include <libpod/names.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::digest {

using Sha256Value = std::array<std::uint8_t, 32>;

/// One thread at a time. finish() once, at the end.
class Sha1 {
 public:
  Sha1();
  ~Sha1();
  Sha1(Sha1&&) noexcept;
  Sha1& operator=(Sha1&&) noexcept;
  Sha1& update(base::ConstBytes bytes);
  Sha1& update(std::string_view text) { return update(base::bytes_of(text)); }
  Oid finish();
  /// Back to the start, without a new allocation.
  void reset();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  Sha256& update(base::ConstBytes bytes);
  Sha256& update(std::string_view text) { return update(base::bytes_of(text)); }
  Sha256Value finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

Sha256Value sha256(std::string_view text);
/// HMAC-SHA-256 (RFC 2104).
Sha256Value hmac_sha256(std::string_view key, std::string_view text);
/// Lower-case hex of any bytes.
std::string hex(std::span<const std::uint8_t> bytes);
/// 64 lower-case hex digits and nothing else.
bool is_sha256_hex(std::string_view text);
/// nullopt where it is not exactly that.
std::optional<Sha256Value> parse_sha256(std::string_view hex);
std::string base64(std::string_view text);
std::vector<std::uint8_t> random_bytes(std::size_t count);

}  // namespace pod::digest
