#include <libpod/names.hpp>

#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <unordered_set>

using pod::ErrorCode;
using pod::Oid;
using pod::PodName;
using pod::PodRef;
using pod::StatePath;

namespace {

/// The message of the Error(invalid_argument) that `call` throws; "" where it throws none.
std::string refusal(const auto& call) {
  try {
    call();
  } catch (const pod::Error& error) {
    CHECK(error.code() == ErrorCode::invalid_argument);
    return error.message();
  }
  return "";
}

std::string name_refusal(std::string_view text) {
  return refusal([&] { PodName::parse(text); });
}
std::string ref_refusal(std::string_view text) {
  return refusal([&] { PodRef::parse(text); });
}
std::string path_refusal(std::string_view text) {
  return refusal([&] { StatePath::parse(text); });
}

}  // namespace

TEST_CASE("an object id is 40 hex digits, either case") {
  const std::string hex = "0123456789abcdef0123456789abcdef01234567";
  CHECK(Oid::parse(hex).hex() == hex);
  CHECK(Oid::parse("0123456789ABCDEF0123456789abcdef01234567").hex() == hex);
  CHECK(Oid().is_zero());
  CHECK(Oid::parse(std::string(40, '0')).is_zero());
  CHECK_FALSE(Oid::parse(hex).is_zero());
  CHECK(Oid::parse(hex) == Oid::parse(hex));
  CHECK(Oid() < Oid::parse(hex));
  for (const std::string& bad : {std::string(), hex.substr(1), hex + "0", "g" + hex.substr(1), " " + hex.substr(1),
                                 "+" + hex.substr(1), "0x" + hex.substr(2), hex.substr(0, 39) + "\n"})
    CHECK(refusal([&] { Oid::parse(bad); }) == "invalid object id " + pod::quote(bad) + ": not 40 hex digits");
  CHECK(std::unordered_set<Oid>{Oid::parse(hex), Oid::parse(hex), Oid()}.size() == 2);
}

TEST_CASE("a pod's name is letters, digits, dots, underscores and dashes") {
  for (const std::string name :
       {"a", "Z", "0", "shop", "shop.v2", "my_pod-1", "a.b.c", "rev", "head1", "lock", "a.locked", "x-"}) {
    CAPTURE(name);
    CHECK(PodName::parse(name).str() == name);
  }
  CHECK(PodName::parse(std::string(128, 'n')).str().size() == 128);
  CHECK(PodName::parse("shop").branch() == "refs/heads/shop");
}

TEST_CASE("a pod's name that breaks a rule is refused, and the rule is named") {
  CHECK(name_refusal("") == "invalid pod name \"\": it is empty");
  CHECK(name_refusal(std::string(129, 'n')).ends_with("it has more than 128 characters"));
  CHECK(name_refusal(std::string(1'000'000, 'n')).size() < 300);
  for (const std::string name : {"-x", ".x", "_x", "/", " x", "\x1b"}) {
    CAPTURE(name);
    CHECK(name_refusal(name).ends_with("it must start with a letter or a digit"));
  }
  for (const std::string name :
       {"a b", "a/b", "a:b", "a~1", "a^", "a?", "a*", "a[b", "a\\b", "a@{b", "a\n", "aé", "a\xff"}) {
    CAPTURE(name);
    CHECK(name_refusal(name).ends_with("it has a character that is not a letter, digit, '.', '_' or '-'"));
  }
  CHECK(name_refusal(std::string_view("a\0b", 3)) ==
        "invalid pod name \"a\\x00b\": it has a character that is not a letter, digit, '.', '_' or '-'");
  CHECK(name_refusal("a..b").ends_with("it has \"..\""));
  CHECK(name_refusal("a.").ends_with("it ends in \".\""));
  CHECK(name_refusal("a.lock").ends_with("it ends in \".lock\""));
  CHECK(name_refusal("a.LOCK").ends_with("it ends in \".lock\""));
  for (const std::string name : {"HEAD", "head", "Head"}) CHECK(name_refusal(name).ends_with("the name is reserved"));
}

TEST_CASE("a reference without a number is the latest version") {
  const PodRef ref = PodRef::parse("shop");
  CHECK(ref.kind() == PodRef::Kind::latest);
  CHECK(ref.pod().str() == "shop");
  CHECK(ref.has_pod());
  CHECK_FALSE(ref.remote());
  CHECK(ref.str() == "shop");
}

TEST_CASE("a reference names a version by number or by steps back") {
  const PodRef third = PodRef::parse("shop:3");
  CHECK(third.kind() == PodRef::Kind::version);
  CHECK(third.number() == 3);
  CHECK(third.str() == "shop:3");
  const PodRef back = PodRef::parse("shop~2");
  CHECK(back.kind() == PodRef::Kind::back);
  CHECK(back.number() == 2);
  CHECK(back.str() == "shop~2");
  CHECK(PodRef::parse("shop~").number() == 1);
  CHECK(PodRef::parse("shop~0").number() == 0);
  CHECK(PodRef::parse("shop:007").number() == 7);
  CHECK(PodRef::parse("shop:9223372036854775807").number() == 9223372036854775807);
  CHECK(PodRef::numbered(PodName::parse("shop"), 3).str() == "shop:3");
  CHECK(PodRef::latest(PodName::parse("shop")).str() == "shop");
}

