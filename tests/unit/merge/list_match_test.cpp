#include "merge/list_match.hpp"

#include <doctest/doctest.h>

using namespace pod::merge;
using Names = std::vector<std::string>;

namespace {

/// "aa" a pair, "a-" removed, "-b" added.
std::string shown(const std::vector<Pair>& pairs, const Names& before, const Names& after) {
  std::string out;
  for (const auto& [a, b] : pairs) out += (out.empty() ? "" : " ") + (a ? before[*a] : "-") + (b ? after[*b] : "-");
  return out;
}
std::string by_name(const Names& before, const Names& after) {
  return shown(match_by_name(before, after), before, after);
}
std::string by_sequence(const Names& before, const Names& after, std::size_t work = 1000) {
  return shown(match_by_sequence(before, after, work), before, after);
}

}  // namespace

TEST_CASE("elements with names are found wherever they are") {
  CHECK(by_name({}, {}) == "");
  CHECK(by_name({"a", "b", "c"}, {"c", "a", "d"}) == "cc aa b- -d");
  CHECK(by_name({"a", "b"}, {}) == "a- b-");
  CHECK(by_name({}, {"a"}) == "-a");
}

TEST_CASE("elements without names are matched by their longest common sequence") {
  CHECK(by_sequence({}, {}) == "");
  CHECK(by_sequence({"a", "b", "c"}, {"a", "b", "c"}) == "aa bb cc");
  CHECK(by_sequence({"a", "b", "c"}, {"a", "c"}) == "aa b- cc");
  CHECK(by_sequence({"a", "c"}, {"a", "b", "c"}) == "aa -b cc");
  CHECK(by_sequence({"a", "b", "c", "d", "e"}, {"a", "x", "c", "e", "f"}) == "aa bx cc d- ee -f");
  CHECK(by_sequence({"x", "x", "x"}, {"x", "x"}) == "xx xx x-");
}

TEST_CASE("past the bound the middle is taken by place") {
  CHECK(by_sequence({"a", "b", "c", "d", "z"}, {"a", "c", "d", "b", "z"}, 4) == "aa bc cd db zz");
  // One at the end of many costs nothing.
  Names many(200'000, "m");
  Names more = many;
  more.push_back("n");
  const auto pairs = match_by_sequence(many, more);
  REQUIRE(pairs.size() == more.size());
  CHECK_FALSE(pairs.back().first);
}
