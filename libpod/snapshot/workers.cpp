#include "snapshot/workers.hpp"

#include <system_error>
#include <utility>

namespace pod::snapshot {
namespace {

constexpr std::size_t most_waiting = 64;

}  // namespace

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    tasks_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::add(Task task) {
  std::unique_lock lock(mutex_);
  if (threads_.size() < most_ && running_ + tasks_.size() >= threads_.size()) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      // The threads that there are do it all.
    }
  }
  if (threads_.empty()) {
    lock.unlock();
    return task();
  }
  changed_.wait(lock, [&] { return failure_ || tasks_.size() < most_waiting; });
  if (failure_) std::rethrow_exception(failure_);
  tasks_.push_back(std::move(task));
  changed_.notify_all();
}

void Workers::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return running_ == 0 && (failure_ || tasks_.empty()); });
  if (failure_) std::rethrow_exception(failure_);
}

void Workers::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !tasks_.empty(); });
    if (stopping_) return;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    ++running_;
    changed_.notify_all();
    lock.unlock();
    std::exception_ptr failure;
    try {
      task();
    } catch (...) {
      failure = std::current_exception();
    }
    task = nullptr;  // with what it holds, before anybody is told that it is done
    lock.lock();
    --running_;
    if (failure) {
      if (!failure_) failure_ = failure;
      tasks_.clear();
    }
    changed_.notify_all();
  }
}

}  // namespace pod::snapshot
