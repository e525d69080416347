// Actors of a simulation: each has a stack of its own, and one runs at a time, in one thread.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>

namespace pod::remote::test {

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
