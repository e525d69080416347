// Work that runs beside what the caller does, on a thread of its own.
#pragma once

#include <future>
#include <system_error>
#include <utility>

namespace pod::base {

/// The result of `work()`, which runs on another thread if that is `worth` one and the system has one to give, else
/// when get() asks for it. What it throws, get() throws. The destructor waits: what `work` refers to has to outlive it
/// only.
template <class Work>
auto beside(bool worth, Work work) {
  if (worth) {
    try {
      return std::async(std::launch::async, work);
    } catch (const std::system_error&) {  // no thread is to be had
    }
  }
  return std::async(std::launch::deferred, std::move(work));
}

}  // namespace pod::base
