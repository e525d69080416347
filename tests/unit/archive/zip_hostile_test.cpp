#include "archive_bytes.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

using hostile::crc32;
using hostile::le16;
using hostile::le32;
using hostile::le64;
using hostile::verdict_of;
using hostile::Zip;
using hostile::ZipEntry;
using pod::archive::Limits;

namespace {

std::string with(ZipEntry entry) { return Zip{.entries = {std::move(entry)}}.bytes(); }
std::string named(const std::string& name) { return verdict_of(with({.name = name, .data = "x"})); }
std::string refused(const std::string& reason) { return "REFUSED: archive A is refused: " + reason; }
std::string damaged(const std::string& reason) { return "CORRUPT: archive A is damaged: " + reason; }

std::string extra64(std::initializer_list<std::uint64_t> values) {
  std::string field;
  for (const std::uint64_t value : values) field += le64(value);
  return le16(1) + le16(field.size()) + field;
}

}  // namespace

TEST_CASE("a plain zip made by hand is taken") {
  Zip zip{.entries = {{.name = "a/b.state", .data = "hello"}, {.name = "a/", .data = ""}, {.name = "c", .data = ""}}};
  CHECK(verdict_of(zip.bytes()) == "ok");
  zip.comment = "a comment";
  zip.entries[0].comment = "another";
  CHECK(verdict_of(zip.bytes()) == "ok");
  const auto contents = hostile::contents_of(zip.bytes());
  REQUIRE(contents);
  CHECK(contents->at("a/b.state") == "hello");
  CHECK(contents->count("a/") == 1);
  CHECK(verdict_of(Zip{}.bytes()) == "ok");
}

TEST_CASE("names that lead out of the archive are refused") {
  CHECK(named("../x") == refused("unsafe path \"../x\": it has a component \".\" or \"..\""));
  CHECK(named("a/../x") == refused("unsafe path \"a/../x\": it has a component \".\" or \"..\""));
  CHECK(named("a/..") == refused("unsafe path \"a/..\": it has a component \".\" or \"..\""));
  CHECK(named("./x") == refused("unsafe path \"./x\": it has a component \".\" or \"..\""));
  CHECK(named("..") == refused("unsafe path \"..\": it has a component \".\" or \"..\""));
  CHECK(verdict_of(with({.name = "../", .data = ""})) ==
        refused("unsafe path \"..\": it has a component \".\" or \"..\""));
  CHECK(named("/etc/passwd") == refused("unsafe path \"/etc/passwd\": it is absolute"));
  CHECK(named("//server/share") == refused("unsafe path \"//server/share\": it is absolute"));
  CHECK(named("a//b") == refused("unsafe path \"a//b\": it has an empty component"));
  CHECK(named("..\\x") == refused("unsafe path \"..\\\\x\": it holds a backslash"));
  CHECK(named("\\\\server\\share") == refused("unsafe path \"\\\\\\\\server\\\\share\": it holds a backslash"));
  CHECK(named("c:/x") == refused("unsafe path \"c:/x\": it starts with a drive letter"));
  CHECK(named("C:x") == refused("unsafe path \"C:x\": it starts with a drive letter"));
  CHECK(named(std::string("a\0b", 3)) == refused("unsafe path \"a\\x00b\": it holds a NUL byte"));
  CHECK(named("") == refused("unsafe path \"\": it is empty"));
  CHECK(verdict_of(with({.name = "/", .data = ""})) == refused("unsafe path \"\": it is empty"));
  CHECK(named(std::string(256, 'n')).ends_with("it has a component of more than 255 bytes"));
  std::string deep = "d";
  for (int i = 0; i < 64; ++i) deep += "/d";
  CHECK(named(deep).ends_with("it has more than 64 components"));
  CHECK(named("\x1b[31mred/../x").find("\\x1b[31mred") != std::string::npos);
}

TEST_CASE("names that only look like a way out are names") {
  for (const char* const name :
       {"%2e%2e%2fx", "\xe2\x80\xa4\xe2\x80\xa4/x", "..x", "x..", "...", "con", ".git/config", "a\nb", "\xff"}) {
    CAPTURE(name);
    CHECK(named(name) == "ok");
  }
}

