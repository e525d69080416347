// Progress on standard error: one line that is rewritten on a terminal, a line every ten seconds in plain mode.
//
// Nothing is shown in the first 300 ms, so that short commands stay quiet. A thread repaints, since a step may wait for
// the emulator for a long time without a byte moving.
#pragma once

#include <libpod/context.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace podgit {

enum class ProgressMode { none, animated, plain };

class StderrProgress final : public pod::Progress {
 public:
  StderrProgress(ProgressMode mode, std::function<void(std::string_view)> on_warning);
  ~StderrProgress() override;

  void begin(std::string_view step, std::optional<std::uint64_t> total) override;
  void advance(std::uint64_t bytes) override { done_.fetch_add(bytes, std::memory_order_relaxed); }
  void end() override;
  void warn(std::string_view message) override;
  /// Clears the line and ends the thread; before anything else is printed.
  void stop();

 private:
  using Steady = std::chrono::steady_clock;
  void repaint_until_stopped();
  std::string description(Steady::time_point now) const;
  void clear_line();

  ProgressMode mode_;
  std::function<void(std::string_view)> on_warning_;
  std::atomic<std::uint64_t> done_{0};
  std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  std::string step_;  // empty: no step
  std::optional<std::uint64_t> total_;
  Steady::time_point first_begin_;
  Steady::time_point step_begin_;
  Steady::time_point last_line_;
  bool painted_ = false;
  bool stopping_ = false;
  std::thread painter_;
};

}  // namespace podgit
