#include "screen_guard.hpp"

#include <termios.h>
#include <unistd.h>
#include <array>
#include <csignal>
#include <cstddef>
#include <string_view>

namespace podgit::inspect {
namespace {

constexpr std::array asked{SIGINT, SIGTERM, SIGHUP};
constexpr std::array crashes{SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

// What a signal handler may touch.
termios terminal_before;
bool terminal_known = false;
volatile std::sig_atomic_t asked_already = 0;
std::array<struct sigaction, NSIG> actions_before;

/// Only calls that are safe in a handler.
void restore_terminal() {
  // normal attributes, cursor shown, the screen of before: what the terminals that curses drives here understand
  constexpr std::string_view restore = "\x1b[0m\x1b[?25h\x1b[?1049l\x1b[?1l\x1b>";
  const auto ignored = write(STDOUT_FILENO, restore.data(), restore.size());
  static_cast<void>(ignored);
  if (terminal_known) tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
}

extern "C" void end_with_terminal_restored(int number) {
  restore_terminal();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

extern "C" void pass_on_once(int number) {
  if (asked_already != 0) end_with_terminal_restored(number);
  asked_already = 1;
  if (const auto before = actions_before[static_cast<std::size_t>(number)].sa_handler; before != SIG_DFL)
    before(number);
  else
    end_with_terminal_restored(number);
}

void install(int number, void (*handler)(int)) {
  struct sigaction& before = actions_before[static_cast<std::size_t>(number)];
  sigaction(number, nullptr, &before);
  if (before.sa_handler == SIG_IGN) return;
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, nullptr);
}

}  // namespace

ScreenGuard::ScreenGuard() {
  terminal_known = tcgetattr(STDIN_FILENO, &terminal_before) == 0;
  asked_already = 0;
  for (const int number : asked) install(number, pass_on_once);
  for (const int number : crashes) install(number, end_with_terminal_restored);
}

ScreenGuard::~ScreenGuard() {
  for (const int number : asked) sigaction(number, &actions_before[static_cast<std::size_t>(number)], nullptr);
  for (const int number : crashes) sigaction(number, &actions_before[static_cast<std::size_t>(number)], nullptr);
}

}  // namespace podgit::inspect
