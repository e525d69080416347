// A cursor in a list and the part of the list that is seen.
#pragma once

#include <algorithm>
#include <cstddef>

namespace podgit::inspect {

struct Scroll {
  std::size_t at = 0;
  std::size_t top = 0;

  void up(std::size_t lines) { at -= std::min(at, lines); }
  void down(std::size_t lines, std::size_t size) { at = size == 0 ? 0 : std::min(size - 1, at + lines); }
  /// The cursor is in the list and is seen in `height` lines; no line stays empty while there is something above.
  void settle(std::size_t size, std::size_t height) {
    at = size == 0 ? 0 : std::min(at, size - 1);
    top = std::min(top, size > height ? size - height : 0);
    top = std::min(top, at);
    if (height > 0 && at >= top + height) top = at - height + 1;
  }
};

}  // namespace podgit::inspect
