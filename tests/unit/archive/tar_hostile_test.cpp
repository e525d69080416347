#include "archive_bytes.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

using hostile::pax_record;
using hostile::tar_end;
using hostile::tar_entry;
using hostile::tar_header;
using hostile::TarEntry;
using hostile::verdict_of;
using hostile::zst;
using pod::archive::Limits;

namespace {

std::string with(const TarEntry& entry) { return zst(tar_entry(entry) + tar_end()); }
std::string refused(const std::string& reason) { return "REFUSED: archive A is refused: " + reason; }
std::string damaged(const std::string& reason) { return "CORRUPT: archive A is damaged: " + reason; }

/// A pax header with `records` in front of `entry`.
std::string with_pax(const std::string& records, const TarEntry& entry, char type = 'x') {
  return zst(tar_entry({.name = "pax", .data = records, .type = type}) + tar_entry(entry) + tar_end());
}

std::map<std::string, std::string> contents(const std::string& bytes) { return hostile::contents_of(bytes).value(); }

}  // namespace

TEST_CASE("a plain tar made by hand is taken") {
  const std::string tar = tar_entry({.name = "a/", .type = '5', .mode = 0755}) +
                          tar_entry({.name = "a/b", .data = "hello"}) + tar_entry({.name = "c", .type = '\0'}) +
                          tar_end();
  CHECK(contents(zst(tar)) == std::map<std::string, std::string>{{"a/", ""}, {"a/b", "hello"}, {"c", ""}});
  CHECK(verdict_of(zst(tar + std::string(9 * 512, '\0'))) == "ok");
  CHECK(verdict_of(zst(tar_end())) == "ok");
}

TEST_CASE("what tar -C folder . writes loses its leading dots") {
  const std::string tar = tar_entry({.name = "./", .type = '5'}) + tar_entry({.name = "./a", .data = "x"}) + tar_end();
  CHECK(contents(zst(tar)) == std::map<std::string, std::string>{{"a", "x"}});
  CHECK(verdict_of(zst(tar_entry({.name = "./a"}) + tar_entry({.name = "a"}) + tar_end())) ==
        refused("entry \"a\" is there twice"));
  CHECK(verdict_of(with({.name = "././a"})).starts_with("REFUSED"));
  CHECK(verdict_of(with({.name = ".//a"})).starts_with("REFUSED"));
  CHECK(verdict_of(with({.name = "./../a"})).starts_with("REFUSED"));
}

TEST_CASE("unsafe names in a tar are refused, wherever they stand") {
  for (const std::string name : {"../x", "a/../x", "/etc/passwd", "..\\x", "c:x", "a//b", "", "..", "/"}) {
    CAPTURE(name);
    CHECK(verdict_of(with({.name = name, .data = "x"})).starts_with("REFUSED: archive A is refused: "));
    CHECK(verdict_of(with_pax(pax_record("path", name), {.name = "good", .data = "x"}))
              .starts_with("REFUSED: archive A is refused: "));
    CHECK(verdict_of(zst(tar_entry({.name = "././@LongLink", .data = name + '\0', .type = 'L'}) +
                         tar_entry({.name = "good", .data = "x"}) + tar_end()))
              .starts_with("REFUSED: archive A is refused: "));
  }
  CHECK(verdict_of(with({.name = "x", .data = "y", .prefix = ".."})).starts_with("REFUSED"));
  CHECK(verdict_of(with_pax(pax_record("path", std::string("a\0b", 3)), {.name = "x"})) ==
        refused("unsafe path \"a\\x00b\": it holds a NUL byte"));
  CHECK(verdict_of(zst(tar_entry({.name = "a"}) + tar_entry({.name = "A"}) + tar_end()))
            .ends_with("differ in case alone"));
  CHECK(verdict_of(zst(tar_entry({.name = "a"}) + tar_entry({.name = "a/b"}) + tar_end())) ==
        refused("entry \"a\" is a file and a folder"));
}

TEST_CASE("a prefix counts in POSIX's tar alone") {
  CHECK(contents(with({.name = "x", .data = "y", .prefix = "some/folder"})).count("some/folder/x") == 1);
  CHECK(contents(with({.name = "x", .data = "y", .prefix = "junk", .magic = std::string("ustar  \0", 8)})).count("x") ==
        1);
  CHECK(contents(with({.name = "x", .data = "y", .magic = std::string(8, '\0')})).count("x") == 1);
}

