#include <libpod/context.hpp>

#include <libpod/error.hpp>

#include <chrono>
#include <ctime>

namespace pod {

std::string_view version() noexcept { return POD_VERSION; }
int store_format() noexcept { return 1; }

Clock::~Clock() = default;
Progress::~Progress() = default;

Time SystemClock::now() const {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm local{};
  localtime_r(&seconds, &local);
  return {static_cast<std::int64_t>(seconds), static_cast<int>(local.tm_gmtoff / 60)};
}

void CancelToken::check() const {
  if (cancelled()) throw Error(ErrorCode::cancelled, "interrupted");
}

Context::Context() {
  static const SystemClock system_clock;
  static NoProgress no_progress;
  static const CancelToken never;
  clock = &system_clock;
  progress = &no_progress;
  cancel = &never;
}

}  // namespace pod
