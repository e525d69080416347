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
  Tally tally;
  for (std::uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    std::string broken;
    try {
      simulate(seed, tally);
    } catch (const std::exception& error) {
      broken = error.what();
    } catch (...) {
      broken = "something was thrown that is no error";
    }
    REQUIRE_MESSAGE(broken.empty(), "POD_SIMULATION=" << seed << " replays it: " << broken);
  }
  if (seeds.count < 1000) return;
  // Otherwise little would be said by that nothing broke.
  const std::uint64_t per_thousand = seeds.count / 1000;
  CHECK(tally.published > 1000 * per_thousand);
  CHECK(tally.fetched > 500 * per_thousand);
  CHECK(tally.removed > 1000 * per_thousand);
  CHECK(tally.moved > 10 * per_thousand);
  CHECK(tally.expired > 10 * per_thousand);
  CHECK(tally.unknown > 5 * per_thousand);
  CHECK(tally.deleted > 10 * per_thousand);
  CHECK(tally.found > 10 * per_thousand);
  CHECK(tally.relied > 10 * per_thousand);
  CHECK(tally.deaths > 10 * per_thousand);
  if (seeds.count >= 10'000) CHECK(tally.outrun > 0);
  if (std::getenv("POD_SIMULATION") != nullptr)
    MESSAGE("published " << tally.published << ", moved " << tally.moved << ", expired " << tally.expired
                         << ", unknown " << tally.unknown << ", deleted " << tally.deleted << ", found " << tally.found
                         << ", relied " << tally.relied << ", fetched " << tally.fetched << ", outrun " << tally.outrun
                         << ", removed " << tally.removed << ", deaths " << tally.deaths);
}

TEST_CASE("a seed is one interleaving, whenever it runs") {
  Tally tally;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) CHECK(simulate(seed, tally) == simulate(seed, tally));
  CHECK(simulate(1, tally) != simulate(2, tally));
}
