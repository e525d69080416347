#include "json/scanner.hpp"

#include "json/json.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

using pod::json::Scanner;

namespace {

/// Whether the scanner takes `text` for one whole value.
bool accepts(std::string_view text) {
  try {
    Scanner in(text, "test");
    in.skip();
    in.end();
    return true;
  } catch (const pod::Error&) {
    return false;
  }
}

bool parses(std::string_view text) {
  try {
    pod::json::parse(text, "test");
    return true;
  } catch (const pod::Error&) {
    return false;
  }
}

std::string text_of(std::string_view json) {
  Scanner in(json, "test");
  std::string text(in.text());
  in.end();
  return text;
}

}  // namespace

TEST_CASE("a known shape reads member by member") {
  Scanner in(R"( { "name" : "orders", "sizes":[1, 22 ,333], "more": {"deep":[[],{}]} } )", "test");
  in.begin_object();
  REQUIRE(in.next_member() == "name");
  CHECK(in.text() == "orders");
  REQUIRE(in.next_member() == "sizes");
  in.begin_array();
  std::uint64_t sum = 0;
  while (in.next_element()) sum += in.size();
  CHECK(sum == 356);
  REQUIRE(in.next_member() == "more");
  in.skip();
  CHECK_FALSE(in.next_member());
  in.end();
}

TEST_CASE("what is skipped is JSON, as the parser has it") {
  for (const char* text : {"1",
                           "-0.5e+7",
                           "0",
                           "true",
                           "null",
                           R"("a")",
                           "[]",
                           "{}",
                           R"({"a":[1,2,{"b":null}]})",
                           "",
                           "tru",
                           "01",
                           "-",
                           "1.",
                           "1e",
                           "[1,]",
                           "[,1]",
                           "{,}",
                           R"({"a"})",
                           R"({"a":})",
                           R"({"a":1,})",
                           "[1 2]",
                           "nul",
                           "[",
                           "{",
                           "\"a",
                           "\"\x01\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\ud800\"",
                           "\"\\ud83d\\ude00\"",
                           "\"\xff\"",
                           "\"\xc3\xa4\"",
                           "1 1",
                           "+1",
                           ".5",
                           "[1]]"}) {
    CAPTURE(text);
    CHECK(accepts(text) == parses(text));
  }
}

TEST_CASE("nesting is bounded and not recursed") {
  CHECK(accepts(std::string(64, '[') + std::string(64, ']')));
  CHECK_FALSE(accepts(std::string(65, '[') + std::string(65, ']')));
  CHECK_FALSE(accepts(std::string(1'000'000, '[')));
}

TEST_CASE("texts come back from their escapes") {
  CHECK(text_of(R"("\"\\\/\b\f\n\r\tä\u20ac\ud83d\udca4")") == "\"\\/\b\f\n\r\tä€💤");
  CHECK(text_of(R"("long enough to be read eight bytes at a time, äöü, and \"quoted\"")") ==
        "long enough to be read eight bytes at a time, äöü, and \"quoted\"");
  CHECK(text_of("\"\"").empty());
}

TEST_CASE("texts are written as the canonical form writes them") {
  std::string all;
  for (int c = 1; c < 0x80; ++c) all += static_cast<char>(c);
  for (const std::string& text :
       {std::string(), std::string("plain"), all, std::string("ä€💤 and more than eight bytes")}) {
    std::string written;
    pod::json::append_text(written, text);
    CHECK(written + "\n" == pod::json::canonical(text));
    CHECK(text_of(written) == text);
  }
}
