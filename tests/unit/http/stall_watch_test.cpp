#include "http/stall_watch.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using pod::http::Phase;
using pod::http::StallLimits;
using pod::http::StallWatch;

namespace {
constexpr StallLimits limits{.idle = 2000ms, .answer = 10000ms, .minimum_rate = 100};

/// Waits of 100 ms in which `step` bytes move each time; the number of waits until something is wrong, at most `most`.
int waits_until_stalled(Phase phase, std::uint64_t step, int most) {
  StallWatch watch(limits);
  std::uint64_t moved = 0;
  for (int i = 1; i <= most; ++i)
    if (watch.waited(100ms, phase, moved += step)) return i;
  return most + 1;
}
}  // namespace

TEST_CASE("silence stalls in every phase") {
  for (const Phase phase : {Phase::sending, Phase::waiting, Phase::head, Phase::streaming, Phase::reading})
    CHECK(waits_until_stalled(phase, 0, 100) == 20);
}

TEST_CASE("a drip does not pass for a stream") {
  CHECK(waits_until_stalled(Phase::streaming, 9, 1000) == 20);
  CHECK(waits_until_stalled(Phase::sending, 9, 1000) == 20);
  CHECK(waits_until_stalled(Phase::streaming, 10, 1000) == 1001);
}

TEST_CASE("a head and an answer in memory are bounded as a whole") {
  CHECK(waits_until_stalled(Phase::head, 1, 1000) == 20);
  CHECK(waits_until_stalled(Phase::reading, 1, 1000) == 100);
  CHECK(waits_until_stalled(Phase::reading, 1'000'000, 1000) == 100);
}

TEST_CASE("waiting for the first byte is bounded by silence alone") {
  CHECK(waits_until_stalled(Phase::waiting, 1, 1000) == 1001);
}

TEST_CASE("a process that was stopped does not blame the peer for it") {
  StallWatch watch(limits);
  CHECK(!watch.waited(100ms, Phase::waiting, 0));
  CHECK(!watch.waited(1h, Phase::waiting, 0));
}

TEST_CASE("each phase begins anew") {
  StallWatch watch(limits);
  CHECK(!watch.waited(900ms, Phase::waiting, 0));
  CHECK(!watch.waited(900ms, Phase::waiting, 0));
  CHECK(!watch.waited(900ms, Phase::streaming, 0));
  CHECK(!watch.waited(900ms, Phase::streaming, 0));
  CHECK(watch.waited(900ms, Phase::streaming, 0) == "no byte came or went for 2 s");
}
