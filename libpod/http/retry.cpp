#include "http/retry.hpp"

#include "base/ascii.hpp"

#include <curl/curl.h>
#include <algorithm>
#include <charconv>
#include <thread>

namespace pod::http {

bool is_passing(int status) noexcept { return status == 429 || (status >= 502 && status <= 504); }

std::optional<std::chrono::milliseconds> retry_after(const Response& response, const Clock& clock) {
  const auto value = response.header("retry-after");
  if (!value) return std::nullopt;
  constexpr std::int64_t day = 86'400;
  if (base::is_digits(*value)) {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), seconds);
    if (error != std::errc() || end != value->data() + value->size()) seconds = day;
    return std::chrono::seconds(std::min(seconds, day));
  }
  const std::time_t when = ::curl_getdate(value->c_str(), nullptr);
  if (when < 0) return std::nullopt;
  return std::chrono::seconds(std::clamp<std::int64_t>(when - clock.now().seconds, 0, day));
}

std::chrono::milliseconds Backoff::next() {
  std::uniform_int_distribution<std::chrono::milliseconds::rep> anything(0, ceiling_.count());
  ceiling_ = std::min<std::chrono::milliseconds>(ceiling_ * 2, std::chrono::seconds(10));
  return std::chrono::milliseconds(anything(random_));
}

void wait(std::chrono::milliseconds duration, const CancelToken& cancel) {
  const auto end = std::chrono::steady_clock::now() + duration;
  for (;;) {
    cancel.check();
    const auto left = end - std::chrono::steady_clock::now();
    if (left <= left.zero()) return;
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(left, std::chrono::milliseconds(20)));
  }
}

}  // namespace pod::http