TEST_CASE("two entries of one name are refused, also where case alone differs") {
  const auto two = [](const char* a, const char* b) {
    return verdict_of(
        Zip{.entries = {{.name = a, .data = ""}, {.name = "other", .data = ""}, {.name = b, .data = ""}}}.bytes());
  };
  CHECK(two("a/x", "a/x") == refused("entry \"a/x\" is there twice"));
  CHECK(two("a/x", "a/X").ends_with("differ in case alone"));
  CHECK(two("a/x/1", "A/x/2").ends_with("differ in case alone"));
  CHECK(two("a", "A/b").ends_with("differ in case alone"));
  CHECK(two("a/", "A/b").ends_with("differ in case alone"));
  CHECK(two("a/", "a/") == refused("entry \"a\" is there twice"));
  CHECK(two("a", "a/") == refused("entry \"a\" is there twice"));
  CHECK(two("a", "a/b") == refused("entry \"a\" is a file and a folder"));
  CHECK(two("a/b/c/d", "a/b") == refused("entry \"a/b\" is a file and a folder"));
  CHECK(two("a/", "a/b") == "ok");
  CHECK(two("a", "ab/c") == "ok");
  CHECK(two("a!", "a/b") == "ok");
}

TEST_CASE("a clash is found among other names that sort in between") {
  Zip zip;
  for (const char* const name : {"a", "a!", "a-b/c", "a.b", "a0", "a/b"})
    zip.entries.push_back({.name = name, .data = ""});
  CHECK(verdict_of(zip.bytes()) == refused("entry \"a\" is a file and a folder"));
}

TEST_CASE("links, devices, encryption and foreign methods are refused") {
  const auto typed = [](unsigned type) {
    return verdict_of(with({.name = "x", .data = "target", .attributes = (type | 0644u) << 16}));
  };
  CHECK(typed(0120000) == refused("entry \"x\" is a link or a device"));
  CHECK(typed(0020000) == refused("entry \"x\" is a link or a device"));
  CHECK(typed(0010000) == refused("entry \"x\" is a link or a device"));
  CHECK(typed(0040000) == refused("entry \"x\" is a file and a folder"));
  CHECK(typed(0100000) == "ok");
  CHECK(verdict_of(with({.name = "x/", .data = "", .attributes = 0100644u << 16})) ==
        refused("entry \"x/\" is a file and a folder"));
  CHECK(verdict_of(with({.name = "x/", .data = "y"})) == refused("entry \"x/\" is a folder with contents"));
  for (const int flag : {1, 0x40 | 1, 0x2001})
    CHECK(verdict_of(with({.name = "x", .data = "y", .flags = static_cast<std::uint16_t>(flag)})) ==
          refused("entry \"x\" is encrypted"));
  CHECK(verdict_of(with({.name = "x", .data = "y", .flags = 0x20})) ==
        refused("entry \"x\" is a patch of another file"));
  for (const std::uint16_t method :
       {std::uint16_t{9}, std::uint16_t{12}, std::uint16_t{14}, std::uint16_t{93}, std::uint16_t{99}})
    CHECK(verdict_of(with({.name = "x", .data = "y", .method = method})).find("not supported") != std::string::npos);
  CHECK(verdict_of(with({.name = "x", .data = "y", .local_extra = le16(0x6c78) + le16(0)})).find("attributes") !=
        std::string::npos);
  CHECK(verdict_of(with({.name = "x", .data = "y", .local_extra = le16(0x756e) + le16(0)})).find("attributes") !=
        std::string::npos);
}

TEST_CASE("a second name in an extra field is refused") {
  const auto unicode_path = [](const std::string& name) {
    return le16(0x7075) + le16(5 + name.size()) + '\1' + le32(crc32("x")) + name;
  };
  CHECK(verdict_of(with({.name = "x", .data = "y", .central_extra = unicode_path("../z")})) ==
        refused("entry \"x\" has a second name"));
  CHECK(verdict_of(with({.name = "x", .data = "y", .local_extra = unicode_path("z")})) ==
        refused("entry \"x\" has a second name"));
  CHECK(verdict_of(with({.name = "x", .data = "y", .central_extra = unicode_path("x")})) == "ok");
  CHECK(verdict_of(with({.name = "x", .data = "y", .central_extra = le16(0x7075) + le16(2) + "ab"})) ==
        refused("entry \"x\" has a second name"));
}

