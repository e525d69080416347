#include "terminal_ability.hpp"

#include "../terminal.hpp"

#include <langinfo.h>
#include <unistd.h>
#include <clocale>
#include <string_view>

#include <ncursesw/curses.h>
#include <ncursesw/term.h>

namespace podgit::inspect {

bool can_browse() {
  if (!can_animate(STDOUT_FILENO) || !is_terminal(STDIN_FILENO)) return false;
  int error = 0;
  if (setupterm(nullptr, STDOUT_FILENO, &error) == ERR) return false;
  const bool enough = tigetstr("cup") != nullptr && tigetstr("clear") != nullptr;
  del_curterm(cur_term);
  return enough;
}

Glyphs glyphs_of_terminal() {
  std::setlocale(LC_CTYPE, "");
  return {std::string_view(nl_langinfo(CODESET)) == "UTF-8"};
}

}  // namespace podgit::inspect
