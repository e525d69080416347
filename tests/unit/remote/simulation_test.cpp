#include "remote/simulated_team.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <string>

using namespace pod::remote::test;

// Two push, one fetches, one collects garbage, over a store that loses, delays, doubles and reorders requests, while
// days pass. POD_SIMULATION=SEED runs one interleaving again, POD_SIMULATION=FIRST+COUNT others than those of every
// day.

namespace {

struct Range {
  std::uint64_t first = 1;
  std::uint64_t count = sanitized ? 1'000 : 10'000;
};

Range range() {
  const char* const wanted = std::getenv("POD_SIMULATION");
  if (wanted == nullptr) return {};
  char* end = nullptr;
  Range range{std::strtoull(wanted, &end, 10), 1};
  if (*end == '+') range.count = std::strtoull(end + 1, nullptr, 10);
  return range;
}

}  // namespace

TEST_CASE("nothing is lost, whatever happens to the requests of those who push, fetch and collect garbage") {
  const Range seeds = range();
  for (std::uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    std::string broken;
    try {
      simulate(seed);
    } catch (const std::exception& error) {
      broken = error.what();
    } catch (...) {
      broken = "something was thrown that is no error";
    }
    REQUIRE_MESSAGE(broken.empty(), "POD_SIMULATION=" << seed << " replays it: " << broken);
  }
}
