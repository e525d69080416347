#include "http/retry.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>
#include <thread>

using namespace std::chrono_literals;
using namespace pod::http;

namespace {
std::optional<std::chrono::milliseconds> asked(const std::string& value) {
  const pod::FixedClock clock({.seconds = 1'700'000'000});  // Tue, 14 Nov 2023 22:13:20 GMT
  return retry_after(Response{.status = 503, .headers = {{"retry-after", value}}, .body = {}, .body_bytes = 0}, clock);
}
}  // namespace

TEST_CASE("Retry-After is seconds or a date") {
  CHECK(asked("3") == 3s);
  CHECK(asked("0") == 0s);
  CHECK(asked("99999999999999999999") == 24h);
  CHECK(asked("Tue, 14 Nov 2023 22:13:50 GMT") == 30s);
  CHECK(asked("Tue, 14 Nov 2023 22:13:00 GMT") == 0s);
  CHECK(!asked("soon"));
  CHECK(!asked("-5"));
  CHECK(!asked(""));
  CHECK(!retry_after(Response{}, pod::SystemClock()));
}

TEST_CASE("only answers that may pass are asked for again") {
  for (const int status : {429, 502, 503, 504}) CHECK(is_passing(status));
  for (const int status : {200, 301, 400, 404, 409, 500, 501, 505}) CHECK(!is_passing(status));
}

TEST_CASE("each wait is between nothing and a ceiling that doubles up to ten seconds") {
  Backoff backoff;
  for (const auto ceiling : {250ms, 500ms, 1000ms, 2000ms, 4000ms, 8000ms, 10000ms, 10000ms}) {
    CHECK(backoff.ceiling() == ceiling);
    const auto delay = backoff.next();
    CHECK(delay >= 0ms);
    CHECK(delay <= ceiling);
  }
}

TEST_CASE("two clients do not wait alike") {
  Backoff one;
  Backoff other;
  int differences = 0;
  for (int i = 0; i < 12; ++i) differences += one.next() != other.next() ? 1 : 0;
  CHECK(differences > 0);
}

TEST_CASE("a wait ends when it is cancelled") {
  pod::CancelToken stop;
  std::thread other([&] {
    std::this_thread::sleep_for(30ms);
    stop.cancel();
  });
  const auto before = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(wait(60s, stop), pod::Error);
  CHECK(std::chrono::steady_clock::now() - before < 10s);
  other.join();
}
