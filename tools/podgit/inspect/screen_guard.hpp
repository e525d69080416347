// Gives the terminal back when a signal ends the program while it holds the full screen.
#pragma once

namespace podgit::inspect {

/// While it lives: the first of SIGINT, SIGTERM, SIGHUP goes to the handler that was there before; a second, and every
/// signal of a crash, restores the terminal first and then ends the program as it would have. One at a time.
class ScreenGuard {
 public:
  ScreenGuard();
  ScreenGuard(const ScreenGuard&) = delete;
  ScreenGuard& operator=(const ScreenGuard&) = delete;
  ~ScreenGuard();
};

}  // namespace podgit::inspect
