#include "document/document.hpp"
#include "document/graph_builder.hpp"
#include "document/pickle.hpp"
#include "document/same_document.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace pod::document;

namespace {

template <std::size_t Size>
std::string raw(const char (&text)[Size]) {
  return {text, Size - 1};
}

std::string written(const std::string& pickle) { return write_pickle(read_pickle(pickle, "test")); }

/// Writing what was written gives the same bytes, and says the same.
std::string checked(const std::string& pickle) {
  const std::string once = written(pickle);
  CHECK(written(once) == once);
  CHECK(canonical_digest(read_pickle(once, "again")) == canonical_digest(read_pickle(pickle, "test")));
  CHECK(same_document(read_pickle(once, "again"), read_pickle(pickle, "test")));
  return once;
}

std::string digest_of(const std::string& pickle) { return canonical_digest(read_pickle(pickle, "test")); }

bool refuses_to_write(const std::string& pickle) {
  try {
    written(pickle);
    return false;
  } catch (const pod::Error& error) {
    return error.code() == pod::ErrorCode::unsupported;
  }
}

}  // namespace

TEST_CASE(
    "what protocol 0 says in lines is written in protocol 4, without frames and without slots that nobody reads") {
  CHECK(checked("(lp0\nI1\naVtext\np1\na.") == raw("\x80\x04](K\x01\x8c\x04texte."));
  CHECK(checked("(dp0\nVa\np1\nI1000\ns.") == raw("\x80\x04}\x8c\x01"
                                                  "aM\xe8\x03s."));
}

TEST_CASE("numbers take the fewest bytes that hold them") {
  using Written = std::pair<std::string, std::string>;
  for (const Written& number :
       std::vector<Written>{{"0", raw("K\x00")},
                            {"255", raw("K\xff")},
                            {"256", raw("M\x00\x01")},
                            {"65536", raw("J\x00\x00\x01\x00")},
                            {"-1", raw("J\xff\xff\xff\xff")},
                            {"2147483648", raw("\x8a\x05\x00\x00\x00\x80\x00")},
                            {"-2147483649", raw("\x8a\x05\xff\xff\xff\x7f\xff")},
                            {"9223372036854775807", raw("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f")},
                            {"9223372036854775808", raw("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00")}}) {
    CAPTURE(number.first);
    CHECK(checked("I" + number.first + "\n.") == raw("\x80\x04") + number.second + ".");
  }
}

TEST_CASE("an object that is used again has the lowest free slot, which is free after its last use") {
  // [a, a, b, b] with two lists: both have slot 0
  CHECK(checked(raw("\x80\x04(]q\x05h\x05]q\x06h\x06l.")) == raw("\x80\x04](]q\x00h\x00]q\x00h\x00"
                                                                 "e."));
  // [a, b, a, b]: both live at once
  CHECK(checked(raw("\x80\x04(]q\x05]q\x06h\x05h\x06l.")) == raw("\x80\x04](]q\x00]q\x01h\x00h\x01"
                                                                 "e."));
}

TEST_CASE("a list that holds itself, and a tuple that leads back to itself, load to the same graph") {
  CHECK(checked(raw("\x80\x04]q\x00h\x00"
                    "a.")) == raw("\x80\x04]q\x00h\x00"
                                  "a."));
  // t = ([t],): what Python writes makes the tuple inside, and takes that
  const std::string tuple =
      raw("\x80\x04]\x94h\x00\x85\x94"
          "a0h\x01.");
  const std::string once = checked(tuple);
  const Graph graph = read_pickle(once, "test");
  REQUIRE(graph.root().kind() == Kind::tuple);
  const Value list = graph.arguments(graph.root())[0];
  REQUIRE(list.kind() == Kind::list);
  CHECK((*graph.parts(list).begin()).values[0] == graph.root());
}

TEST_CASE("sets are written in the order of what they hold, whatever order they came in") {
  CHECK(checked("\x80\x04\x8f(Vb\nVa\nI3\n\x90.") == checked("\x80\x04\x8f(I3\nVa\nVb\n\x90."));
  CHECK(checked("\x80\x04(Vb\nVa\n\x91.") == checked("\x80\x04(Va\nVb\n\x91."));
  // of lists, which have an identity
  CHECK(checked("\x80\x04\x8f(](Vb\ne](Va\ne\x90.") == checked("\x80\x04\x8f(](Va\ne](Vb\ne\x90."));
}

TEST_CASE("the order of a dict is kept in the writing and does not count in the digest") {
  const std::string one = "(Va\nI1\nVb\nI2\nd.";
  const std::string other = "(Vb\nI2\nVa\nI1\nd.";
  CHECK(checked(one) != checked(other));
  CHECK(digest_of(one) == digest_of(other));
}