TEST_CASE("headers that disagree are corrupt") {
  CHECK(verdict_of(with({.name = "x", .data = "y", .local_name = "z"})) ==
        damaged("entry \"x\" is called \"z\" in its own header"));
  CHECK(verdict_of(with({.name = "x", .data = "y", .local_name = "../z"})) ==
        damaged("entry \"x\" is called \"../z\" in its own header"));
  CHECK(verdict_of(with({.name = "x", .data = "y", .local_method = 8})) ==
        damaged("entry \"x\" has two compression methods"));
  CHECK(verdict_of(with({.name = "x", .data = "y", .local_flags = 1})) == damaged("entry \"x\" has two sets of flags"));
  CHECK(verdict_of(with({.name = "x", .data = "y", .local_flags = 8})) == damaged("entry \"x\" has two sets of flags"));
  CHECK(verdict_of(with({.name = "x", .data = "y", .local_crc = 1})) == damaged("entry \"x\" has two checksums"));
  CHECK(verdict_of(with({.name = "x", .data = "y", .local_size = 2})) == damaged("entry \"x\" has two sizes"));
  CHECK(verdict_of(with({.name = "x", .data = "y", .local_stored = 0})) == damaged("entry \"x\" has two sizes"));
  CHECK(verdict_of(with({.name = "x", .data = "y", .size = 2})) == damaged("entry \"x\" has two sizes"));
  CHECK(verdict_of(with({.name = "x", .data = "y", .size = 0, .stored = 1})).starts_with("CORRUPT"));
}

TEST_CASE("contents that are not what the headers say are corrupt") {
  CHECK(verdict_of(with({.name = "x", .data = "hello", .crc = 1}))
            .starts_with("CORRUPT: archive A is damaged: entry \"x\" cannot be read"));
  CHECK(verdict_of(with({.name = "x", .data = "", .crc = 1})) == damaged("entry \"x\" has a wrong checksum"));
  const std::string zeros(1000, '\0');
  const ZipEntry good{
      .name = "x", .data = hostile::deflated_zeros(1000), .method = 8, .crc = crc32(zeros), .size = 1000};
  CHECK(hostile::contents_of(with(good)).value().at("x") == zeros);
  for (const std::uint64_t size : {0u, 1u, 999u, 1001u, 5000u, 1000000u}) {
    CAPTURE(size);
    ZipEntry entry = good;
    entry.size = size;
    if (size == 0) entry.crc = 0;
    CHECK(verdict_of(with(entry)).starts_with("CORRUPT"));
  }
  ZipEntry wrong_crc = good;
  wrong_crc.crc = crc32(zeros) + 1;
  CHECK(verdict_of(with(wrong_crc)).starts_with("CORRUPT"));
  ZipEntry more_behind = good;
  more_behind.data += "trailing";
  CHECK(verdict_of(with(more_behind)).starts_with("CORRUPT"));
  ZipEntry cut = good;
  cut.data.pop_back();
  CHECK(verdict_of(with(cut)).starts_with("CORRUPT"));
  ZipEntry garbage = good;
  garbage.data = "this is not deflate";
  CHECK(verdict_of(with(garbage)).starts_with("CORRUPT"));
}

TEST_CASE("bytes come out only as far as the declared size") {
  // A megabyte of zeros that claims to be ten bytes: whoever reads ten of them must learn that this is a lie.
  const std::string bytes = with({.name = "x",
                                  .data = hostile::deflated_zeros(1 << 20),
                                  .method = 8,
                                  .crc = crc32(std::string(10, '\0')),
                                  .size = 10});
  pod::archive::Reader reader(hostile::file_with(bytes), {}, {});
  std::size_t seen = 0;
  CHECK_THROWS_AS(reader.for_each([&](const pod::archive::Entry&, pod::base::ByteSource& source) {
    std::array<std::byte, 10> buffer{};
    seen += read_fully(source, buffer);
  }),
                  pod::Error);
  CHECK(seen == 0);
}

