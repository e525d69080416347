#include "objects/object_store.hpp"

#include <doctest/doctest.h>
#include <libpod/error.hpp>

#include <string>

namespace pod::objects {
namespace {

TEST_CASE("a key is segments of plain characters between single slashes") {
  for (const char* text : {"a", "a/b", "pods/web.shop_1-x/HEAD", "a..", "-", "A.b/_."})
    CHECK(Key::parse(text).str() == text);
  std::string longest;
  while (longest.size() < 400) longest += std::string(99, 'k') + "/";
  longest += std::string(112, 'k');
  CHECK(Key::parse(longest).str().size() == 512);
  CHECK_THROWS_AS(Key::parse(longest + "k"), Error);
  CHECK(Key::parse(std::string(200, 'a')).str().size() == 200);
  CHECK_THROWS_AS(Key::parse(std::string(201, 'a')), Error);
}

TEST_CASE("what could leave the remote or mean two things is no key") {
  for (const std::string text :
       {"",         "/",           "/a",  "a/",   "a//b",     ".",    "..",   "a/../b", "a/.", "...",
        ".nfs0001", "a/.snapshot", "a b", "a\nb", "\xc3\xa4", "a%2f", "a\\b", "a:b",    "~",   "a*"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(Key::parse(text), Error);
  }
  CHECK_THROWS_AS(Key::parse(std::string("a\0b", 3)), Error);
}

}  // namespace
}  // namespace pod::objects