TEST_CASE("the digest tells what is said and what is shared, not how it was written") {
  std::set<std::string> seen;
  const auto is_new = [&](const std::string& pickle) { return seen.insert(digest_of(pickle)).second; };
  CHECK(is_new("N."));
  CHECK(is_new("I1\n."));
  CHECK(is_new("F1.0\n."));
  CHECK(is_new("V1\n."));
  CHECK(
      is_new(raw("C\x01"
                 "1.")));
  CHECK(is_new("(]]l."));                // two lists
  CHECK(is_new(raw("(]q\x00h\x00l.")));  // one list twice
  CHECK(is_new("(]]t."));
  CHECK(is_new("]."));
  CHECK(is_new("}."));
  CHECK(is_new("(]l."));
  CHECK(is_new("V" + std::string(5000, 'x') + "\n."));
  CHECK(is_new("V" + std::string(5001, 'x') + "\n."));
  // batches, memo numbers, protocols
  CHECK_FALSE(is_new("(lp7\n(lp8\na(lp9\na."));
  CHECK(digest_of("](I1\ne(I2\ne.") == digest_of("(I1\nI2\nl."));
  // long texts count by content, wherever they stand
  const std::string text = "V" + std::string(5000, 'x') + "\n";
  CHECK(digest_of("(" + text + "p0\ng0\nt.") == digest_of("(" + text + text + "t."));
}

TEST_CASE("a long text that is said again is remembered, whether the file did so or not") {
  const std::string text = "V" + std::string(5000, 'x') + "\n";
  const std::string once = checked("(" + text + text + text + "l.");
  CHECK(once == checked("(" + text + "p0\ng0\ng0\nl."));
  CHECK(once.size() < 5100);
}

TEST_CASE("what is done to an object stays with it, in order") {
  // a list subclass: class, arguments, two items, state, then a setter
  const std::string object =
      raw("\x80\x04"
          "cmoto.x\nThing\n)\x81q\x00(I1\nI2\ne}Vname\nI3\nsbcpod_agent.restore\nset_raw\nh\x00N\x86R0.");
  const std::string once = checked(object);
  const Graph graph = read_pickle(once, "test");
  std::vector<Part::Act> acts;
  for (const Part& part : graph.parts(graph.root())) acts.push_back(part.act);
  CHECK(acts == std::vector{Part::Act::append, Part::Act::state, Part::Act::effect});
}

TEST_CASE("what would be lost or cannot be said is refused") {
  CHECK(refuses_to_write("cos\nsystem\n(Vtrue\ntR0N."));         // a call for its effect, on no object
  CHECK(refuses_to_write(raw("cos\nsystem\n(]tR0N.")));          // on an object that is not there
  CHECK(refuses_to_write(raw("(cos\nsystem\n(Vtrue\ntRt0N.")));  // hidden in a tuple that is dropped
  CHECK(refuses_to_write(raw("\x82\x01.")));
  CHECK(refuses_to_write(raw("\x97.")));
}

TEST_CASE("small files do not become large ones") {
  // a text of 1,000 bytes, said 100,000 times by two bytes each
  std::string repeated = "(V" + std::string(1000, 'x') + "\nq" + std::string(1, '\0');
  for (int i = 0; i < 100'000; ++i) repeated += raw("h\x00");
  CHECK(refuses_to_write(repeated + "l."));
  // tuples of tuples: 2^40 if each were written where it is used
  std::string doubled = raw("]\x94");
  for (int i = 0; i < 40; ++i) doubled += raw("q\x01h\x01\x86");
  CHECK(checked(doubled + ".").size() < 1000);
  std::string values = "I1\n";
  for (int i = 0; i < 40; ++i) values += raw("q\x01h\x01\x86");
  CHECK(checked(values + ".").size() < 10'000);
}

TEST_CASE("a million levels are no trouble") {
  constexpr std::size_t levels = 1'000'000;
  const std::string deep = std::string(levels, ']') + std::string(levels - 1, 'a') + ".";
  const std::string once = checked(deep);
  CHECK(once.size() == levels * 2 + 2);
}

TEST_CASE("a byte array needs protocol 5") {
  CHECK(checked(raw("\x80\x05\x96\x02\x00\x00\x00\x00\x00\x00\x00"
                    "ab.")) == raw("\x80\x05\x96\x02\x00\x00\x00\x00\x00\x00\x00"
                                   "ab."));
}

TEST_CASE("a call of a call whose result lies about is written as one call, again and again") {
  CHECK(checked(raw("C\x01k}N\x86R2N\x86R22.")) == checked(written(raw("C\x01k}N\x86R2N\x86R22."))));
}

TEST_CASE("sets of objects are ordered by what these hold, in whatever order their own sets stood") {
  // Two frozen sets that are no values, since lists lie in them; each with its members in both orders.
  const auto set_of = [](const std::string& a, const std::string& b) { return "\x80\x04\x8f(" + a + b + "\x90."; };
  const std::string first = "(]K\x01K\x02\x91", first_turned = "(K\x02]K\x01\x91";
  const std::string second = "(]K\x01K\x03\x91", second_turned = "(K\x03K\x01]\x91";
  const std::string expected = checked(set_of(first, second));
  CHECK(checked(set_of(second, first)) == expected);
  CHECK(checked(set_of(first_turned, second_turned)) == expected);
  CHECK(checked(set_of(second_turned, first)) == expected);
}
