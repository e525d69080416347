#include "git/receive_pack.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

using namespace pod;
using namespace pod::git;

namespace {

const Oid one = Oid::parse("1111111111111111111111111111111111111111");
const Oid two = Oid::parse("2222222222222222222222222222222222222222");

std::string line(const std::string& text) {
  char head[5];
  std::snprintf(head, sizeof head, "%04zx", text.size() + 4);
  return head + text;
}

}  // namespace

TEST_CASE("what is there is advertised, and what need not be sent") {
  const std::string caps = std::string(1, '\0') + "report-status delete-refs ofs-delta\n";
  CHECK(advertise({{"refs/heads/shop", one, ""}}, {two}) ==
        line(one.hex() + " refs/heads/shop" + caps) + line(two.hex() + " .have\n") + "0000");
  CHECK(advertise({}, {}) == line(Oid().hex() + " capabilities^{}" + caps) + "0000");
}

TEST_CASE("a request is understood in pieces of any size, and its pack passed over") {
  const std::string bytes =
      line(Oid().hex() + " " + one.hex() + " refs/heads/shop" + std::string(1, '\0') + " report-status") +
      line(one.hex() + " " + Oid().hex() + " refs/tags/old\n") + "0000PACK and all that";
  for (const std::size_t size : {std::size_t{1}, std::size_t{3}, bytes.size()}) {
    PushRequest request;
    for (std::size_t at = 0; at < bytes.size(); at += size) request.add(bytes.substr(at, size));
    REQUIRE(request.commands());
    REQUIRE(request.commands()->size() == 2);
    CHECK(request.commands()->at(0).name == "refs/heads/shop");
    CHECK(request.commands()->at(0).before.is_zero());
    CHECK(request.commands()->at(0).after == one);
    CHECK(request.commands()->at(1).name == "refs/tags/old");
    CHECK(request.commands()->at(1).after.is_zero());
  }
}

TEST_CASE("what is no request is refused") {
  for (const std::string& bytes :
       {std::string("zzzz"), std::string("0001"), std::string("0004"), std::string("-001"), line("words"),
        line(one.hex() + " " + two.hex()), line(one.hex() + "-" + two.hex() + " refs/heads/x"),
        line(std::string(40, 'g') + " " + two.hex() + " refs/heads/x")}) {
    CAPTURE(bytes);
    PushRequest request;
    CHECK_THROWS_AS(request.add(bytes), Error);
  }
  PushRequest cut;
  cut.add(line(one.hex() + " " + two.hex() + " refs/heads/x"));
  CHECK_FALSE(cut.commands());
}

TEST_CASE("a report says of each ref what became of it") {
  CHECK(report({{"refs/heads/a", ""}, {"refs/heads/b", "not this one"}}) ==
        line("unpack ok\n") + line("ok refs/heads/a\n") + line("ng refs/heads/b not this one\n") + "0000");
}
