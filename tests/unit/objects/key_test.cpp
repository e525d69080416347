#include "objects/object_store.hpp"

#include <doctest/doctest.h>
#include <libpod/error.hpp>

#include <string>

namespace pod::objects {
namespace {

TEST_CASE("a key is segments of plain characters between single slashes") {
  for (const char* text : {"a", "a/b", "pods/web.shop_1-x/HEAD", "...", "a/..b", "-", "A.b/..."})
    CHECK(Key::parse(text).str() == text);
  CHECK(Key::parse(std::string(512, 'a')).str().size() == 512);
}

TEST_CASE("what could leave the remote or mean two things is no key") {
  for (const std::string text : {"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/.", "a b", "a\nb", "\xc3\xa4",
                                 "a%2f", "a\\b", "a:b", "~", "a*"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(Key::parse(text), Error);
  }
  CHECK_THROWS_AS(Key::parse(std::string("a\0b", 3)), Error);
  CHECK_THROWS_AS(Key::parse(std::string(513, 'a')), Error);
}

}  // namespace
}  // namespace pod::objects
