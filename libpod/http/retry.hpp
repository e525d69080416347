// When and how long to wait before a request is sent again.
#pragma once

#include "http/client.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>

namespace pod::http {

/// 429, 502, 503 and 504: the server says that it did not do the work, or somebody before it.
bool is_passing(int status) noexcept;

/// What `Retry-After` asks for: seconds or a date; nullopt where there is none or it cannot be read.
std::optional<std::chrono::milliseconds> retry_after(const Response& response, const Clock& clock);

/// Full jitter: anything from nothing to a ceiling of 250 ms that doubles each time, up to 10 s.
class Backoff {
 public:
  Backoff() : random_(std::random_device{}()) {}
  std::chrono::milliseconds next();
  /// The ceiling of the next wait.
  std::chrono::milliseconds ceiling() const noexcept { return ceiling_; }

 private:
  std::minstd_rand random_;
  std::chrono::milliseconds ceiling_{250};
};

/// Sleeps; Error(cancelled) within 20 ms of CancelToken::cancel.
void wait(std::chrono::milliseconds duration, const CancelToken& cancel);

}  // namespace pod::http
