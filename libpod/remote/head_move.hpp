// One compare-and-swap of a HEAD, and what became of it.
#pragma once

#include "objects/object_store.hpp"
#include "remote/pod_state.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

namespace pod::remote {

struct HeadMove {
  objects::ObjectStore& store;
  const PodName& pod;
  const std::optional<PodState>& expected;  // nullopt: there is no HEAD
  Head head;                                // what takes its place
  /// Waits before try number 1, 2, ….
  std::function<void(int attempt)> wait;
  /// Whether it may still be sent.
  std::function<bool()> in_time;
};

struct HeadMoved {
  bool landed = false;
  std::optional<PodState> state;  // the newest that was seen; set where it landed, or somebody else's did
  objects::ObjectInfo info;       // of our HEAD, where `state` was not read
};

/// Sends the move until an answer or HEAD itself says what became of it. nullopt: it is too late, and nothing was sent.
/// Error(outcome_unknown), Error(busy), and what the store throws before anything was sent.
std::optional<HeadMoved> move_head(const HeadMove& move);

}  // namespace pod::remote
