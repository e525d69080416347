#include "measures.hpp"

#include <doctest/doctest.h>

using podgit::display_width;
using podgit::fitted;
using podgit::wrapped;
using Lines = std::vector<std::string>;

TEST_CASE("text is measured in columns of a terminal") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("日本") == 4);
  CHECK(display_width("e\xcc\x81") == 1);
  CHECK(fitted("日本語", 5) == "日本…");
  CHECK(fitted("日本語", 4) == "日…");
  CHECK(fitted("abc", 3) == "abc");
  CHECK(fitted("abcd", 1) == "…");
}

TEST_CASE("text is wrapped at blanks, or where it must be") {
  CHECK(wrapped("", 10) == Lines{""});
  CHECK(wrapped("one two three", 7) == Lines{"one two", "three"});
  CHECK(wrapped("one two three", 8) == Lines{"one two", "three"});
  CHECK(wrapped("abcdefgh", 3) == Lines{"abc", "def", "gh"});
  CHECK(wrapped("日本語", 4) == Lines{"日本", "語"});
  CHECK(wrapped("日本語", 1) == Lines{"日", "本", "語"});
}