TEST_CASE("entries that overlap are corrupt") {
  // The second entry lies inside the data of the first: a small file that inflates again and again.
  const std::string inner = Zip{.entries = {{.name = "b", .data = "inner"}}}.bytes().substr(0, 30 + 1 + 5);
  Zip nested{.entries = {{.name = "a", .data = inner + "rest"}, {.name = "b", .data = "inner", .header = 31}}};
  CHECK(verdict_of(nested.bytes()).find("overlaps another one") != std::string::npos);
  Zip twice{.entries = {{.name = "a", .data = "x"}, {.name = "b", .data = "x", .header = 0}}};
  CHECK(verdict_of(twice.bytes()).find("overlaps another one") != std::string::npos);
  Zip into_directory{.entries = {{.name = "a", .data = "x", .size = 40, .stored = 40}}};
  CHECK(verdict_of(into_directory.bytes()).find("overlaps another one") != std::string::npos);
  CHECK(verdict_of(with({.name = "a", .data = "x", .header = 5})).starts_with("CORRUPT"));
  CHECK(verdict_of(with({.name = "a", .data = "x", .header = 0xfffffffe})).starts_with("CORRUPT"));
  CHECK(verdict_of(with({.name = "a", .data = "x", .size = 0xfffffff0, .stored = 0xfffffff0})).starts_with("CORRUPT"));
}

