#include "json/json.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <sys/resource.h>

#include <limits>

namespace json = pod::json;
using pod::ErrorCode;

namespace {

struct Failure {
  bool failed = false;
  ErrorCode code = ErrorCode::internal;
  std::string message;
};

Failure failure_of(std::string_view text, const json::Limits& limits = {}) {
  try {
    json::parse(text, "state.json", limits);
  } catch (const pod::Error& error) {
    return {true, error.code(), error.message()};
  }
  return {};
}

bool is_corrupt(std::string_view text) {
  const Failure failure = failure_of(text);
  return failure.failed && failure.code == ErrorCode::corrupt;
}

bool is_refused(std::string_view text, const json::Limits& limits = {}) {
  const Failure failure = failure_of(text, limits);
  return failure.failed && failure.code == ErrorCode::refused;
}

long peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

}  // namespace

TEST_CASE("JSON of every kind is read as it was meant") {
  const json::Value value = json::parse(
      R"( {"b":[1,-2,1.5,true,false,null,"x\u00e9\n"],"a":{},"max":18446744073709551615,"min":-9223372036854775808} )",
      "x");
  CHECK(value["b"][0] == 1);
  CHECK(value["b"][1] == -2);
  CHECK(value["b"][2] == 1.5);
  CHECK(value["b"][3] == true);
  CHECK(value["b"][5].is_null());
  CHECK(value["b"][6] == "xé\n");
  CHECK(value["a"].is_object());
  CHECK(value["max"] == std::numeric_limits<std::uint64_t>::max());
  CHECK(value["min"] == std::numeric_limits<std::int64_t>::min());
  CHECK(json::parse("7", "x") == 7);
  CHECK(json::parse("[[],[[]],{\"k\":[{}]}]", "x").dump() == "[[],[[]],{\"k\":[{}]}]");
}

TEST_CASE("what is not JSON is corrupt, and the place is named") {
  CHECK(failure_of("{\"a\":1,\n \"b\":x}").message ==
        "\"state.json\" is not acceptable JSON: syntax error at line 2, column 6");
  CHECK(failure_of("{\"a\":[1,2").message ==
        "\"state.json\" is not acceptable JSON: it ends too early at line 1, column 10");
  for (const std::string_view text :
       {"",    " ",       "{",        "[",       "[1,]",     "{\"a\"}", "{\"a\":}", "{a:1}",     "{'a':1}",
        "nul", "NaN",     "Infinity", "-",       "01",       "1.",      ".5",       "+1",        "1e",
        "\"",  "\"\\x\"", "\"\n\"",   "// c\n1", "/* c */1", "[1 2]",   "]",        "\"\\u12\"", "<html></html>"}) {
    CAPTURE(text);
    CHECK(is_corrupt(text));
  }
}

TEST_CASE("data after the value is corrupt, also behind a NUL") {
  CHECK(is_corrupt("{} {}"));
  CHECK(is_corrupt("1,"));
  CHECK(is_corrupt(std::string_view("{}\0", 3)));
  CHECK(is_corrupt(std::string_view("{}\0{\"a\":1}", 10)));
  CHECK(is_corrupt(std::string_view("\"a\0b\"", 5)));
}

TEST_CASE("text that is not UTF-8 is corrupt, in keys, values and escapes") {
  CHECK(is_corrupt("\"\xff\""));
  CHECK(is_corrupt("{\"\xc3\":1}"));
  CHECK(is_corrupt("\"\xc0\x80\""));      // overlong
  CHECK(is_corrupt("\"\xed\xa0\x80\""));  // a surrogate in UTF-8
  CHECK(is_corrupt("\"\\ud800\""));       // half a pair
  CHECK(is_corrupt("\"\\udc00\\ud800\""));
  CHECK(failure_of("[\n\"\xff\"]").message ==
        "\"state.json\" is not acceptable JSON: invalid UTF-8 at line 2, column 2");
  CHECK(json::parse("\"\\ud83d\\ude00\"", "x") == "😀");
}

TEST_CASE("a key that is there twice is corrupt, at any depth, however it is spelt") {
  CHECK(failure_of(R"({"a":1,"b":{"c":1,"c":2}})").message ==
        R"("state.json" is not acceptable JSON: the key "c" is there twice)");
  CHECK(is_corrupt(R"({"a":1,"\u0061":2})"));
  CHECK(is_corrupt(R"([{"":1,"":1}])"));
  CHECK_FALSE(failure_of(R"({"a":{"a":{"a":1}},"A":1})").failed);
}

TEST_CASE("depth is refused one level past the limit, whatever follows") {
  const json::Limits limits{.depth = 3};
  CHECK_FALSE(failure_of("[[[1]]]", limits).failed);
  CHECK(is_refused("[[[[1]]]]", limits));
  CHECK(is_refused(R"({"a":[{"b":{}}]})", limits));
  CHECK(is_refused("[]", {.depth = 0}));
  CHECK_FALSE(failure_of("1", {.depth = 0}).failed);
}

