#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <set>

using pod::Error;
using pod::ErrorCode;

TEST_CASE("an error says what failed, why, what is kept and what to do") {
  const Error error = Error(ErrorCode::not_found, "no version 7 of pod \"shop\"")
                          .because("it has versions 1 to 3")
                          .because("the journal says so")
                          .keeping("the store was not changed")
                          .hint("podgit versions shop");
  CHECK(error.code() == ErrorCode::not_found);
  CHECK(error.message() == "no version 7 of pod \"shop\"");
  CHECK(std::string(error.what()) == error.message());
  CHECK(error.causes() == std::vector<std::string>{"it has versions 1 to 3", "the journal says so"});
  CHECK(error.kept() == "the store was not changed");
  CHECK(error.next() == "podgit versions shop");
}

TEST_CASE("context added while unwinding becomes the message, and the old one the first cause") {
  Error error(ErrorCode::io, "cannot read \"x\"");
  error.because("Input/output error");
  error.within("cannot commit \"shop\"");
  CHECK(error.message() == "cannot commit \"shop\"");
  CHECK(error.causes() == std::vector<std::string>{"cannot read \"x\"", "Input/output error"});
  CHECK(error.code() == ErrorCode::io);
}

TEST_CASE("every code has its own name and the exit code of its kind") {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(ErrorCode::internal); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    names.insert(code_name(code));
    CHECK(exit_code(code) > 0);
  }
  CHECK(names.size() == static_cast<std::size_t>(ErrorCode::internal) + 1);
  CHECK(code_name(ErrorCode::outcome_unknown) == "OUTCOME_UNKNOWN");
  CHECK(exit_code(ErrorCode::invalid_argument) == 2);
  CHECK(exit_code(ErrorCode::denied) == 4);
  CHECK(exit_code(ErrorCode::not_found) == 5);
  CHECK(exit_code(ErrorCode::conflict) == 6);
  CHECK(exit_code(ErrorCode::corrupt) == 7);
  CHECK(exit_code(ErrorCode::refused) == 8);
  CHECK(exit_code(ErrorCode::unreachable) == 9);
  CHECK(exit_code(ErrorCode::busy) == 10);
  CHECK(exit_code(ErrorCode::incompatible) == 11);
  CHECK(exit_code(ErrorCode::outcome_unknown) == 13);
  CHECK(exit_code(ErrorCode::cancelled) == 130);
}

TEST_CASE("only a busy or unreachable other side is worth another try") {
  CHECK(Error(ErrorCode::busy, "").retryable());
  CHECK(Error(ErrorCode::unreachable, "").retryable());
  CHECK_FALSE(Error(ErrorCode::outcome_unknown, "").retryable());
  CHECK_FALSE(Error(ErrorCode::io, "").retryable());
}

TEST_CASE("a quoted name is safe for any terminal") {
  CHECK(pod::quote("shop") == "\"shop\"");
  CHECK(pod::quote("größe 😀") == "\"größe 😀\"");
  CHECK(pod::quote("a\"b\\c") == "\"a\\\"b\\\\c\"");
  CHECK(pod::quote("\x1b[31mred\n\t\r\x7f") == "\"\\x1b[31mred\\x0a\\x09\\x0d\\x7f\"");
  CHECK(pod::quote(std::string_view("\0", 1)) == "\"\\x00\"");
  CHECK(pod::quote("\xc2\x9b"
                   "31m") == "\"\\xc2\\x9b31m\"");  // CSI as one character
  CHECK(pod::quote("a\u202e"
                   "b") == "\"a\\xe2\\x80\\xaeb\"");  // right-to-left override
  CHECK(pod::quote("a\u2066"
                   "b\u200b") == "\"a\\xe2\\x81\\xa6b\\xe2\\x80\\x8b\"");
  CHECK(pod::quote("\ufeff") == "\"\\xef\\xbb\\xbf\"");
  CHECK(pod::quote("\U000e0041") == "\"\\xf3\\xa0\\x81\\x81\"");  // a tag character: invisible
}

TEST_CASE("bytes that are not UTF-8 are shown one by one") {
  CHECK(pod::quote("\xff") == "\"\\xff\"");
  CHECK(pod::quote("\xc3") == "\"\\xc3\"");
  CHECK(pod::quote("\xc0\xaf") == "\"\\xc0\\xaf\"");           // overlong
  CHECK(pod::quote("\xed\xa0\x80") == "\"\\xed\\xa0\\x80\"");  // surrogate
  CHECK(pod::quote("\xe2\x82") == "\"\\xe2\\x82\"");
  CHECK(pod::quote("\xf4\x90\x80\x80") == "\"\\xf4\\x90\\x80\\x80\"");
}

TEST_CASE("a long name is cut between characters") {
  CHECK(pod::quote(std::string(1000, 'a')) == "\"" + std::string(199, 'a') + "…\"");
  CHECK(pod::quote(std::string(199, 'a')) == "\"" + std::string(199, 'a') + "\"");
  CHECK(pod::quote(std::string(1'000'000, '\x1b')).size() < 220);
  std::string umlauts;
  for (int i = 0; i < 500; ++i) umlauts += "ü";
  const std::string shown = pod::quote(umlauts);
  CHECK(shown.ends_with("ü…\""));
  CHECK(shown.find('\\') == std::string::npos);
}

TEST_CASE("printable text is escaped but neither quoted nor cut") {
  CHECK(pod::printable("a \"b\" \\ c") == "a \"b\" \\ c");
  CHECK(pod::printable("x\x1b]0;title\x07") == "x\\x1b]0;title\\x07");
  CHECK(pod::printable(std::string(1000, 'a')).size() == 1000);
  CHECK(pod::printable("").empty());
}
