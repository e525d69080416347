#include "digest/sha1_checked.hpp"

#include "digest/digest.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>

using namespace pod;
using namespace pod::digest;

namespace {

std::string bytes_of_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

// The first 320 bytes of the two files of https://shattered.io (2017), which have the same SHA-1.
const std::string same_start = bytes_of_hex(
    "255044462d312e330a25e2e3cfd30a0a0a312030206f626a0a3c3c2f57696474682032203020522f4865696768742033203020522f54797065"
    "2034203020522f537562747970652035203020522f46696c7465722036203020522f436f6c6f7253706163652037203020522f4c656e677468"
    "2038203020522f42697473506572436f6d706f6e656e7420383e3e0a73747265616d0affd8fffe00245348412d312069732064656164212121"
    "2121852fec092339759c39b1a1c63c4c97e1fffe01");
const std::string first_blocks = bytes_of_hex(
    "7346dc9166b67e118f029ab621b2560ff9ca67cca8c7f85ba84c79030c2b3de218f86db3a90901d5df45c14f26fedfb3dc38e96ac22fe7bd72"
    "8f0e45bce046d23c570feb141398bb552ef5a0a82be331fea48037b8b5d71f0e332edf93ac3500eb4ddc0decc1a864790c782c76215660dd30"
    "9791d06bd0af3f98cda4bc4629b1");
const std::string second_blocks = bytes_of_hex(
    "7f46dc93a6b67e013b029aaa1db2560b45ca67d688c7f84b8c4c791fe02b3df614f86db1690901c56b45c1530afedfb76038e972722fe7ad72"
    "8f0e4904e046c230570fe9d41398abe12ef5bc942be33542a4802d98b5d70f2a332ec37fac3514e74ddc0f2cc1a874cd0c78305a21566461"
    "309789606bd0bf3f98cda8044629a1");

std::optional<Error> error_of(std::string_view content, std::size_t step = 0) {
  Sha1Checked hash;
  try {
    if (step == 0) hash.update(content);
    for (std::size_t at = 0; step > 0 && at < content.size(); at += step) hash.update(content.substr(at, step));
    hash.finish();
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace

TEST_CASE("ordinary content has the same SHA-1, however it comes") {
  std::mt19937_64 random(7);
  std::string content;
  for (std::size_t size = 0; size < 1300; ++size) {
    const Oid plain = Sha1().update(content).finish();
    Sha1Checked whole;
    CHECK(whole.update(content).finish() == plain);
    whole.reset();
    const std::size_t cut = content.empty() ? 0 : random() % content.size();
    CHECK(
        whole.update(std::string_view(content).substr(0, cut)).update(std::string_view(content).substr(cut)).finish() ==
        plain);
    content += static_cast<char>(random());
  }
  std::string large(3'000'001, '\0');
  for (char& byte : large) byte = static_cast<char>(random());
  CHECK(Sha1Checked().update(large).finish() == Sha1().update(large).finish());
  CHECK(Sha1Checked().update(std::string(1'000'000, '\0')).finish() ==
        Sha1().update(std::string(1'000'000, '\0')).finish());
}

TEST_CASE("both halves of the public collision are found out") {
  REQUIRE(same_start.size() == 192);
  const std::string first = same_start + first_blocks;
  const std::string second = same_start + second_blocks;
  REQUIRE(first != second);
  REQUIRE(first.size() == 320);
  REQUIRE(second.size() == 320);
  REQUIRE(Sha1().update(first).finish() == Sha1().update(second).finish());
  for (const std::string& half : {first, second})
    for (const std::string& tail : {std::string(), std::string(1, 'x'), std::string(5000, 'y')})
      for (const std::size_t step : {0u, 1u, 64u, 100u, 512u}) {
        CAPTURE(step);
        const auto error = error_of(half + tail, step);
        REQUIRE(error);
        CHECK(error->code() == ErrorCode::refused);
      }
}

TEST_CASE("what only looks like the collision is none") {
  const std::string first = same_start + first_blocks;
  // One bit elsewhere, and the blocks have no partner any more.
  for (const std::size_t at : {0u, 100u, 191u, 200u, 260u, 319u}) {
    std::string other = first;
    other[at] = static_cast<char>(other[at] ^ 8);
    CHECK_FALSE(error_of(other));
  }
  CHECK_FALSE(error_of("blob 320" + std::string(1, '\0') + first));
}

TEST_CASE("after reset() a collision is forgotten") {
  Sha1Checked hash;
  hash.update(same_start + first_blocks);
  CHECK_THROWS_AS(hash.finish(), Error);
  hash.reset();
  CHECK(hash.update("abc").finish() == Oid::parse("a9993e364706816aba3e25717850c26c9cd0d89d"));
}
