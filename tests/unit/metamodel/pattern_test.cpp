#include "metamodel/pattern.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

using pod::metamodel::matches_glob;
using pod::metamodel::PathStep;
using pod::metamodel::Pattern;
using pod::metamodel::split_path;
using Kind = pod::metamodel::PatternStep::Kind;

TEST_CASE("a pattern reads step by step") {
  const Pattern pattern = Pattern::parse("/items/*:Item/@name/-1/{arn}/{secret}");
  CHECK(pattern.from_store);
  REQUIRE(pattern.steps.size() == 6);
  CHECK(pattern.steps[0].kind == Kind::name);
  CHECK(pattern.steps[0].name == "items");
  CHECK(pattern.steps[1].kind == Kind::any);
  CHECK(pattern.steps[1].class_name == "Item");
  CHECK(pattern.steps[2].kind == Kind::attribute);
  CHECK(pattern.steps[2].name == "name");
  CHECK(pattern.steps[3].kind == Kind::index);
  CHECK(pattern.steps[3].index == -1);
  CHECK(pattern.steps[4].kind == Kind::variable);
  CHECK(pattern.steps[4].name == "arn");
  CHECK(pattern.steps[5].kind == Kind::secret);
}

TEST_CASE("a single dot is the value itself") {
  CHECK(Pattern::parse(".").steps.empty());
  CHECK_FALSE(Pattern::parse(".").from_store);
}

TEST_CASE("a pattern with holes is refused") {
  for (const char* text : {"", "a//b", "a/", "/", "@", "*:", ":Item", "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(Pattern::parse(text), pod::Error);
  }
}

TEST_CASE("a glob's star stands for any bytes") {
  CHECK(matches_glob("kms:*", "kms:key:value"));
  CHECK(matches_glob("*password", "password"));
  CHECK(matches_glob("*password", "masteruserpassword"));
  CHECK(matches_glob("a*b*c", "axxbyyc"));
  CHECK(matches_glob("*", ""));
  CHECK(matches_glob("", ""));
  CHECK_FALSE(matches_glob("*password", "passwordlastused"));
  CHECK_FALSE(matches_glob("a*b*c", "acb"));
  CHECK_FALSE(matches_glob("", "a"));
  // Many stars cost no more than their product with the text.
  CHECK_FALSE(matches_glob("*a*a*a*a*a*a*a*a*a*a*b", std::string(2000, 'a')));
}

TEST_CASE("a tree's path comes apart into steps, unescaped") {
  const auto steps = split_path("/queues/a~2fb/@tags/#5/3");
  REQUIRE(steps.size() == 5);
  CHECK(steps[0].name == "queues");
  CHECK(steps[0].kind == PathStep::Kind::key);
  CHECK(steps[1].name == "a/b");
  CHECK(steps[2].name == "tags");
  CHECK(steps[2].kind == PathStep::Kind::attribute);
  CHECK(steps[3].kind == PathStep::Kind::other);
  CHECK(steps[4].name == "3");
  CHECK(split_path("").empty());
  CHECK(split_path("/~zz/~").size() == 2);
  CHECK(split_path(std::string(1000, '/')).size() == 64);
}