TEST_CASE("links, devices, sparse files and volumes are refused") {
  for (const char type : {'1', '2', '3', '4', '6', '7', 'S', 'D', 'M', 'N', 'V', 'K', 'A', 'X', '8'}) {
    CAPTURE(type);
    CHECK(verdict_of(with({.name = "x", .type = type, .link = "target"})) ==
          refused("entry \"x\" is neither a file nor a folder"));
  }
  CHECK(verdict_of(with_pax(pax_record("GNU.sparse.major", "1"), {.name = "x"})) == refused("it holds a sparse file"));
  CHECK(verdict_of(with_pax(pax_record("GNU.sparse.map", "0,1"), {.name = "x"})) == refused("it holds a sparse file"));
  CHECK(verdict_of(with_pax(pax_record("SCHILY.realsize", "1"), {.name = "x"})) == refused("it holds a sparse file"));
}

TEST_CASE("folders have no contents, by type or by name") {
  CHECK(verdict_of(with({.name = "a/", .data = "x", .type = '5'})) ==
        refused("entry \"a/\" is a folder with contents"));
  CHECK(verdict_of(with({.name = "a/", .data = "x"})) == refused("entry \"a/\" is a folder with contents"));
  CHECK(contents(with({.name = "a/"})) == std::map<std::string, std::string>{{"a/", ""}});
  CHECK(contents(with({.name = "a", .type = '5'})) == std::map<std::string, std::string>{{"a/", ""}});
}

TEST_CASE("pax records give long names and sizes, other keys are skipped") {
  const std::string name = std::string(200, 'a') + "/" + std::string(200, 'b');
  CHECK(contents(
            with_pax(pax_record("mtime", "1.5") + pax_record("path", name) + pax_record("LIBARCHIVE.creationtime", "1"),
                     {.name = "short", .data = "x"}))
            .at(name) == "x");
  CHECK(contents(with_pax(pax_record("size", "5"), {.name = "x", .data = "hello"})).at("x") == "hello");
  CHECK(contents(with_pax(pax_record("size", "5"), {.name = "x", .data = "hello", .size = 0})).at("x") == "hello");
  CHECK(contents(with_pax(pax_record("size", "5"), {.name = "x", .data = "hello", .size = 077777777777})).at("x") ==
        "hello");
  CHECK(verdict_of(with_pax(pax_record("size", "4"), {.name = "x", .data = "hello"})) ==
        damaged("entry \"x\" has two sizes"));
  CHECK(contents(with_pax(pax_record("comment", "0123456789abcdef"), {.name = "x", .data = "y"}, 'g')).at("x") == "y");
}

