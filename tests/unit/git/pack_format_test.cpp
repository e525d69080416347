#include "git/pack_output.hpp"
#include "git/pack_writer.hpp"

#include "digest/digest.hpp"
#include "stock_git.hpp"

#include <doctest/doctest.h>

using namespace pod;
using namespace pod::git;
using namespace pod::git::test;
namespace fs = std::filesystem;

namespace {

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char byte : bytes) {
    out += digits[static_cast<unsigned char>(byte) >> 4];
    out += digits[static_cast<unsigned char>(byte) & 15];
  }
  return out;
}

std::string head(unsigned type, std::uint64_t size) {
  std::string out;
  append_entry_head(out, type, size);
  return hex(out);
}

std::string distance(std::uint64_t bytes) {
  std::string out;
  append_base_distance(out, bytes);
  return hex(out);
}

/// 40 bytes that no code makes shorter: the stream is a stored block, whoever deflates.
std::string incompressible() {
  std::string out;
  for (int byte = 144; byte < 184; ++byte) out += static_cast<char>(byte);
  return out;
}

const Oid id = Oid::parse("c6b018b99f6ba1f2aa0e54bc3c9c21d9da7d394c");
const std::string entry =
    "b802"
    "7801"
    "01"
    "2800"
    "d7ff"
    "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7"
    "f71b198d";
const std::string trailer = "47d96caeb18ce907dba649c2479c2590e019ba6c";

}  // namespace

TEST_CASE("the golden bytes of what stands before an entry's stream") {
  CHECK(head(3, 0) == "30");
  CHECK(head(3, 15) == "3f");
  CHECK(head(2, 16) == "a001");
  CHECK(head(1, 2047) == "9f7f");
  CHECK(head(3, 2048) == "b08001");
  CHECK(head(offset_delta_type, 16ull << 30) == "e08080808004");
  CHECK(distance(1) == "01");
  CHECK(distance(127) == "7f");
  CHECK(distance(128) == "8000");
  CHECK(distance(16511) == "ff7f");
  CHECK(distance(16512) == "808000");
  CHECK(distance(1ull << 32) == "8efefeff00");
}

TEST_CASE("the golden bytes of a pack, its index and its times") {
  const Folder folder;
  const std::string golden =
      "5041434b"
      "00000002"
      "00000001" +
      entry + trailer;
  const auto check_files = [&](const fs::path& pack) {
    CHECK(pack.filename() == "pack-" + trailer + ".pack");
    CHECK(hex(read_file(pack)) == golden);
    const std::string index = read_file(fs::path(pack).replace_extension(".idx"));
    CHECK(digest::hex(digest::sha256(index)) == "b0833c8321a03e4e8ad50630a0784fc7dcfb82b40bd2c3fddcc6fa4d90060400");
    CHECK(hex(index.substr(0, 8)) == "ff744f6300000002");
    CHECK(hex(index.substr(8 + 1024)) == id.hex() +
                                             "f7a59f3f"
                                             "0000000c" +
                                             trailer + "64156b2ea8d4f8972762368cc777d37ca2ff7d95");
  };
  {
    Repository repository = Repository::init(folder / "one");
    PackWriter writer(repository.objects(), repository.objects_folder(), {});
    CHECK(writer.add(ObjectType::blob, base::bytes_of(incompressible())) == id);
    check_files(*writer.finish().pack);
  }
  fs::create_directories(folder / "two/pack");
  PackOutput output(folder / "two", {});
  std::string bytes;
  for (std::size_t at = 0; at < entry.size(); at += 2)
    bytes += static_cast<char>(std::stoi(entry.substr(at, 2), nullptr, 16));
  output.add(id, 0xf7a59f3f, bytes);
  output.set_times({1700000000});
  output.seal();
  const fs::path pack = output.publish();
  check_files(pack);
  CHECK(hex(read_file(fs::path(pack).replace_extension(".mtimes"))) ==
        "4d544d45"
        "00000001"
        "00000001"
        "6553f100" +
            trailer + "e900319c2228ef6d4cccb13febee677c5d5db0ba");
}

TEST_CASE("the golden bytes of an index with an offset of more than 31 bits") {
  const std::string one(40, '1');
  const std::string two(40, '2');
  const std::string sum(40, '3');
  std::vector<IndexEntry> entries{{Oid::parse(two), 8, 12}, {Oid::parse(one), 7, 1ull << 31}};
  const std::string index = encode_index(entries, Oid::parse(sum));
  CHECK(hex(index.substr(8 + 1024)) == one + two +
                                           "00000007"
                                           "00000008"
                                           "80000000"
                                           "0000000c"
                                           "0000000080000000" +
                                           sum + "65955eb6680785ad611367a999d03679200973ff");
  CHECK(digest::hex(digest::sha256(index)) == "9df54aaaf13cb251f35008f2ce3a8ca80a75ba16300ce17badccfb5a213ebd33");
}
