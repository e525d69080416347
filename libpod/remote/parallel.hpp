// Requests side by side.
#pragma once

#include <cstddef>
#include <functional>

namespace pod::remote {

/// Calls `task` with 0 to count - 1, at most `connections` at the same time; in order and in this thread where that is
/// 1. After the first that throws none is begun; throws what it threw.
void in_parallel(std::size_t count, unsigned connections, const std::function<void(std::size_t)>& task);

}  // namespace pod::remote
