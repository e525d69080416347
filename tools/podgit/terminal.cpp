#include "terminal.hpp"

#include "environment.hpp"

#include <libpod/error.hpp>

#include <fmt/format.h>

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <charconv>

namespace podgit {
namespace {

std::string_view escape_of(Colour colour) {
  switch (colour) {
    case Colour::plain: return "";
    case Colour::bold: return "\x1b[1m";
    case Colour::red: return "\x1b[31m";
    case Colour::green: return "\x1b[32m";
    case Colour::yellow: return "\x1b[33m";
    case Colour::cyan: return "\x1b[36m";
    case Colour::dim: return "\x1b[2m";
  }
  return "";
}

void write_to_stderr(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// One line, without its end; false at the end of input with nothing read.
bool read_line(std::string& line, const pod::CancelToken& cancel) {
  line.clear();
  char c = 0;
  while (line.size() < 65536) {
    // a signal just before a read would leave the read waiting for ever
    pollfd input{STDIN_FILENO, POLLIN, 0};
    while (poll(&input, 1, 100) <= 0) cancel.check();
    const ssize_t got = read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return !line.empty();
    if (c == '\n') return true;
    line += c;
  }
  throw pod::Error(pod::ErrorCode::invalid_argument, "the line on standard input is longer than 64 KiB");
}

/// Typed characters are not shown while this lives.
class NoEcho {
 public:
  NoEcho() : active_(tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!active_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  ~NoEcho() {
    if (active_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }

 private:
  termios before_{};
  bool active_;
};

}  // namespace

std::string painted(std::string_view text, Colour colour, bool paint) {
  if (!paint || colour == Colour::plain) return std::string(text);
  return fmt::format("{}{}\x1b[0m", escape_of(colour), text);
}

bool is_terminal(int fd) { return isatty(fd) == 1; }

bool can_animate(int fd) { return is_terminal(fd) && environment("TERM").value_or("dumb") != "dumb"; }

bool use_colour(int fd, ColourChoice choice) {
  if (choice != ColourChoice::automatic) return choice == ColourChoice::always;
  if (environment("NO_COLOR")) return false;
  if (const auto force = environment("CLICOLOR_FORCE"); force && *force != "0") return true;
  return can_animate(fd);
}

std::size_t terminal_width(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  std::size_t columns = 0;
  const std::string text = environment("COLUMNS").value_or("");
  std::from_chars(text.data(), text.data() + text.size(), columns);
  return columns > 0 ? std::min<std::size_t>(columns, 10000) : 80;
}

bool can_ask() { return is_terminal(STDIN_FILENO) && is_terminal(STDERR_FILENO); }

bool ask(std::string_view question, const pod::CancelToken& cancel) {
  write_to_stderr(fmt::format("{} [y/N] ", question));
  std::string answer;
  if (!read_line(answer, cancel)) write_to_stderr("\n");
  return answer == "y" || answer == "Y" || answer == "yes" || answer == "Yes" || answer == "YES";
}

std::string read_secret_line(std::string_view prompt, const pod::CancelToken& cancel) {
  std::string line;
  if (can_ask()) {
    const NoEcho quiet;  // before the question: what is typed at once must not be seen, nor thrown away
    write_to_stderr(fmt::format("{}: ", prompt));
    read_line(line, cancel);
    write_to_stderr("\n");
  } else {
    read_line(line, cancel);
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

}  // namespace podgit
