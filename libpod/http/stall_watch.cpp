#include "http/stall_watch.hpp"

#include <algorithm>

namespace pod::http {

std::string duration_text(std::chrono::milliseconds duration) {
  const auto count = duration.count();
  return count % 1000 == 0 && count != 0 ? std::to_string(count / 1000) + " s" : std::to_string(count) + " ms";
}

void StallWatch::start(Phase phase) {
  phase_ = phase;
  window_moved_ = moved_;
  silent_ = window_ = in_phase_ = {};
}

std::optional<std::string> StallWatch::waited(std::chrono::microseconds wait, Phase phase, std::uint64_t moved) {
  if (phase_ != phase) start(phase);
  // A wait is cut into slices far shorter than this; a longer one means that this process itself was stopped.
  wait = std::min<std::chrono::microseconds>(wait, std::chrono::seconds(1));

  silent_ = moved == moved_ ? silent_ + wait : std::chrono::microseconds(0);
  moved_ = moved;
  if (silent_ >= limits_.idle) return "no byte came or went for " + duration_text(limits_.idle);

  in_phase_ += wait;
  if (phase == Phase::head && in_phase_ >= limits_.idle)
    return "the head of the answer was not whole after " + duration_text(limits_.idle);
  if (phase == Phase::reading && in_phase_ >= limits_.answer)
    return "the answer was not whole after " + duration_text(limits_.answer);

  if (phase != Phase::sending && phase != Phase::streaming) return std::nullopt;
  window_ += wait;
  if (window_ < limits_.idle) return std::nullopt;
  const double seconds = std::chrono::duration<double>(window_).count();
  const bool slow = static_cast<double>(moved - window_moved_) < static_cast<double>(limits_.minimum_rate) * seconds;
  window_ = {};
  window_moved_ = moved;
  if (slow)
    return "fewer than " + std::to_string(limits_.minimum_rate) + " bytes a second moved in " +
           duration_text(limits_.idle);
  return std::nullopt;
}

}  // namespace pod::http
