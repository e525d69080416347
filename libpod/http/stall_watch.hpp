// Decides when a peer has stalled.
//
// It is told how long each wait for the peer took, not what time it is: while this side was busy (a slow disk, a
// stopped process) nothing counts against the peer.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace pod::http {

enum class Phase {
  sending,    // a request's body: silence, minimum rate
  waiting,    // for the first line of an answer: silence
  head,       // the answer's head: silence, time as a whole
  streaming,  // a body into a sink: silence, minimum rate
  reading,    // a body into memory: silence, time as a whole
};

struct StallLimits {
  std::chrono::milliseconds idle;
  std::chrono::milliseconds answer;
  std::uint64_t minimum_rate;  // bytes a second
};

/// One thread at a time.
class StallWatch {
 public:
  explicit StallWatch(const StallLimits& limits) : limits_(limits) {}

  /// After each wait: how long it was, the phase and the bytes moved so far in both directions. What is wrong, for an
  /// error's cause, or nullopt.
  std::optional<std::string> waited(std::chrono::microseconds wait, Phase phase, std::uint64_t moved);

 private:
  void start(Phase phase);

  StallLimits limits_;
  std::optional<Phase> phase_;
  std::uint64_t moved_ = 0;         // at the wait before
  std::uint64_t window_moved_ = 0;  // when the window began
  std::chrono::microseconds silent_{0};
  std::chrono::microseconds window_{0};
  std::chrono::microseconds in_phase_{0};
};

/// "300 ms", "2 s"
std::string duration_text(std::chrono::milliseconds duration);

}  // namespace pod::http
