// What a long operation takes from its caller: the time, where progress goes, whether to stop.
//
// libpod reads no environment, writes no log and no terminal; a Context is all it knows of the world around it.
//
//   pod::CancelToken stop;                       // cancel() is safe in a signal handler
//   pod::Context context;                        // system clock, no progress, never cancelled
//   context.cancel = &stop;
//   pod::commit(store, pod, source, {}, context);
#pragma once

#include <libpod/error.hpp>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pod {

/// A moment: seconds since 1970 UTC, and the offset of the place in minutes (what git writes in a commit).
struct Time {
  std::int64_t seconds = 0;
  int offset_minutes = 0;
};

/// Safe: implementations are called from several threads.
class POD_API Clock {
 public:
  virtual ~Clock();
  virtual Time now() const = 0;
};

/// The system's clock and local offset.
class POD_API SystemClock final : public Clock {
 public:
  Time now() const override;
};

/// Always the same moment; for reproducible runs.
class POD_API FixedClock final : public Clock {
 public:
  explicit FixedClock(Time time) : time_(time) {}
  Time now() const override { return time_; }

 private:
  Time time_;
};

/// Safe: advance() is called from several threads, the others from one.
class POD_API Progress {
 public:
  virtual ~Progress();
  /// A step begins, e.g. "capturing"; ends the one before. `total` in bytes where it is known.
  virtual void begin(std::string_view step, std::optional<std::uint64_t> total) = 0;
  virtual void advance(std::uint64_t bytes) = 0;
  virtual void end() = 0;
  /// Something the user should know that is not an error. One line, already printable.
  virtual void warn(std::string_view message) = 0;
};

class POD_API NoProgress final : public Progress {
 public:
  void begin(std::string_view, std::optional<std::uint64_t>) override {}
  void advance(std::uint64_t) override {}
  void end() override {}
  void warn(std::string_view) override {}
};

/// Safe; cancel() may be called in a signal handler.
class POD_API CancelToken {
 public:
  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }
  /// Throws Error(cancelled) once cancel() was called.
  void check() const;

 private:
  std::atomic<bool> cancelled_{false};
};

/// Borrowed pointers, never null; they outlive every operation that gets the Context.
struct POD_API Context {
  Context();
  const Clock* clock;
  Progress* progress;
  const CancelToken* cancel;
};

}  // namespace pod