TEST_CASE("a reference may stand at a remote") {
  const PodRef ref = PodRef::parse("origin/shop:2");
  CHECK(ref.remote() == "origin");
  CHECK(ref.pod().str() == "shop");
  CHECK(ref.number() == 2);
  CHECK(ref.str() == "origin/shop:2");
  CHECK(PodRef::parse("origin/shop").kind() == PodRef::Kind::latest);
  CHECK(PodRef::parse("origin/shop~1").str() == "origin/shop~1");
}

TEST_CASE("a git revision stands behind rev:, but digits are always a version") {
  const PodRef revision = PodRef::parse("rev:main@{yesterday}");
  CHECK(revision.kind() == PodRef::Kind::revision);
  CHECK(revision.revision() == "main@{yesterday}");
  CHECK_FALSE(revision.has_pod());
  CHECK(revision.str() == "rev:main@{yesterday}");
  CHECK(PodRef::parse("rev:shop:3").revision() == "shop:3");
  CHECK(PodRef::parse("rev:refs/heads/shop~1").revision() == "refs/heads/shop~1");

  const PodRef version = PodRef::parse("rev:3");
  CHECK(version.kind() == PodRef::Kind::version);
  CHECK(version.pod().str() == "rev");
  CHECK(version.number() == 3);
  CHECK(PodRef::parse("rev").pod().str() == "rev");
  CHECK(PodRef::parse("rev~1").pod().str() == "rev");
  const PodRef remote = PodRef::parse("origin/rev:3");
  CHECK(remote.remote() == "origin");
  CHECK(remote.pod().str() == "rev");
}

TEST_CASE("a reference that says nothing clear is refused") {
  for (const std::string text : {"",
                                 ":3",
                                 "~1",
                                 "/",
                                 "origin/",
                                 "/shop",
                                 "a/b/c",
                                 "shop:",
                                 "shop:x",
                                 "shop:-1",
                                 "shop:+1",
                                 "shop: 1",
                                 "shop:1 ",
                                 "shop:3:4",
                                 "shop:3~1",
                                 "shop~x",
                                 "shop~-1",
                                 "shop~1:2",
                                 "shop~1~1",
                                 "shop:0",
                                 "shop:00",
                                 "shop:9223372036854775808",
                                 "shop~99999999999999999999",
                                 "rev:",
                                 "-shop",
                                 "ori gin/shop",
                                 "../shop",
                                 "shop:3\n",
                                 "shop^"}) {
    CAPTURE(text);
    CHECK_FALSE(ref_refusal(text).empty());
  }
  CHECK(ref_refusal("shop:0") == "invalid reference \"shop:0\": versions are counted from 1");
  CHECK(ref_refusal("shop:x") == "invalid reference \"shop:x\": no version number after \":\"");
  CHECK(ref_refusal("shop~x") == "invalid reference \"shop~x\": no number after \"~\"");
  CHECK(ref_refusal("rev:") == "invalid reference \"rev:\": no git revision after \"rev:\"");
  CHECK_FALSE(ref_refusal(std::string_view("rev:a\0b", 7)).empty());
  CHECK_FALSE(ref_refusal("rev:" + std::string(1025, 'r')).empty());
}

TEST_CASE("a state path is relative and stays below its root") {
  for (const std::string path :
       {"a", "a/b", ".pod/info.json", "...", "..a", "a..", ".git/config", "a b\n", "a\\b", "c:", "\xff", "ü"}) {
    CAPTURE(path);
    CHECK(StatePath::parse(path).str() == path);
  }
  CHECK(path_refusal("") == "unsafe path \"\": it is empty");
  CHECK(path_refusal("/a") == "unsafe path \"/a\": it is absolute");
  CHECK(path_refusal("/").ends_with("it is absolute"));
  for (const std::string path : {"a/", "a//b", "a/b/"})
    CHECK(path_refusal(path).ends_with("it has an empty component"));
  for (const std::string path : {".", "..", "./a", "../a", "a/.", "a/..", "a/./b", "a/../b"})
    CHECK(path_refusal(path).ends_with("it has a component \".\" or \"..\""));
  CHECK(path_refusal(std::string_view("a\0", 2)).ends_with("it holds a NUL byte"));
}

TEST_CASE("a state path has limits of length and depth") {
  CHECK(StatePath::parse(std::string(255, 'a')).str().size() == 255);
  CHECK(path_refusal(std::string(256, 'a')).ends_with("it has a component of more than 255 bytes"));
  std::string deep = "a";
  for (int i = 1; i < 64; ++i) deep += "/a";
  CHECK(StatePath::parse(deep).components().size() == 64);
  CHECK(path_refusal(deep + "/a").ends_with("it has more than 64 components"));
  std::string longest;
  for (int i = 0; i < 4; ++i) longest += std::string(204, 'a') + "/";
  longest += std::string(204, 'a');
  CHECK(StatePath::parse(longest).str().size() == 1024);
  CHECK(path_refusal(longest + "a").ends_with("it has more than 1,024 bytes"));
}

TEST_CASE("a state path gives its components") {
  CHECK(StatePath::parse("a/b.c/d").components() == std::vector<std::string_view>{"a", "b.c", "d"});
  CHECK(StatePath::parse("a").components() == std::vector<std::string_view>{"a"});
}
