#include "git/delta_encoder.hpp"

#include "git/delta.hpp"
#include "stock_git.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace pod::git;
using namespace pod::git::test;

namespace {

std::string result_of(const std::string& base, const std::string& target) {
  const auto delta = DeltaEncoder(base).encode(target, SIZE_MAX);
  REQUIRE(delta);
  return apply_delta(base, *delta, target.size());
}

}  // namespace

TEST_CASE("a delta gives the target back, whatever the two are") {
  std::mt19937_64 random(7);
  for (std::uint64_t round = 0; round < 300; ++round) {
    CAPTURE(round);
    const std::size_t size = random() % 5000;
    const std::string base = round % 3 == 0 ? noise(size, round) : text(size, round);
    std::string target = base;
    for (std::size_t edits = random() % 6; edits-- > 0;) {
      const std::size_t at = target.empty() ? 0 : random() % target.size();
      switch (random() % 4) {
        case 0: target.insert(at, noise(random() % 40, round + edits)); break;
        case 1: target.erase(at, random() % 200); break;
        case 2: target += target.substr(at); break;
        default: target = target.substr(at) + target.substr(0, at);
      }
    }
    CHECK(result_of(base, target) == target);
  }
}

TEST_CASE("edges of a delta: nothing, all the same, long copies, zeros") {
  for (const auto& [base, target] : std::vector<std::pair<std::string, std::string>>{
           {"", ""},
           {"a", ""},
           {"", text(1000)},
           {text(70'000), text(70'000)},
           {std::string(200'000, '\0'), std::string(199'999, '\0')},
           {noise(300'000), noise(300'000).substr(1)},
           {noise(100'000) + text(100'000), text(100'000) + noise(100'000)}})
    CHECK(result_of(base, target) == target);
}

TEST_CASE("a small change is a small delta, and one past the limit is none") {
  const std::string base = text(100'000);
  std::string target = base;
  target.replace(50'000, 5, "other");
  target.insert(20'000, "inserted");
  const DeltaEncoder encoder(base);
  CHECK(encoder.encode(target, SIZE_MAX)->size() < 150);
  CHECK_FALSE(encoder.encode(noise(10'000, 3), 5000));
  CHECK_FALSE(encoder.encode(target, 10));
}
