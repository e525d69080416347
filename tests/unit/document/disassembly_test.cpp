#include "document/pickle.hpp"

#include <doctest/doctest.h>

using pod::document::disassemble;
using pod::document::Instruction;

namespace {

std::string lines(std::string_view file, std::uint64_t first = 0, std::size_t count = 100) {
  std::string text;
  for (const Instruction& each : disassemble(file, first, count))
    text += std::to_string(each.offset) + ' ' + each.name + (each.argument.empty() ? "" : " " + each.argument) + '\n';
  return text;
}

std::string of(const char* data, std::size_t size) { return {data, size}; }

}  // namespace

TEST_CASE("instructions are called as pickletools calls them, with what stands behind them") {
  using namespace std::string_literals;
  CHECK(lines("\x80\x04\x95\x05\0\0\0\0\0\0\0\x8c\x02os\x94K\x07M\0\x01J\xfe\xff\xff\xff."s) ==
        "0 PROTO 4\n2 FRAME 5\n11 SHORT_BINUNICODE 'os'\n15 MEMOIZE\n16 BININT1 7\n18 BININT2 256\n21 BININT -2\n26 "
        "STOP\n");
  CHECK(lines("cos\nsystem\n(S'true'\ntR.") ==
        "0 GLOBAL 'os system'\n11 MARK\n12 STRING 'true'\n20 TUPLE\n21 REDUCE\n22 STOP\n");
  CHECK(lines("\x8a\x01\xffG\x3f\xf8\0\0\0\0\0\0C\x02\x01zI12\n"s) ==
        "0 LONG1 -1\n3 BINFLOAT 1.500000\n12 SHORT_BINBYTES b'\\x01z'\n16 INT 12\n");
  CHECK(lines(std::string("\x8a\x09") + std::string(9, '\1')) == "0 LONG1 a number of 9 bytes\n");
}

TEST_CASE("it begins where it is asked to, and gives no more than it is asked for") {
  CHECK(lines("NNNK\x05N.", 3) == "3 BININT1 5\n5 NONE\n6 STOP\n");
  CHECK(lines("NNNN.", 1, 2) == "1 NONE\n2 NONE\n");
  CHECK(lines("N.N") == "0 NONE\n1 STOP\n");
  CHECK(lines("N.", 2).empty());
  CHECK(lines("N.", ~std::uint64_t{0}).empty());
  CHECK(lines("N.", 0, 0).empty());
}

TEST_CASE("it stops where bytes make no sense, without reading behind them") {
  using namespace std::string_literals;
  CHECK(lines("N\xff.") == "0 NONE\n");
  CHECK(lines("N\x8c\x05os") == "0 NONE\n");
  CHECK(lines("N\x8e\xff\xff\xff\xff\xff\xff\xff\xff.") == "0 NONE\n");
  CHECK(lines("NX\xff\xff\xff\x7f.") == "0 NONE\n");
  CHECK(lines("NJ\x01\x02") == "0 NONE\n");
  CHECK(lines("Ncos\nsystem") == "0 NONE\n");
  CHECK(lines("").empty());
}

TEST_CASE("an argument is printable and short, whatever it holds") {
  for (const std::string& hostile : {std::string(1000, '\x1b'), std::string(1000, 'a'), std::string(1000, '\n'),
                                     of("\xe2\x80\xae", 3), std::string(1000, '\xff')}) {
    std::string file = "X";
    for (int shift = 0; shift < 32; shift += 8) file += static_cast<char>(hostile.size() >> shift & 0xff);
    const auto found = disassemble(file + hostile + ".", 0, 10);
    REQUIRE(found.size() == 2);
    CHECK(found[0].argument.size() <= 120);
    for (const char c : found[0].argument) CHECK(static_cast<unsigned char>(c) >= 0x20);
    CHECK(found[0].argument.find("\xe2\x80\xae") == std::string::npos);
  }
}
