#include "digest/digest.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <set>
#include <thread>

namespace digest = pod::digest;

TEST_CASE("SHA-1 gives the published values and git's ids") {
  CHECK(digest::Sha1().finish().hex() == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(digest::Sha1().update("abc").finish().hex() == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(digest::Sha1().update(std::string_view("blob 0\0", 7)).finish().hex() ==
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

TEST_CASE("a hash of pieces is the hash of the whole") {
  const std::string text(1'000'000, 'a');
  digest::Sha1 sha1;
  digest::Sha256 sha256;
  for (std::size_t at = 0; at < text.size(); at += 777) {
    sha1.update(std::string_view(text).substr(at, 777));
    sha256.update(std::string_view(text).substr(at, 777));
  }
  CHECK(sha1.finish().hex() == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
  CHECK(digest::hex(sha256.finish()) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 gives the published values") {
  CHECK(digest::hex(digest::sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(digest::hex(digest::sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("a hash starts again after reset, and is moved with its state") {
  digest::Sha1 hash;
  hash.update("something else");
  hash.reset();
  CHECK(hash.update("abc").finish().hex() == "a9993e364706816aba3e25717850c26c9cd0d89d");
  hash.reset();
  hash.update("a");
  digest::Sha1 moved = std::move(hash);
  CHECK(moved.update("bc").finish().hex() == "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST_CASE("a finished hash gives an error, not a second value") {
  digest::Sha1 hash;
  hash.finish();
  CHECK_THROWS_AS(hash.finish(), pod::Error);
  CHECK_THROWS_AS(hash.update("abc"), pod::Error);
  digest::Sha256 other;
  other.finish();
  CHECK_THROWS_AS(other.update("abc"), pod::Error);
}

TEST_CASE("threads may hash at the same time") {
  std::array<std::string, 4> values;
  std::vector<std::thread> threads;
  for (auto& value : values)
    threads.emplace_back([&value] {
      for (int i = 0; i < 200; ++i) value = digest::Sha1().update("abc").finish().hex();
    });
  for (auto& thread : threads) thread.join();
  for (const auto& value : values) CHECK(value == "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST_CASE("hex and base64 write any bytes") {
  CHECK(digest::hex(std::array<std::uint8_t, 4>{0x00, 0x0f, 0xf0, 0xff}) == "000ff0ff");
  CHECK(digest::hex({}).empty());
  CHECK(digest::base64("").empty());
  CHECK(digest::base64("f") == "Zg==");
  CHECK(digest::base64("fo") == "Zm8=");
  CHECK(digest::base64("foo") == "Zm9v");
  CHECK(digest::base64(std::string_view("\0\xff\xfe", 3)) == "AP/+");
}

TEST_CASE("base64 of a long text has no seams") {
  // 3 MiB and 4 bytes: longer than one piece of the encoder.
  const std::string encoded = digest::base64(std::string((3u << 20) + 4, '\0'));
  CHECK(encoded.size() == (1u << 22) + 8);
  CHECK(encoded.find_first_not_of('A') == encoded.size() - 2);
  CHECK(encoded.ends_with("=="));
}

TEST_CASE("a SHA-256 in hex is 64 lower-case digits and nothing else") {
  const std::string good(64, 'a');
  CHECK(digest::is_sha256_hex(good));
  CHECK(digest::is_sha256_hex(digest::hex(digest::sha256("x"))));
  CHECK_FALSE(digest::is_sha256_hex(""));
  CHECK_FALSE(digest::is_sha256_hex(good + "a"));
  CHECK_FALSE(digest::is_sha256_hex(good.substr(1)));
  CHECK_FALSE(digest::is_sha256_hex(std::string(64, 'A')));
  CHECK_FALSE(digest::is_sha256_hex(std::string(63, 'a') + "g"));
  CHECK_FALSE(digest::is_sha256_hex(std::string(63, 'a') + "/"));
  CHECK(digest::parse_sha256(digest::hex(digest::sha256("x"))) == digest::sha256("x"));
  CHECK_FALSE(digest::parse_sha256(good.substr(1)));
}

TEST_CASE("random bytes come in the number asked for and do not repeat") {
  CHECK(digest::random_bytes(0).empty());
  std::set<std::vector<std::uint8_t>> seen;
  for (int i = 0; i < 100; ++i) {
    const auto bytes = digest::random_bytes(16);
    CHECK(bytes.size() == 16);
    seen.insert(bytes);
  }
  CHECK(seen.size() == 100);
}

TEST_CASE("HMAC-SHA-256 is RFC 4231's") {
  const auto hmac = [](std::string_view key, std::string_view text) {
    return digest::hex(digest::hmac_sha256(key, text));
  };
  CHECK(hmac(std::string(20, '\x0b'), "Hi There") ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hmac("Jefe", "what do ya want for nothing?") ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hmac(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First") ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  CHECK(hmac("", "") == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