TEST_CASE("other data before, between and behind is corrupt") {
  const Zip good{.entries = {{.name = "a", .data = "x"}, {.name = "b", .data = "y"}}};
  Zip zip = good;
  zip.before = "#!/bin/sh\n";
  CHECK(verdict_of(zip.bytes()).starts_with("CORRUPT: A is not a zip"));
  zip.before = "PK\3\4";
  CHECK(verdict_of(zip.bytes()) == damaged("other data stands before its first entry"));
  zip = good;
  zip.entries[1].gap = std::string(65, 'g');
  CHECK(verdict_of(zip.bytes()) == damaged("other data stands before entry \"b\""));
  zip.entries[1].gap = std::string(16, '\0');
  CHECK(verdict_of(zip.bytes()) == "ok");
  zip = good;
  zip.before_directory = std::string(65, 'g');
  CHECK(verdict_of(zip.bytes()) == damaged("other data stands before its directory"));
  zip = good;
  zip.after_directory = "g";
  CHECK(verdict_of(zip.bytes()) == damaged("its directory is not where its end says"));
  zip = good;
  zip.after = "g";
  CHECK(verdict_of(zip.bytes()) == damaged("other data follows its end"));
  zip.after = std::string(100'000, 'g');
  CHECK(verdict_of(zip.bytes()) == damaged("its end is missing: it is cut short, or other data follows"));
  zip.after = good.bytes();
  CHECK(verdict_of(zip.bytes()).starts_with("CORRUPT"));
  zip = good;
  zip.comment = Zip{}.bytes();  // an empty archive inside the comment
  CHECK(verdict_of(zip.bytes()).starts_with("CORRUPT"));
}

TEST_CASE("an end record that lies is corrupt or refused") {
  const Zip good{.entries = {{.name = "a", .data = "x"}, {.name = "b", .data = "y"}}};
  for (const std::uint64_t count : {0u, 1u, 3u, 0xffffu}) {
    CAPTURE(count);
    Zip zip = good;
    zip.count = count;
    CHECK(verdict_of(zip.bytes()).starts_with("CORRUPT"));
  }
  Zip zip = good;
  zip.count_here = 1;
  CHECK(verdict_of(zip.bytes()) == refused("it is one of several parts"));
  zip = good;
  zip.entries[0].disk = 1;
  CHECK(verdict_of(zip.bytes()) == refused("it is one of several parts"));
  for (const std::uint64_t size : {0u, 1u, 1000u, 0xffffffffu}) {
    zip = good;
    zip.directory_size = size;
    CHECK(verdict_of(zip.bytes()).starts_with("CORRUPT"));
  }
  for (const std::uint64_t offset : {0u, 1u, 1000u, 0xffffffffu}) {
    zip = good;
    zip.directory_offset = offset;
    CHECK(verdict_of(zip.bytes()).starts_with("CORRUPT"));
  }
}

TEST_CASE("zip64 is read, and its lies are corrupt") {
  Zip good{.entries = {{.name = "a", .data = "x"}}, .zip64 = true};
  CHECK(verdict_of(good.bytes()) == "ok");
  Zip zip = good;
  zip.count = 0xffff;
  zip.directory_size = 0xffffffff;
  zip.directory_offset = 0xffffffff;
  CHECK(verdict_of(zip.bytes()) == "ok");
  zip = good;
  zip.count = 2;
  CHECK(verdict_of(zip.bytes()) == damaged("its two end records disagree"));
  zip = good;
  zip.count = 0xffff;
  zip.count64 = 1ull << 40;
  CHECK(verdict_of(zip.bytes()) == refused("it has more than 1000000 entries"));
  zip.count64 = 1000;
  CHECK(verdict_of(zip.bytes()) == damaged("its directory is too short for its entries"));
  zip = good;
  zip.directory_offset = 0xffffffff;
  zip.offset64 = 0xffffffffffffffff;
  CHECK(verdict_of(zip.bytes()) == damaged("its directory is not where its end says"));
  zip = good;
  zip.locator_offset = 0;
  CHECK(verdict_of(zip.bytes()) == damaged("its zip64 end record is not where its locator says"));
}

TEST_CASE("sizes in zip64 fields are read, and their lies are corrupt") {
  const ZipEntry good{.name = "a",
                      .data = "x",
                      .local_extra = extra64({1, 1}),
                      .central_extra = extra64({1, 1, 0}),
                      .size = 0xffffffff,
                      .stored = 0xffffffff,
                      .header = 0xffffffff};
  const auto changed = [&](const std::string& local, const std::string& central) {
    ZipEntry entry = good;
    entry.local_extra = local;
    entry.central_extra = central;
    return verdict_of(with(entry));
  };
  CHECK(verdict_of(with(good)) == "ok");
  CHECK(changed(extra64({1, 1}), extra64({1, 1})) == damaged("entry \"a\" has a damaged extra field"));
  CHECK(changed(extra64({1}), extra64({1, 1, 0})) == damaged("entry \"a\" has a damaged extra field"));
  CHECK(changed(extra64({2, 1}), extra64({1, 1, 0})) == damaged("entry \"a\" has two sizes"));
  CHECK(changed(extra64({1, 1}), extra64({2, 1, 0})) == damaged("entry \"a\" has two sizes"));
  CHECK(changed(extra64({1, 1}), extra64({1, 1, 7})).starts_with("CORRUPT"));
  CHECK(changed(extra64({1, 1}), extra64({1, 1, ~0ull})).starts_with("CORRUPT"));
  CHECK(changed(extra64({1, 1}), extra64({~0ull, ~0ull, 0})).find("larger than the archive") != std::string::npos);
  CHECK(changed(extra64({1, 1}), extra64({1ull << 60, 1, 0})).starts_with("CORRUPT"));
  CHECK(changed(extra64({1, 1}) + extra64({1, 1}), extra64({1, 1, 0})) == damaged("entry \"a\" has its sizes twice"));
  CHECK(changed(extra64({1, 1}) + "ab", extra64({1, 1, 0})) == damaged("entry \"a\" has a damaged extra field"));
  CHECK(changed(le16(1) + le16(500) + "ab", extra64({1, 1, 0})) == damaged("entry \"a\" has a damaged extra field"));
  CHECK(changed(extra64({1, 1}) + std::string(3, '\0'), extra64({1, 1, 0})) == "ok");
}

TEST_CASE("sizes behind the data are read in all four forms, and only if they are right") {
  const std::string crc = le32(crc32("hello"));
  const auto stream = [](const std::string& descriptor) {
    return verdict_of(Zip{.entries = {{.name = "a",
                                       .data = "hello",
                                       .flags = 8,
                                       .descriptor = descriptor,
                                       .local_crc = 0,
                                       .local_size = 0,
                                       .local_stored = 0},
                                      {.name = "b", .data = "next"}}}
                          .bytes());
  };
  CHECK(stream("PK\7\10" + crc + le32(5) + le32(5)) == "ok");
  CHECK(stream("PK\7\10" + crc + le64(5) + le64(5)) == "ok");
  CHECK(stream(crc + le32(5) + le32(5)) == "ok");
  CHECK(stream(crc + le64(5) + le64(5)) == "ok");
  const std::string wrong = damaged("entry \"a\" has no matching sizes behind its data");
  CHECK(stream("") == wrong);
  CHECK(stream("PK\7\10" + crc + le32(5)) == wrong);
  CHECK(stream("PK\7\10" + crc + le32(5) + le32(6)) == wrong);
  CHECK(stream("PK\7\10" + le32(0) + le32(5) + le32(5)) == wrong);
  CHECK(stream("PK\7\11" + crc + le32(5) + le32(5)) == wrong);
  CHECK(stream("PK\7\10" + crc + le64(5) + le64(5) + std::string(65, 'g')) ==
        damaged("other data stands before entry \"b\""));
}

TEST_CASE("bombs are refused before anything is inflated") {
  // 158 to 1 is what the hand-made stream reaches; the limits are set so that it counts.
  const Limits tight{.ratio = 100, .ratio_floor = 1 << 20};
  const std::uint64_t size = 4 << 20;
  const ZipEntry bomb{.name = "zeros",
                      .data = hostile::deflated_zeros(size),
                      .method = 8,
                      .crc = crc32(std::string(size, '\0')),
                      .size = size};
  CHECK(verdict_of(with(bomb)) == "ok");
  CHECK(verdict_of(with(bomb), tight) == refused("it inflates to more than 100 times its size"));
  CHECK(verdict_of(with(bomb), {.ratio = 100, .ratio_floor = 5 << 20}) == "ok");
  CHECK(verdict_of(with({.name = "x", .data = "y", .method = 8, .size = 0xfffffffe})) ==
        refused("it inflates to more than 200 times its size"));

  Zip many;
  for (int i = 0; i < 10; ++i) many.entries.push_back({.name = "f" + std::to_string(i), .data = "0123456789"});
  CHECK(verdict_of(many.bytes(), {.total_bytes = 100}) == "ok");
  CHECK(verdict_of(many.bytes(), {.total_bytes = 99}) == refused("its entries hold more than 99 bytes"));
  CHECK(verdict_of(many.bytes(), {.entries = 10}) == "ok");
  CHECK(verdict_of(many.bytes(), {.entries = 9}) == refused("it has more than 9 entries"));
}

TEST_CASE("an archive within an archive is only bytes") {
  const std::string inner = Zip{.entries = {{.name = "../x", .data = "y"}}}.bytes();
  CHECK(hostile::contents_of(with({.name = "inner.zip", .data = inner})).value().at("inner.zip") == inner);
}

TEST_CASE("what is no archive is said to be none") {
  CHECK(verdict_of("") == "CORRUPT: A is empty");
  for (const std::string text :
       {"P", "PK", "<!DOCTYPE html><html></html>", "{\"error\": \"not found\"}", "\x1f\x8b\x08", "Rar!\x1a\x07"}) {
    CAPTURE(text);
    CHECK(verdict_of(text) == "CORRUPT: A is not a zip or tar.zst archive");
  }
  CHECK(verdict_of("PK\3\4").starts_with("CORRUPT"));
  CHECK(verdict_of("PK\5\6").starts_with("CORRUPT"));
  CHECK(verdict_of("PK\3\4" + std::string(100'000, 'x')).starts_with("CORRUPT"));
}

TEST_CASE("a path that is no file is told from an archive") {
  const auto code = [](const std::filesystem::path& path) {
    try {
      pod::archive::Reader(path, {}, {});
    } catch (const pod::Error& error) {
      return error.code();
    }
    return pod::ErrorCode::internal;
  };
  CHECK(code(hostile::fresh_path("-missing")) == pod::ErrorCode::not_found);
  CHECK(code("/") == pod::ErrorCode::invalid_argument);
  CHECK(code("/dev/null") == pod::ErrorCode::invalid_argument);
}