TEST_CASE("pax records that are damaged, huge, doubled or global are not taken") {
  const TarEntry entry{.name = "x", .data = "y"};
  for (const std::string records :
       {"5 a=b\n", "7 a=b\n", "x a=b\n", "6a=b\n", "6 a=b", " a=b\n", "5 ab\n", "99999999999999999999 a=b\n", "3 =\n",
        "0 a=b\n", "2 \n", "6 size=9\n", "-6 a=b\n"}) {
    CAPTURE(records);
    CHECK(verdict_of(with_pax(records, entry)) == damaged("a pax record is damaged"));
  }
  for (const std::string value : {"", "x", "-1", "1.5", "99999999999999999999", " 1"})
    CHECK(verdict_of(with_pax(pax_record("size", value), entry)) == damaged("a pax record is damaged"));
  CHECK(verdict_of(with_pax(pax_record("size", "1") + pax_record("size", "1"), entry)) ==
        damaged("a pax record is damaged"));
  CHECK(verdict_of(with_pax(pax_record("path", "a") + pax_record("path", "b"), entry)) ==
        refused("entry \"b\" has two long names"));
  CHECK(verdict_of(with_pax(pax_record("path", "a"), entry, 'g')) ==
        refused("a global header sets the path of its entries"));
  CHECK(verdict_of(with_pax(pax_record("comment", std::string(20'000, 'c')), entry)) ==
        refused("a header extension has more than 16384 bytes"));
  CHECK(verdict_of(zst(tar_header({.name = "pax", .type = 'x', .size = 1ull << 32}) + tar_end())) ==
        refused("a header extension has more than 16384 bytes"));
  CHECK(verdict_of(zst(tar_entry({.name = "pax", .data = pax_record("path", "a"), .type = 'x'}) + tar_end())) ==
        damaged("it ends after the header of an entry"));
  CHECK(verdict_of(zst(tar_entry({.name = "L", .data = "a", .type = 'L'}) +
                       tar_entry({.name = "pax", .data = pax_record("path", "b"), .type = 'x'}) + tar_entry(entry) +
                       tar_end())) == refused("entry \"b\" has two long names"));
}

TEST_CASE("headers and sizes that are damaged are corrupt") {
  std::string header = tar_header({.name = "x"});
  header[0] = 'y';
  CHECK(verdict_of(zst(header + tar_end())) == damaged("a header has a wrong checksum"));
  const auto sized = [](const std::string& field) {
    return verdict_of(with({.name = "x", .data = "hello", .size_field = field}));
  };
  CHECK(sized("00000000005\0") == "ok");
  CHECK(sized("         5 \0") == "ok");
  CHECK(sized("0000000000x\0") == damaged("a header has a damaged number"));
  CHECK(sized("00000000008\0") == damaged("a header has a damaged number"));
  CHECK(sized("-0000000005\0") == damaged("a header has a damaged number"));
  CHECK(sized("\x80" + std::string(10, '\0') + "\5") == "ok");
  CHECK(sized("\xff" + std::string(11, '\xff')) == damaged("a header has a negative or too large number"));
  CHECK(sized("\x80\1" + std::string(10, '\0')) == damaged("a header has a negative or too large number"));
  CHECK(sized("\x80" + std::string(3, '\0') + "\x7f" + std::string(7, '\xff')) ==
        refused("its entries hold more than 34359738368 bytes"));
  CHECK(sized("00000010000\0").starts_with("CORRUPT"));
  CHECK(sized("00000000000\0") == damaged("a header has a wrong checksum"));  // the contents are taken for a header
}

TEST_CASE("a tar ends in two zero blocks, then nothing but zeros") {
  const std::string entry = tar_entry({.name = "x", .data = "y"});
  CHECK(verdict_of(zst(entry)) == damaged("it is cut short"));
  CHECK(verdict_of(zst(entry + std::string(512, '\0'))) == damaged("it is cut short"));
  CHECK(verdict_of(zst(entry + std::string(512, '\0') + entry + tar_end())) ==
        damaged("it has one end block where there must be two"));
  CHECK(verdict_of(zst(entry + tar_end() + "x")) == damaged("other data follows its end"));
  CHECK(verdict_of(zst(entry + tar_end() + entry + tar_end())) == damaged("other data follows its end"));
  CHECK(verdict_of(zst(entry + tar_end() + std::string(2 << 20, '\0'))) == damaged("other data follows its end"));
  CHECK(verdict_of(zst(entry + tar_end()) + "x").starts_with("CORRUPT"));
  CHECK(verdict_of(zst("")) == damaged("it is cut short"));
}

TEST_CASE("several frames are one stream, and a cut between them is seen") {
  const std::string first = zst(tar_entry({.name = "x", .data = "y"}));
  const std::string second = zst(tar_end());
  CHECK(verdict_of(first + second) == "ok");
  const std::string skippable = hostile::le32(0x184d2a50) + hostile::le32(4) + "skip";
  CHECK(verdict_of(skippable + first + skippable + second) == "ok");
  CHECK(verdict_of(first) == damaged("it is cut short"));
  CHECK(verdict_of(skippable) == damaged("it is cut short"));
  CHECK(verdict_of(first + second.substr(0, 2)).starts_with("CORRUPT"));
}

TEST_CASE("a window larger than the limit is not allocated") {
  // Window descriptor for 2 GiB.
  CHECK(verdict_of(hostile::le32(0xfd2fb528) + std::string("\0\xa8", 2) + hostile::le32(1)).starts_with("CORRUPT"));
}

TEST_CASE("a tar that inflates without end is stopped at its limits") {
  // One block of 128 KiB from four bytes, again and again.
  std::string bomb = hostile::le32(0xfd2fb528) + std::string("\0\x38", 2);
  const std::string header = tar_header({.name = "zeros", .size = 1ull << 30});
  bomb += static_cast<char>((512 << 3) & 0xff);
  bomb += static_cast<char>((512 << 3) >> 8);
  bomb += '\0';
  bomb += header;
  for (int i = 0; i < 8192; ++i) {
    const unsigned repeated = (128u << 10) << 3 | 1u << 1;
    bomb += static_cast<char>(repeated & 0xff);
    bomb += static_cast<char>(repeated >> 8 & 0xff);
    bomb += static_cast<char>(repeated >> 16 & 0xff);
    bomb += '\0';
  }
  CHECK(verdict_of(bomb) == refused("it inflates to more than 200 times its size"));
  CHECK(verdict_of(bomb, {.total_bytes = 1 << 20}) == refused("its entries hold more than 1048576 bytes"));
  CHECK(verdict_of(zst(tar_entry({.name = "0123456789"}) + tar_end()), {.name_bytes = 9}) ==
        refused("its names have more than 9 bytes"));
  std::string many;
  for (int i = 0; i < 10; ++i) many += tar_entry({.name = "f" + std::to_string(i)});
  CHECK(verdict_of(zst(many + tar_end()), {.entries = 10}) == "ok");
  CHECK(verdict_of(zst(many + tar_end()), {.entries = 9}) == refused("it has more than 9 entries"));
}
