// Tasks that all cores work off in the order in which they are added, with a bound on how many wait.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace pod::snapshot {

/// One thread at a time for whoever adds; tasks must not add any. After the first one that throws none is begun.
class Workers {
 public:
  using Task = std::function<void()>;
  Workers() = default;
  /// Waits for the tasks that were begun; drops the others.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Waits while many are waiting. Runs it here where the system gives no thread. Throws what a task threw.
  void add(Task task);
  /// Waits until all are done. Throws what the first that failed threw.
  void finish();

 private:
  void work();

  const std::size_t most_ = std::max(1u, std::thread::hardware_concurrency());  // the system reads it from a file
  std::mutex mutex_;                                                            // of all below
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  std::vector<std::thread> threads_;
  std::size_t running_ = 0;
  bool stopping_ = false;
  std::exception_ptr failure_;
};

}  // namespace pod::snapshot
