#include "snapshot/chunk_cutter.hpp"

#include "digest/digest.hpp"
#include "snapshot/chunk_data.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace pod::snapshot;
using namespace pod::snapshot::test;
namespace base = pod::base;
namespace digest = pod::digest;

namespace {

struct Piece {
  std::size_t size = 0;
  bool ends_folder = false;
  bool operator==(const Piece&) const = default;
};

/// Cuts `file`, which is given in pieces of `step` bytes.
std::vector<Piece> cut(std::string_view file, std::size_t step) {
  ChunkCutter cutter(ChunkRule::of(file.substr(0, kind_head)));
  std::vector<Piece> pieces;
  std::size_t size = 0;
  for (std::size_t at = 0; at < file.size(); at += step) {
    std::string_view rest = file.substr(at, step);
    while (const auto found = cutter.find(base::bytes_of(rest))) {
      pieces.push_back({size + found->taken, found->ends_folder});
      size = 0;
      rest.remove_prefix(found->taken);
    }
    size += rest.size();
  }
  if (size > 0) pieces.push_back({size, false});
  return pieces;
}

/// Everything that the format says of a file, as one text.
std::string outline(std::string_view file) {
  std::string out;
  for (const Piece& piece : cut(file, file.size())) out += std::to_string(piece.size) + (piece.ends_folder ? "/" : " ");
  return digest::hex(digest::sha256(out)).substr(0, 32);
}

std::set<std::string> contents(std::string_view file) {
  std::set<std::string> out;
  for (const Piece& piece : cut(file, file.size())) {
    out.emplace(file.substr(0, piece.size));
    file.remove_prefix(piece.size);
  }
  return out;
}

std::size_t average(const std::string& file) { return file.size() / cut(file, file.size()).size(); }

}  // namespace

TEST_CASE("the table of the rolling hash is the golden one") {
  std::string bytes;
  for (const std::uint64_t number : gear_table())
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 255);
  CHECK(digest::hex(digest::sha256(bytes)) == "714b660d354c3a8669a3ae7910aaadd8b87e09a92e9bcda2803a2011b1bafb84");
  CHECK(gear_table()[0] == 0x546f7826b2552bd5ull);
}

TEST_CASE("three kinds of files are cut where the format says") {
  CHECK(outline(seeded_database(5'000'001, 1)) == "6f16bdfc28dd3bc1d424e5ec5ee5ebc3");
  CHECK(outline(seeded_pickle(5'000'001, 2)) == "36ceb14183590cbca982efb62e62178a");
  CHECK(outline(seeded(12'000'001, 3)) == "eb03f1c002b1287538aa47891d9fce32");
  CHECK(outline(std::string(40'000'001, '\0')) == "67468625d80793b8bca68d95f5d5378c");
}

TEST_CASE("a kind is known by content, and what only looks like one is not") {
  using Kind = ChunkRule::Kind;
  const auto kind = [](std::string_view head) { return ChunkRule::of(head).kind; };
  const auto database = [](char high, char low) { return std::string("SQLite format 3\0", 16) + high + low; };
  CHECK(kind(database(0x10, 0)) == Kind::paged);
  CHECK(ChunkRule::of(database(0x02, 0)).largest == 8192);
  CHECK(ChunkRule::of(database(0x40, 0)).largest == 16384);
  CHECK(ChunkRule::of(database(0, 1)).largest == 65536);
  CHECK(kind(database(0x10, 1)) == Kind::other);  // no page has such a size
  CHECK(kind(database(0x01, 0)) == Kind::other);
  CHECK(kind(database(0, 0)) == Kind::other);
  CHECK(kind("SQLite format 3") == Kind::other);
  CHECK(kind("\x80\x04}") == Kind::pickle);
  CHECK(kind("\x80\x05}") == Kind::pickle);
  CHECK(kind("\x80\x04\x95") == Kind::other);  // framed: an emulator wrote it, with numbers in it that all move
  CHECK(kind("\x80\x03}") == Kind::other);
  CHECK(kind("\x80\x04") == Kind::other);
  CHECK(kind("") == Kind::other);
}

TEST_CASE("a cut depends on the content alone, not on the pieces in which it comes") {
  for (const std::string& file : {seeded_database(1'500'000, 4), seeded_pickle(1'500'000, 5), seeded(3'000'000, 6),
                                  std::string(2'000'000, 'a')}) {
    const auto whole = cut(file, file.size());
    for (const std::size_t step : {1u, 17u, 4096u, 65'537u}) CHECK(cut(file, step) == whole);
  }
}

TEST_CASE("chunks keep to their bounds, and are about as large as is normal") {
  const auto check = [](const std::string& file, std::size_t smallest, std::size_t largest) {
    const auto pieces = cut(file, file.size());
    std::size_t in_folder = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      CHECK(pieces[i].size <= largest);
      if (i + 1 < pieces.size()) CHECK(pieces[i].size >= smallest);
      ++in_folder;
      CHECK(in_folder <= most_chunks_a_folder);
      if (pieces[i].ends_folder) {
        CHECK(in_folder >= 32);
        in_folder = 0;
      }
    }
  };
  check(seeded_pickle(8'000'000, 7), 2048, 32'768);
  check(seeded(30'000'000, 8), 16'384, 262'144);
  check(seeded_database(3'000'000, 9), 8192, 8192);
  check(std::string(100'000'000, '\0'), 16'384, 262'144);
  CHECK(average(seeded_pickle(8'000'000, 7)) > 6'000);
  CHECK(average(seeded_pickle(8'000'000, 7)) < 12'000);
  CHECK(average(seeded(30'000'000, 8)) > 48'000);
  CHECK(average(seeded(30'000'000, 8)) < 96'000);
}

TEST_CASE("what is put into the middle or at the end of a file changes few chunks") {
  const auto fresh = [](const std::string& before, const std::string& after) {
    const auto known = contents(before);
    std::size_t bytes = 0;
    for (const std::string& chunk : contents(after))
      if (!known.contains(chunk)) bytes += chunk.size();
    return bytes;
  };
  for (const auto& [file, most] : {std::pair(seeded_pickle(20'000'000, 10), std::size_t{128 << 10}),
                                   std::pair(seeded(20'000'000, 11), std::size_t{1 << 20})}) {
    for (const std::size_t place : {std::size_t{100}, file.size() / 2, file.size()}) {
      std::string longer = file;
      longer.insert(place, "inserted");
      CHECK(fresh(file, longer) <= most);
      std::string shorter = file;
      shorter.erase(place / 2, 1000);
      CHECK(fresh(file, shorter) <= most);
    }
  }
}
