#include "base/ascii.hpp"
#include "base/utf8.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace pod::base;

TEST_CASE("characters mean the same under every locale") {
  CHECK(is_digit('0'));
  CHECK_FALSE(is_digit('\xb2'));
  CHECK(is_alpha('z'));
  CHECK_FALSE(is_alpha('\xe4'));
  CHECK(lower("ABC-Ä") == "abc-Ä");
  CHECK(is_digits("0123"));
  CHECK_FALSE(is_digits(""));
  CHECK_FALSE(is_digits("1 "));
  CHECK_FALSE(is_digits("-1"));
}

TEST_CASE("UTF-8 is read up to its limits") {
  const auto point = [](std::string_view text) { return decode_utf8(text).first; };
  CHECK(point("a") == U'a');
  CHECK(point("\xc2\x80") == 0x80);
  CHECK(point("\xdf\xbf") == 0x7ff);
  CHECK(point("\xe0\xa0\x80") == 0x800);
  CHECK(point("\xed\x9f\xbf") == 0xd7ff);
  CHECK(point("\xee\x80\x80") == 0xe000);
  CHECK(point("\xef\xbf\xbf") == 0xffff);
  CHECK(point("\xf0\x90\x80\x80") == 0x10000);
  CHECK(point("\xf4\x8f\xbf\xbf") == 0x10ffff);
  CHECK(decode_utf8("äb").second == 2);
  CHECK(decode_utf8(std::string_view("\0", 1)).first == 0);
}

TEST_CASE("what is not well-formed is one invalid byte at a time") {
  for (const std::string text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "\xe2\x28\xa1"}) {
    CAPTURE(text);
    CHECK(decode_utf8(text) == std::pair<char32_t, std::size_t>{invalid_point, 1});
    CHECK_FALSE(is_utf8("ok " + text));
    CHECK(find_invalid_utf8("ö " + text) == 3);
  }
  CHECK(is_utf8(""));
  CHECK(is_utf8("größe 😀"));
}
