// A key as the browser knows it, whatever terminal it came from.
#pragma once

namespace podgit::inspect {

struct Key {
  enum class Name { character, up, down, left, right, enter, backspace, escape, page_up, page_down, home, end, tab };
  Name name = Name::character;
  char32_t character = 0;

  Key(Name which) : name(which) {}           // NOLINT: a key is written as its name
  Key(char32_t typed) : character(typed) {}  // NOLINT
  friend bool operator==(const Key&, const Key&) = default;
};

}  // namespace podgit::inspect
