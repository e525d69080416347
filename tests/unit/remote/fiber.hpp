// Actors of a simulation: each has a stack of its own, and one runs at a time, in one thread.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>

#if defined(__has_feature)
#define POD_HAS_FEATURE(name) __has_feature(name)
#else
#define POD_HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || POD_HAS_FEATURE(address_sanitizer)
#define POD_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) || POD_HAS_FEATURE(thread_sanitizer)
#define POD_TSAN 1
#endif

namespace pod::remote::test {

#if defined(POD_ASAN) || defined(POD_TSAN)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

/// Known to the address and the thread sanitizer. One thread.
class Fiber {
 public:
  explicit Fiber(std::function<void()> body);
  /// Must have ended.
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Runs it until it pauses or ends. Throws what the body threw.
  void resume();
  bool done() const noexcept { return done_; }
  /// From within: back to who resumed it.
  static void pause();

 private:
  struct Context;
  static void enter();
  void run() noexcept;

  std::function<void()> body_;
  std::unique_ptr<Context> context_;
  std::exception_ptr failure_;
  bool done_ = false;
};

}  // namespace pod::remote::test
