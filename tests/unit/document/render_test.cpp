#include "document/pickle.hpp"
#include "document/values.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace pod::document;

namespace {

/// What a pickle's root is shown as.
std::string shown(std::string_view pickle, std::size_t limit = 200) {
  const Graph graph = read_pickle(std::string(pickle), "test");
  return render(graph, graph.root(), limit);
}

template <std::size_t Size>
std::string_view raw(const char (&text)[Size]) {
  return {text, Size - 1};
}

}  // namespace

TEST_CASE("atoms are shown as JSON would show them") {
  CHECK(shown("N.") == "null");
  CHECK(shown(raw("\x88.")) == "true");
  CHECK(shown("I-12\n.") == "-12");
  CHECK(shown("I340282366920938463463374607431768211456\n.") == "340282366920938463463374607431768211456");
  CHECK(shown("I-18446744073709551617\n.") == "-18446744073709551617");
  CHECK(shown("F0.1\n.") == "0.1");
  CHECK(shown("Va text\n.") == "\"a text\"");
  CHECK(shown(raw("C\x03\x00\xff\x10.")) == "3 bytes: 00 ff 10");
  CHECK(shown(raw("C\x0a"
                  "0123456789.")) == "10 bytes: 30 31 32 33 34 35 36 37 …");
}

TEST_CASE("control bytes and long texts do no harm to a terminal") {
  CHECK(shown("V\\u001b[31mred\\u202e\n.").find('\x1b') == std::string::npos);
  const std::string text = shown("V" + std::string(100'000, 'x') + "\n.", 40);
  CHECK(text.size() <= 40);
  CHECK(text.ends_with("…"));
  const std::string umlauts = shown(
      raw("X\x14\x00\x00\x00\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4."), 10);
  CHECK(umlauts == "\"äää…");
}

TEST_CASE("times, identifiers and addresses are shown as people write them") {
  CHECK(shown(raw("cdatetime\ndatetime\nC\x0a\x07\xea\x0b\x1a\x08\x05\x09\x01\xe2\x40\x85R.")) ==
        "2026-11-26T08:05:09.123456");
  CHECK(shown(raw("cdatetime\ndatetime\nC\x0a\x07\xea\x0b\x1a\x08\x05\x09\x00\x00\x00"
                  "cdatetime\ntimezone\ncdatetime\ntimedelta\n(I0\nI3600\nI0\ntR\x85R\x86R.")) ==
        "2026-11-26T08:05:09+01:00");
  CHECK(shown(raw("cdatetime\ntimezone\ncdatetime\ntimedelta\n(I0\nI0\nI0\ntR\x85R.")) == "UTC");
  CHECK(shown(raw("cdatetime\ndate\nC\x04\x07\xea\x0b\x1a\x85R.")) == "2026-11-26");
  CHECK(shown(raw("cuuid\nUUID\n)\x81}Vint\nI24197857161011715162171839636988778104\nsb.")) ==
        "12345678-1234-5678-1234-567812345678");
  CHECK(shown(raw("cipaddress\nIPv4Address\nI2130706433\n\x85R.")) == "127.0.0.1");
  CHECK(shown(raw("cipaddress\nIPv6Address\nI1\n\x85R.")) == "0:0:0:0:0:0:0:1");
  CHECK(shown(raw("cipaddress\nIPv4Network\nV10.0.0.0/16\n\x85R.")) == "10.0.0.0/16");
  CHECK(shown(raw("cmoto.sqs.models\nColor\nVred\n\x85R.")) == "Color.red");
  CHECK(shown(raw("(I1\nVa\nt.")) == "(1, \"a\")");
}

TEST_CASE("containers tell their size, objects their class") {
  CHECK(shown("(I1\nI2\nl.") == "list of 2");
  CHECK(shown("(I1\nI2\nd.") == "dict of 1");
  CHECK(shown(raw("(]]t.")) == "tuple of 2");
  CHECK(shown(raw("cmoto.sqs.models\nQueue\n)\x81.")) == "Queue");
}
