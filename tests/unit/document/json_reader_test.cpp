#include "document/json_reader.hpp"

#include <libpod/error.hpp>

#include "document/tree.hpp"

#include <doctest/doctest.h>

using pod::ErrorCode;
using pod::document::Graph;
using pod::document::Kind;
using pod::document::Limits;
using pod::document::read_json;
using pod::document::Tree;
using pod::document::Value;

namespace {

ErrorCode refusal(std::string text, const Limits& limits = {}) {
  try {
    read_json(std::move(text), "state.json", limits);
  } catch (const pod::Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    constexpr char digits[] = "0123456789abcdef";
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

}  // namespace

TEST_CASE("JSON becomes dicts, lists and atoms") {
  const Graph graph = read_json(R"({"a": [1, -2, 2.5, true, null, "x\u00e9"], "b": {"": {}}})", "state.json");
  const Tree tree(graph);
  CHECK(graph.integer(*tree.find("/a/1")) == -2);
  CHECK(graph.real(*tree.find("/a/2")) == 2.5);
  CHECK(graph.boolean(*tree.find("/a/3")));
  CHECK(tree.find("/a/4")->kind() == Kind::none);
  CHECK(graph.text(*tree.find("/a/5")) == "x\xc3\xa9");
  CHECK(tree.find("/b/")->kind() == Kind::dict);
  CHECK(tree.edge_count(tree.root()) == 2);
}

TEST_CASE("integers are kept whole, however long") {
  const Graph graph = read_json(
      "[9223372036854775807, 9223372036854775808, -9223372036854775808, -9223372036854775809,"
      " 18446744073709551616, 340282366920938463463374607431768211455, -0]",
      "state.json");
  const Tree tree(graph);
  const auto at = [&](std::uint32_t place) { return *tree.index(tree.root(), place); };
  CHECK(graph.integer(at(0)) == INT64_MAX);
  CHECK(hex(graph.bytes(at(1))) == "000000000000008000");
  CHECK(graph.integer(at(2)) == INT64_MIN);
  CHECK(hex(graph.bytes(at(3))) == "ffffffffffffff7fff");
  CHECK(hex(graph.bytes(at(4))) == "000000000000000001");
  CHECK(hex(graph.bytes(at(5))) == "ffffffffffffffffffffffffffffffff00");
  CHECK(graph.integer(at(6)) == 0);
}

TEST_CASE("JSON that says two things or nothing is not read") {
  for (const char* text : {R"({"a": 1, "a": 2})", R"({"a": {"b": 1, "c": 2, "b": 3}})", "{", "[1,]", "[NaN]", "[01]",
                           "{} {}", "[\"\xff\"]", "[\"\\ud800\"]", "[\"\xed\xa0\x80\"]", "", "nothing"})
    CHECK_MESSAGE(refusal(text) == ErrorCode::corrupt, text);
  CHECK(refusal(std::string("[1]\0[2]", 7)) == ErrorCode::corrupt);
}

TEST_CASE("JSON past a limit is refused before it is held") {
  CHECK(refusal(std::string(1'000'000, '[')) == ErrorCode::refused);
  std::string objects;
  for (int at = 0; at < 200'000; ++at) objects += "{\"a\":";
  CHECK(refusal(objects) == ErrorCode::refused);
  CHECK(refusal("[" + std::string(1'000'000, '9') + "]") == ErrorCode::refused);
  CHECK(refusal("[1e999]") == ErrorCode::refused);
  CHECK(refusal("[1, 2, 3, 4]", {.steps = 4}) == ErrorCode::refused);
  CHECK(refusal("[[], [], []]", {.nodes = 3}) == ErrorCode::refused);
  CHECK(refusal("[\"longer than that\"]", {.bytes = 8}) == ErrorCode::refused);
}
