#include "digest/digest.hpp"

#include <libpod/error.hpp>

#include "base/ascii.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <algorithm>
#include <limits>

namespace pod::digest {
namespace {

[[noreturn]] void fail(const char* what) { throw Error(ErrorCode::internal, std::string("OpenSSL cannot ") + what); }

/// Fetching takes a lock and a search through the providers, so each algorithm is fetched once. Never freed: hashes
/// may still be taken while the process ends.
const EVP_MD* fetch(const char* name) {
  const EVP_MD* algorithm = EVP_MD_fetch(nullptr, name, nullptr);
  if (algorithm == nullptr) fail((std::string("provide ") + name).c_str());
  return algorithm;
}

const EVP_MD* sha1_algorithm() {
  static const EVP_MD* const algorithm = fetch("SHA1");
  return algorithm;
}

const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = fetch("SHA256");
  return algorithm;
}

class Hash {
 public:
  explicit Hash(const EVP_MD* algorithm) : algorithm_(algorithm), context_(EVP_MD_CTX_new()) {
    if (context_ == nullptr) throw std::bad_alloc();
    reset();
  }
  void reset() {
    if (EVP_DigestInit_ex2(context_.get(), algorithm_, nullptr) != 1) fail("start a hash");
    finished_ = false;
  }
  void update(base::ConstBytes bytes) {
    // A provider would go on from a state that is gone and give a hash of nothing in particular.
    if (finished_ || EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) fail("hash");
  }
  template <std::size_t size>
  std::array<std::uint8_t, size> finish() {
    std::array<std::uint8_t, size> value{};
    unsigned length = 0;
    if (finished_ || EVP_DigestFinal_ex(context_.get(), value.data(), &length) != 1 || length != size)
      fail("end a hash");
    finished_ = true;
    return value;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  const EVP_MD* algorithm_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
  bool finished_ = false;
};

}  // namespace

struct Sha1::Impl {
  Hash hash{sha1_algorithm()};
};
Sha1::Sha1() : impl_(std::make_unique<Impl>()) {}
Sha1::~Sha1() = default;
Sha1::Sha1(Sha1&&) noexcept = default;
Sha1& Sha1::operator=(Sha1&&) noexcept = default;
Sha1& Sha1::update(base::ConstBytes bytes) {
  impl_->hash.update(bytes);
  return *this;
}
Oid Sha1::finish() { return Oid(impl_->hash.finish<Oid::size>()); }
void Sha1::reset() { impl_->hash.reset(); }

struct Sha256::Impl {
  Hash hash{sha256_algorithm()};
};
Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256& Sha256::update(base::ConstBytes bytes) {
  impl_->hash.update(bytes);
  return *this;
}
Sha256Value Sha256::finish() { return impl_->hash.finish<std::tuple_size_v<Sha256Value>>(); }

Sha256Value sha256(std::string_view text) { return Sha256().update(text).finish(); }

Sha256Value hmac_sha256(std::string_view key, std::string_view text) {
  Sha256Value value{};
  unsigned length = 0;
  if (key.size() > std::numeric_limits<int>::max() ||
      HMAC(sha256_algorithm(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), value.data(), &length) == nullptr ||
      length != value.size())
    fail("sign");
  return value;
}

std::string hex(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

bool is_sha256_hex(std::string_view text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return base::is_digit(c) || (c >= 'a' && c <= 'f'); });
}

std::optional<Sha256Value> parse_sha256(std::string_view hex) {
  if (!is_sha256_hex(hex)) return std::nullopt;
  const auto digit = [&](std::size_t at) { return hex[at] <= '9' ? hex[at] - '0' : hex[at] - 'a' + 10; };
  Sha256Value value{};
  for (std::size_t i = 0; i < value.size(); ++i)
    value[i] = static_cast<std::uint8_t>(digit(2 * i) << 4 | digit(2 * i + 1));
  return value;
}

std::string base64(std::string_view text) {
  constexpr std::size_t piece_size = std::size_t{3} << 20;  // a multiple of three, and within OpenSSL's int
  std::string out;
  out.reserve(text.size() / 3 * 4 + 4);
  std::string encoded;
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, piece_size);
    encoded.resize((piece.size() + 2) / 3 * 4 + 1);  // OpenSSL writes a NUL
    const int length =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                        reinterpret_cast<const unsigned char*>(piece.data()), static_cast<int>(piece.size()));
    out.append(encoded, 0, static_cast<std::size_t>(length));
    text.remove_prefix(piece.size());
  }
  return out;
}

std::vector<std::uint8_t> random_bytes(std::size_t count) {
  if (count > std::numeric_limits<int>::max()) fail("give so many random bytes");
  std::vector<std::uint8_t> bytes(count);
  if (RAND_bytes(bytes.data(), static_cast<int>(count)) != 1) fail("give random bytes");
  return bytes;
}

}  // namespace pod::digest
