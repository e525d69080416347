#include "remote/fiber.hpp"

#include <cxxabi.h>
#include <ucontext.h>
#include <cstring>
#include <utility>
#include <vector>

#ifdef POD_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef POD_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace pod::remote::test {
namespace {

constexpr std::size_t stack_size = 512 << 10;

/// Used again: a simulation makes many.
class Stacks {
 public:
  std::unique_ptr<char[]> take() {
    if (free_.empty()) return std::unique_ptr<char[]>(new char[stack_size]);
    auto stack = std::move(free_.back());
    free_.pop_back();
    return stack;
  }
  void give_back(std::unique_ptr<char[]> stack) { free_.push_back(std::move(stack)); }

 private:
  std::vector<std::unique_ptr<char[]>> free_;
};

Stacks& stacks() {
  static Stacks all;
  return all;
}

/// What the C++ runtime keeps of exceptions under way, a thread's: two words.
struct Exceptions {
  void* caught = nullptr;
  unsigned uncaught = 0;
};

void swap_exceptions(Exceptions& kept) {
  Exceptions current;
  auto* const globals = reinterpret_cast<char*>(abi::__cxa_get_globals());
  std::memcpy(&current, globals, sizeof current);
  std::memcpy(globals, &kept, sizeof kept);
  kept = current;
}

}  // namespace

struct Fiber::Context {
  ucontext_t own{};
  ucontext_t caller{};
  std::unique_ptr<char[]> stack = stacks().take();
  Exceptions exceptions;  // of the one that is not running
#ifdef POD_ASAN
  void* fake_own = nullptr;
  void* fake_caller = nullptr;
  const void* caller_bottom = nullptr;
  std::size_t caller_size = 0;
#endif
#ifdef POD_TSAN
  void* tsan_own = __tsan_create_fiber(0);
  void* tsan_caller = nullptr;
#endif
};

namespace {
Fiber* running = nullptr;
}

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)), context_(std::make_unique<Context>()) {
  getcontext(&context_->own);
  context_->own.uc_stack.ss_sp = context_->stack.get();
  context_->own.uc_stack.ss_size = stack_size;
  context_->own.uc_link = nullptr;
  makecontext(&context_->own, &Fiber::enter, 0);
}

Fiber::~Fiber() {
#ifdef POD_TSAN
  __tsan_destroy_fiber(context_->tsan_own);
#endif
  stacks().give_back(std::move(context_->stack));
}

void Fiber::enter() {
  Fiber& self = *running;
#ifdef POD_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &self.context_->caller_bottom, &self.context_->caller_size);
#endif
  self.run();
#ifdef POD_ASAN
  __sanitizer_start_switch_fiber(nullptr, self.context_->caller_bottom, self.context_->caller_size);
#endif
#ifdef POD_TSAN
  __tsan_switch_to_fiber(self.context_->tsan_caller, 0);
#endif
  setcontext(&self.context_->caller);
}

void Fiber::run() noexcept {
  try {
    body_();
  } catch (...) {
    failure_ = std::current_exception();
  }
  done_ = true;
}

void Fiber::resume() {
  Context& context = *context_;
  running = this;
  swap_exceptions(context.exceptions);
#ifdef POD_ASAN
  __sanitizer_start_switch_fiber(&context.fake_caller, context.stack.get(), stack_size);
#endif
#ifdef POD_TSAN
  context.tsan_caller = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(context.tsan_own, 0);
#endif
  swapcontext(&context.caller, &context.own);
#ifdef POD_ASAN
  __sanitizer_finish_switch_fiber(context.fake_caller, nullptr, nullptr);
#endif
  swap_exceptions(context.exceptions);
  running = nullptr;
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Fiber::pause() {
  Context& context = *running->context_;
#ifdef POD_ASAN
  __sanitizer_start_switch_fiber(&context.fake_own, context.caller_bottom, context.caller_size);
#endif
#ifdef POD_TSAN
  __tsan_switch_to_fiber(context.tsan_caller, 0);
#endif
  swapcontext(&context.own, &context.caller);
#ifdef POD_ASAN
  __sanitizer_finish_switch_fiber(context.fake_own, &context.caller_bottom, &context.caller_size);
#endif
}

}  // namespace pod::remote::test
