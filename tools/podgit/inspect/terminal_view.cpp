// curses wants this to have wide characters
#define NCURSES_WIDECHAR 1

#include "terminal_view.hpp"

#include "screen_guard.hpp"

#include <libpod/error.hpp>

#include <poll.h>
#include <unistd.h>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include <ncursesw/curses.h>

namespace podgit::inspect {
namespace {

constexpr int wait_milliseconds = 200;  // how soon a signal is noticed
constexpr int escape_milliseconds = 25;

enum Pair : short { pair_added = 1, pair_removed, pair_changed, pair_warning, pair_bar };

attr_t attributes_of(Style style, bool colour) {
  const auto pair = [&](short number) { return colour ? static_cast<attr_t>(COLOR_PAIR(number)) : A_NORMAL; };
  switch (style) {
    case Style::plain: return A_NORMAL;
    case Style::bold: return A_BOLD;
    case Style::dim: return colour ? A_DIM : A_NORMAL;
    case Style::chosen: return A_REVERSE;
    case Style::chosen_elsewhere: return A_BOLD;
    case Style::added: return pair(pair_added);
    case Style::removed: return pair(pair_removed);
    case Style::changed: return pair(pair_changed);
    case Style::warning: return pair(pair_warning) | A_BOLD;
    case Style::bar: return pair(pair_bar);
  }
  return A_NORMAL;
}

/// curses between construction and destruction.
class Curses {
 public:
  explicit Curses(bool colour) {
    screen_ = newterm(nullptr, stdout, stdin);
    if (screen_ == nullptr) throw pod::Error(pod::ErrorCode::io, "the terminal cannot be used for a full screen");
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    set_escdelay(escape_milliseconds);
    wtimeout(stdscr, wait_milliseconds);
    curs_set(0);
    colour_ = colour && has_colors() && start_color() == OK;
    if (!colour_) return;
    use_default_colors();
    init_pair(pair_added, COLOR_GREEN, -1);
    init_pair(pair_removed, COLOR_RED, -1);
    init_pair(pair_changed, COLOR_YELLOW, -1);
    init_pair(pair_warning, COLOR_RED, -1);
    init_pair(pair_bar, COLOR_CYAN, -1);
  }
  Curses(const Curses&) = delete;
  Curses& operator=(const Curses&) = delete;
  ~Curses() {
    endwin();
    delscreen(screen_);
  }

  void draw(const Screen& screen) const {
    werase(stdscr);
    int y = 0;
    for (const Row& row : screen.rows) {
      wmove(stdscr, y++, 0);
      for (const Piece& piece : row.pieces()) {
        wattrset(stdscr, static_cast<int>(attributes_of(piece.style, colour_)));
        waddstr(stdscr, piece.text.c_str());
      }
    }
    wattrset(stdscr, A_NORMAL);
    wrefresh(stdscr);
  }

  /// OSC 52; terminals that do not know it show nothing.
  static void copy(const std::string& text) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out = "\x1b]52;c;";
    for (std::size_t i = 0; i < text.size(); i += 3) {
      std::uint32_t bits = 0;
      for (std::size_t j = 0; j < 3; ++j)
        bits = bits << 8 | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U);
      for (std::size_t j = 0; j < 4; ++j) out += i + j <= text.size() ? digits[bits >> (18 - 6 * j) & 63] : '=';
    }
    out += '\a';
    std::fwrite(out.data(), 1, out.size(), stdout);
    std::fflush(stdout);
  }

 private:
  SCREEN* screen_ = nullptr;
  bool colour_ = false;
};

std::optional<Key> key_of(int result, wint_t typed) {
  if (result == OK) {
    switch (typed) {
      case '\r':
      case '\n': return Key::Name::enter;
      case '\t': return Key::Name::tab;
      case 0x1b: return Key::Name::escape;
      case 0x08:
      case 0x7f: return Key::Name::backspace;
      default: return Key(static_cast<char32_t>(typed));
    }
  }
  switch (static_cast<int>(typed)) {
    case KEY_UP: return Key::Name::up;
    case KEY_DOWN: return Key::Name::down;
    case KEY_LEFT: return Key::Name::left;
    case KEY_RIGHT: return Key::Name::right;
    case KEY_ENTER: return Key::Name::enter;
    case KEY_BACKSPACE: return Key::Name::backspace;
    case KEY_PPAGE: return Key::Name::page_up;
    case KEY_NPAGE: return Key::Name::page_down;
    case KEY_HOME: return Key::Name::home;
    case KEY_END: return Key::Name::end;
    default: return std::nullopt;
  }
}

/// Nobody types any more: the terminal is gone.
void check_terminal() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (poll(&input, 1, 0) > 0 && (input.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
    throw pod::Error(pod::ErrorCode::cancelled, "the terminal is gone");
}

}  // namespace

void browse(Browser& browser, bool colour, const pod::CancelToken& cancel) {
  const ScreenGuard guard;
  Curses curses(colour);
  browser.resize(static_cast<std::size_t>(getmaxx(stdscr)), static_cast<std::size_t>(getmaxy(stdscr)));
  curses.draw(browser.screen());
  while (!browser.done()) {
    cancel.check();
    wint_t typed = 0;
    const int result = wget_wch(stdscr, &typed);
    if (result == ERR) {
      check_terminal();
      continue;
    }
    if (result == KEY_CODE_YES && typed == KEY_RESIZE)
      browser.resize(static_cast<std::size_t>(getmaxx(stdscr)), static_cast<std::size_t>(getmaxy(stdscr)));
    else if (const auto key = key_of(result, typed))
      browser.press(*key);
    if (const auto text = browser.take_copied()) Curses::copy(*text);
    curses.draw(browser.screen());
  }
}

}  // namespace podgit::inspect
