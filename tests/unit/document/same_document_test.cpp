#include "document/same_document.hpp"
#include "document/document.hpp"
#include "document/pickle.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace pod::document;

namespace {

template <std::size_t Size>
std::string raw(const char (&text)[Size]) {
  return {text, Size - 1};
}

/// What the quick look says; never yes where the digests differ.
bool same(const std::string& one, const std::string& other) {
  const Graph a = read_pickle(one, "one");
  const Graph b = read_pickle(other, "other");
  const bool quick = same_document(a, b);
  CHECK(quick == same_document(b, a));
  if (quick) CHECK(canonical_digest(a) == canonical_digest(b));
  return quick;
}

}  // namespace

TEST_CASE("documents are the same whatever protocol and batches they were written in") {
  CHECK(same("(lp0\nI1\naVtext\np1\na.", raw("\x80\x04](K\x01\x8c\x04texte.")));
  CHECK(same("(lp0\nI1\naI2\na.", raw("\x80\x04](K\x01K\x02"
                                      "e.")));
}

TEST_CASE("another number, text, kind, size or byte of an array is another document") {
  CHECK_FALSE(same(raw("K\x01."), raw("K\x02.")));
  CHECK_FALSE(same(raw("K\x01."), raw("\x88.")));
  CHECK_FALSE(same(raw("\x8c\x01"
                       "a."),
                   raw("C\x01"
                       "a.")));
  CHECK_FALSE(same(raw("](K\x01K\x02"
                       "e."),
                   raw("](K\x01K\x03"
                       "e.")));
  CHECK_FALSE(same(raw("](K\x01K\x02"
                       "e."),
                   raw("]K\x01"
                       "a.")));
  CHECK_FALSE(same(raw("\x80\x05\x96\x01\x00\x00\x00\x00\x00\x00\x00"
                       "a."),
                   raw("\x80\x05\x96\x01\x00\x00\x00\x00\x00\x00\x00"
                       "b.")));
  CHECK_FALSE(same(raw("G\x80\x00\x00\x00\x00\x00\x00\x00."), raw("G\x00\x00\x00\x00\x00\x00\x00\x00.")));
}

TEST_CASE("two lists that are equal are not one list that is there twice") {
  const std::string twice =
      raw("](](K\x01"
          "e](K\x01"
          "ee.");
  const std::string shared =
      raw("](](K\x01"
          "eq\x01h\x01"
          "e.");
  CHECK(same(twice, twice));
  CHECK(same(shared, shared));
  CHECK_FALSE(same(twice, shared));
}

TEST_CASE("the members of a set may come in any order") {
  const std::string one = raw("\x80\x04\x8f(K\x01K\x02\x90.");
  const std::string other = raw("\x80\x04\x8f(K\x02K\x01\x90.");
  CHECK(same(one, other));
  CHECK(same(raw("\x80\x04(K\x01](K\x03"
                 "e\x91."),
             raw("\x80\x04(](K\x03"
                 "eK\x01\x91.")));
}

TEST_CASE("what leads back to itself comes to an end") {
  CHECK(same(raw("]q\x01h\x01"
                 "a."),
             raw("]q\x05h\x05"
                 "a.")));
}