TEST_CASE("a million opening brackets are refused without a deep stack or much memory") {
  const long before = peak_kilobytes();
  CHECK(is_refused(std::string(1'000'000, '[')));
  std::string objects;
  for (int i = 0; i < 1'000'000; ++i) objects += "{\"\":";
  const long with_text = peak_kilobytes();
  CHECK(is_refused(objects));
  CHECK(peak_kilobytes() - with_text < 4096);
  CHECK(with_text - before < 32768);
}

TEST_CASE("the number of values and of bytes is limited while reading") {
  CHECK_FALSE(failure_of("[1,2,3]", {.values = 4}).failed);
  CHECK(is_refused("[1,2,3,4]", {.values = 4}));
  CHECK(is_refused(R"({"a":1,"b":2,"c":3,"d":4})", {.values = 4}));
  CHECK_FALSE(failure_of("[1,2]", {.bytes = 5}).failed);
  CHECK(is_refused("[1,2] ", {.bytes = 5}));
}

TEST_CASE("numbers that would change silently are refused") {
  CHECK(is_refused("18446744073709551616"));
  CHECK(is_refused("-9223372036854775809"));
  CHECK(is_refused(std::string(1'000'000, '9')));
  CHECK(is_refused("1e999"));
  CHECK(is_refused("-1e999"));
  CHECK(json::parse("1e2", "x") == 100.0);
}

TEST_CASE("the canonical form does not depend on the order or the spelling of the input") {
  CHECK(json::canonical(json::parse("{\"b\": [1, 2.50, \"\\u00e9\"],\n \"a\" : null}", "x")) ==
        "{\"a\":null,\"b\":[1,2.5,\"é\"]}\n");
  CHECK(json::canonical(json::parse("{\"a\":null,\"b\":[1,2.5,\"é\"]}", "x")) == "{\"a\":null,\"b\":[1,2.5,\"é\"]}\n");
  const std::string once =
      json::canonical(json::parse(R"([0.1,1e300,-0.0,1e-7,123456789.125,"\u0000\u001f\"\\\/"])", "x"));
  CHECK(json::canonical(json::parse(once, "x")) == once);
}

TEST_CASE("bytes that are not UTF-8 are not written as JSON") {
  CHECK_THROWS_AS(json::canonical(json::Value("\xff")), pod::Error);
}

TEST_CASE("a member is taken by its type, or the error names it") {
  const json::Value object = json::parse(
      R"({"s":"x","i":-5,"n":7,"big":18446744073709551615,"f":1.0,"b":true,"a":["x","y"],"mixed":["x",1],"o":{"k":1}})",
      "x");
  CHECK(json::string_member(object, "s", "x") == "x");
  CHECK(json::integer_member(object, "i", "x") == -5);
  CHECK(json::size_member(object, "n", "x") == 7);
  CHECK(json::size_member(object, "big", "x") == std::numeric_limits<std::uint64_t>::max());
  CHECK(json::bool_member(object, "b", "x"));
  CHECK(json::array_member(object, "mixed", "x").size() == 2);
  CHECK(json::object_member(object, "o", "x").size() == 1);
  CHECK(json::strings_member(object, "a", "x") == std::vector<std::string>{"x", "y"});
  CHECK(json::find_string(object, "s") == "x");
  CHECK_FALSE(json::find_string(object, "i"));
  CHECK_FALSE(json::find_string(object, "missing"));
  CHECK_FALSE(json::find_string(json::Value(1), "s"));
  CHECK(json::size_member(json::Value{{"made", 5}}, "made", "x") == 5);

  const auto message = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const pod::Error& error) {
      CHECK(error.code() == ErrorCode::corrupt);
      return error.message();
    }
    return "no error";
  };
  CHECK(message([&] { json::string_member(object, "i", "info"); }) == "member \"i\" of \"info\" is not text");
  CHECK(message([&] { json::string_member(object, "gone", "info"); }) == "\"info\" has no member \"gone\"");
  CHECK(message([&] { json::string_member(object["a"], "s", "info"); }) == "\"info\" is not a JSON object");
  CHECK(message([&] { json::integer_member(object, "big", "info"); }) ==
        "member \"big\" of \"info\" is not a whole number");
  CHECK(message([&] { json::integer_member(object, "f", "info"); }) ==
        "member \"f\" of \"info\" is not a whole number");
  CHECK(message([&] { json::integer_member(object, "b", "info"); }) ==
        "member \"b\" of \"info\" is not a whole number");
  CHECK(message([&] { json::size_member(object, "i", "info"); }) == "member \"i\" of \"info\" is not a size");
  CHECK(message([&] { json::bool_member(object, "n", "info"); }) == "member \"n\" of \"info\" is not true or false");
  CHECK(message([&] { json::array_member(object, "o", "info"); }) == "member \"o\" of \"info\" is not a list");
  CHECK(message([&] { json::object_member(object, "a", "info"); }) == "member \"a\" of \"info\" is not an object");
  CHECK(message([&] { json::strings_member(object, "mixed", "info"); }) ==
        "member \"mixed\" of \"info\" is not a list of texts");
}
