#include "git/foreign_pack.hpp"

#include "crafted_pack.hpp"
#include "git/repository.hpp"
#include "stock_git.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <algorithm>
#include <map>

using namespace pod;
using namespace pod::git;
using namespace pod::git::test;
namespace fs = std::filesystem;

namespace {

ForeignPack check(const std::string& bytes, const ForeignLimits& limits = {}) {
  const Folder folder;
  write_file(folder / "pack", bytes);
  return check_foreign_pack(folder / "pack", "p1", limits, {});
}

/// The error, with its causes in one text.
struct Refusal {
  ErrorCode code = ErrorCode::internal;
  std::string text;
};
std::optional<Refusal> refusal_of(const std::string& bytes, const ForeignLimits& limits = {}) {
  const auto error = error_of([&] { check(bytes, limits); });
  if (!error) return std::nullopt;
  std::string text = error->message();
  for (const std::string& cause : error->causes()) text += "; " + cause;
  CHECK(error->message().find("\"p1\"") != std::string::npos);
  return Refusal{error->code(), text};
}

#define CHECK_REFUSED(bytes, expected_code, words)         \
  do {                                                     \
    const auto refusal = refusal_of(bytes);                \
    REQUIRE(refusal);                                      \
    CHECK(refusal->code == ErrorCode::expected_code);      \
    INFO(refusal->text);                                   \
    CHECK(refusal->text.find(words) != std::string::npos); \
  } while (false)

const std::string a_person = "a <a@example.org> 1700000000 +0000\n";
const std::string a_tree = tree_entry("100644", "file", id_of(ObjectType::blob, "content"));

std::string commit_text(const std::string& parents = {}, const std::string& message = "m\n") {
  return "tree " + id_of(ObjectType::tree, a_tree).hex() + "\n" + parents + "author " + a_person + "committer " +
         a_person + "\n" + message;
}

CraftedPack sound_pack() {
  CraftedPack pack;
  pack.whole(ObjectType::commit, commit_text());
  pack.whole(ObjectType::tree, a_tree);
  pack.whole(ObjectType::blob, "content");
  return pack;
}

std::string with_tree(std::string_view tree) {
  CraftedPack pack;
  pack.whole(ObjectType::tree, tree);
  return pack.bytes();
}

}  // namespace

TEST_CASE("a sound pack is taken, and its index is the one that stock git writes") {
  const Folder folder;
  fs::create_directories(folder / "r");
  stock_git(folder / "r", {"init", "-q", "--bare", "-b", "main", "."});
  std::string content = text(30'000);
  std::string ids;
  for (int i = 0; i < 40; ++i) {
    content.replace(static_cast<std::size_t>(i) * 700, 20, "changed in version " + std::to_string(i % 10));
    ids += stock_git(folder / "r", {"hash-object", "-w", "--stdin"}, content) + "\n";
  }
  ids += stock_git(folder / "r", {"hash-object", "-w", "--stdin"}, noise(3'000'000)) + "\n";
  for (const char* form : {"--delta-base-offset", "--no-reuse-delta"}) {
    CAPTURE(form);
    const std::string name =
        stock_git(folder / "r", {"pack-objects", "-q", "--window=50", form, (folder / "p").string()}, ids);
    const fs::path pack = folder / ("p-" + name + ".pack").c_str();
    const ForeignPack found = check_foreign_pack(pack, "p", {}, {});
    CHECK(found.objects.size() == 41);
    CHECK(index_of(found) == read_file(fs::path(pack).replace_extension(".idx")));
    for (const ForeignObject& object : found.objects) CHECK(object.type == ObjectType::blob);
  }
}

TEST_CASE("a frame that does not fit is refused") {
  const std::string sound = sound_pack().bytes();
  CHECK(check(sound).objects.size() == 3);
  const auto changed = [&](std::size_t at, char byte) {
    std::string bytes = sound.substr(0, sound.size() - Oid::size);
    bytes[at] = byte;
    return CraftedPack::sealed(bytes);
  };
  CHECK_REFUSED(changed(0, 'p'), corrupt, "version 2");
  CHECK_REFUSED(changed(7, 3), corrupt, "version 2");
  CHECK_REFUSED(sound_pack().bytes(4), corrupt, "the pack ends before it");
  CHECK_REFUSED(sound_pack().bytes(2), corrupt, "behind its last entry");
  CHECK_REFUSED(sound_pack().bytes(0), corrupt, "empty");
  CHECK_REFUSED(sound_pack().bytes(3'000'000), corrupt, "too short");
  CHECK_REFUSED(sound_pack().bytes(UINT32_MAX), refused, "are allowed");
  CHECK_REFUSED(CraftedPack::sealed(sound.substr(0, sound.size() - 20) + "x"), corrupt, "behind its last entry");
  CHECK_REFUSED(sound + "x", corrupt, "");
  CHECK_REFUSED(std::string(), corrupt, "cut short");
}

TEST_CASE("a pack that is cut anywhere, or in which any byte is another, is refused") {
  const std::string sound = sound_pack().bytes();
  for (std::size_t size = 0; size < sound.size(); ++size) {
    CAPTURE(size);
    const auto refusal = refusal_of(sound.substr(0, size));
    REQUIRE(refusal);
    CHECK(refusal->code == ErrorCode::corrupt);
  }
  for (std::size_t at = 0; at < sound.size(); ++at) {
    CAPTURE(at);
    std::string bytes = sound;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x21);
    CHECK(refusal_of(bytes));
  }
}

TEST_CASE("entries that lie about themselves are refused") {
  const auto only = [](auto&& add) {
    CraftedPack pack = sound_pack();
    add(pack);
    return pack.bytes();
  };
  CHECK_REFUSED(only([](CraftedPack& p) { p.entry(5, 3, {}, "abc"); }), corrupt, "unknown type");
  CHECK_REFUSED(only([](CraftedPack& p) { p.entry(0, 3, {}, "abc"); }), corrupt, "unknown type");
  CHECK_REFUSED(only([](CraftedPack& p) { p.entry(3, 2, {}, "abc"); }), corrupt, "longer than it says");
  CHECK_REFUSED(only([](CraftedPack& p) { p.entry(3, 4, {}, "abc"); }), corrupt, "shorter than it says");
  CHECK_REFUSED(only([](CraftedPack& p) { p.entry(3, 4'000'000'000, {}, "abc"); }), corrupt, "impossible size");
  CHECK_REFUSED(only([](CraftedPack& p) { p.raw("\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"); }), corrupt,
                "impossible size");
  CHECK_REFUSED(only([](CraftedPack& p) { p.raw("\x33not a stream"); }), corrupt, "");
}

TEST_CASE("deltas without an end, without a base, or out of the pack are refused") {
  const auto base = noise(100);
  const Oid base_id = id_of(ObjectType::blob, base);
  SUBCASE("sound ones are taken, whichever way they name their base") {
    CraftedPack pack;
    pack.id_delta(id_of(ObjectType::blob, base + "a"), appending_delta(101, "b"));
    const std::uint64_t at = pack.whole(ObjectType::blob, base);
    pack.offset_delta(at, appending_delta(100, "a"));
    const ForeignPack found = check(pack.bytes());
    CHECK(found.objects.size() == 3);
    const auto has = [&](const std::string& content) {
      return std::any_of(found.objects.begin(), found.objects.end(), [&](const ForeignObject& object) {
        return object.id == id_of(ObjectType::blob, content) && object.type == ObjectType::blob;
      });
    };
    CHECK(has(base));
    CHECK(has(base + "a"));
    CHECK(has(base + "ab"));
  }
  SUBCASE("a circle") {
    CraftedPack pack;
    pack.id_delta(id_of(ObjectType::blob, "b"), appending_delta(1, ""));
    pack.id_delta(id_of(ObjectType::blob, "a"), appending_delta(1, ""));
    CHECK_REFUSED(pack.bytes(), corrupt, "circle");
  }
  SUBCASE("a delta of itself") {
    CraftedPack pack;
    const std::string delta = appending_delta(100, "");
    pack.whole(ObjectType::blob, "other");
    pack.id_delta(base_id, delta);
    CHECK_REFUSED(pack.bytes(), corrupt, "base");
  }
  SUBCASE("no base") {
    CraftedPack pack = sound_pack();
    pack.id_delta(base_id, appending_delta(100, "a"));
    CHECK_REFUSED(pack.bytes(), corrupt, "base is not in the pack");
  }
  SUBCASE("a base between two entries") {
    CraftedPack pack;
    const std::uint64_t at = pack.whole(ObjectType::blob, base);
    pack.offset_delta(at + 1, appending_delta(100, "a"));
    CHECK_REFUSED(pack.bytes(), corrupt, "where its base should begin");
  }
  SUBCASE("a base before the pack") {
    CraftedPack pack = sound_pack();
    std::string head;
    append_entry_head(head, 6, 5);
    append_base_distance(head, 1 << 20);
    pack.raw(head + "xxxxx");
    CHECK_REFUSED(pack.bytes(), corrupt, "outside of the pack");
  }
  SUBCASE("a base of another size") {
    CraftedPack pack;
    pack.offset_delta(pack.whole(ObjectType::blob, base), appending_delta(99, "a"));
    CHECK_REFUSED(pack.bytes(), corrupt, "delta is damaged");
  }
  SUBCASE("a copy from behind the base") {
    CraftedPack pack;
    pack.offset_delta(pack.whole(ObjectType::blob, base),
                      delta_size(100) + delta_size(10) + std::string("\x91\x60\x0a", 3));
    CHECK_REFUSED(pack.bytes(), corrupt, "delta is damaged");
  }
  SUBCASE("a chain that is too deep") {
    CraftedPack pack;
    std::uint64_t at = pack.whole(ObjectType::blob, base);
    for (std::size_t i = 0; i < 4095; ++i) at = pack.offset_delta(at, appending_delta(100 + i, "a"));
    CHECK(check(pack.bytes()).objects.size() == 4096);
    pack.offset_delta(at, appending_delta(4195, "a"));
    CHECK_REFUSED(pack.bytes(), refused, "too many deltas");
  }
  SUBCASE("an object of 4 GiB") {
    CraftedPack pack;
    pack.offset_delta(pack.whole(ObjectType::blob, base), delta_size(100) + delta_size(4ull << 30));
    CHECK_REFUSED(pack.bytes(), refused, "makes an object of 4294967296 bytes");
  }
}

TEST_CASE("what would take too much to make is refused before it is made") {
  SUBCASE("a stream that inflates a thousandfold") {
    CraftedPack pack;
    pack.whole(ObjectType::blob, std::string(40u << 20, '\0'));
    CHECK(check(pack.bytes()).objects.size() == 1);
    CHECK(refusal_of(pack.bytes(), {.inflated = 1 << 20})->code == ErrorCode::refused);
    CHECK(refusal_of(pack.bytes(), {.blob = 1 << 20})->code == ErrorCode::refused);
  }
  SUBCASE("many deltas that make much of little") {
    CraftedPack pack;
    const std::uint64_t at = pack.whole(ObjectType::blob, std::string(0x10000, 'x'));
    // Copies the base 960 times: 60 MiB of 2 kB.
    for (int i = 0; i < 40; ++i) {
      std::string delta = delta_size(0x10000) + delta_size(960 * 0x10000 + 1);
      for (int j = 0; j < 960; ++j) delta += '\x80';
      pack.offset_delta(at, delta + '\1' + static_cast<char>(i));
    }
    CHECK_REFUSED(pack.bytes(), refused, "far more than its size allows");
  }
  SUBCASE("bases that have to be held all at once") {
    CraftedPack pack;
    std::uint64_t at = pack.whole(ObjectType::blob, std::string(0x8000, 'x'));
    for (unsigned i = 0; i < 40; ++i) {
      const std::string grown = appending_delta(0x8000 + i, std::string(1, static_cast<char>(i)));
      const std::uint64_t next = pack.offset_delta(at, grown);
      pack.offset_delta(at, appending_delta(0x8000 + i, std::string(1, static_cast<char>(i + 100))));
      at = next;
    }
    CHECK(check(pack.bytes()).objects.size() == 81);
    CHECK(refusal_of(pack.bytes(), {.bases = 1 << 20})->code == ErrorCode::refused);
  }
  SUBCASE("a commit with a message of 100 MiB, and one with ten thousand parents") {
    CraftedPack pack;
    pack.whole(ObjectType::commit, commit_text({}, std::string(100u << 20, 'm')));
    CHECK_REFUSED(pack.bytes(), refused, "are allowed");
    std::string parents;
    for (int i = 0; i < 10'000; ++i) parents += "parent " + id_of(ObjectType::commit, std::to_string(i)).hex() + "\n";
    CraftedPack other;
    other.whole(ObjectType::commit, commit_text(parents));
    CHECK_REFUSED(other.bytes(), refused, "256 parents");
  }
}

TEST_CASE("an object that is there twice is refused") {
  CraftedPack pack = sound_pack();
  pack.whole(ObjectType::blob, "content");
  CHECK_REFUSED(pack.bytes(), corrupt, "is in it twice");
  CraftedPack other;
  const std::uint64_t at = other.whole(ObjectType::blob, "a");
  other.offset_delta(at, appending_delta(1, ""));
  other.id_delta(id_of(ObjectType::blob, "a"), appending_delta(1, "b"));
  CHECK_REFUSED(other.bytes(), corrupt, "is in it twice");
}

TEST_CASE("trees with names that mean something are refused") {
  const Oid id = id_of(ObjectType::blob, "content");
  for (const std::string name : {".git",        ".GIT",        ".Git",
                                 "git~1",       "GIT~1",       ".git ",
                                 ".git.",       ".git . .",    ".git::$INDEX_ALLOCATION",
                                 ".g\u200cit",  "\u200d.git",  ".gi\ufefft",
                                 ".gitmodules", ".GitModules", "gitmod~1",
                                 "GI7EBA~1",    "gi7eb~12",    ".gitattributes",
                                 "gi7d29~1",    "a\\b",        "..\\x",
                                 "a\nb",        "\x7f"}) {
    CAPTURE(name);
    CHECK_REFUSED(with_tree(tree_entry("100644", name, id)), refused, "means something");
    CHECK_REFUSED(with_tree(tree_entry("40000", name, id)), refused, "means something");
  }
  for (const std::string name : {"..", ".", "", "a/b", "/", "../x"}) {
    CAPTURE(name);
    CHECK_REFUSED(with_tree(tree_entry("100644", name, id)), corrupt, "bad name");
  }
  for (const std::string name :
       {".gitignore", ".github", "git", "x.git", "%2Egit", "m~1", "~1", "gitter~1", "é", "\xff", "a b", "con"}) {
    CAPTURE(name);
    CHECK(check(with_tree(tree_entry("100644", name, id))).objects.size() == 1);
  }
  CHECK_REFUSED(with_tree(tree_entry("100644", std::string(5000, 'a'), id)), refused, "too long");
}

TEST_CASE("trees that are not as git writes them are refused") {
  const Oid id = id_of(ObjectType::blob, "content");
  CHECK_REFUSED(with_tree(tree_entry("120000", "a", id)), refused, "neither a file nor a folder");
  CHECK_REFUSED(with_tree(tree_entry("160000", "a", id)), refused, "neither a file nor a folder");
  CHECK_REFUSED(with_tree(tree_entry("100664", "a", id)), refused, "neither a file nor a folder");
  CHECK_REFUSED(with_tree(tree_entry("100600", "a", id)), corrupt, "bad mode");
  CHECK_REFUSED(with_tree(tree_entry("0100644", "a", id)), corrupt, "bad mode");
  CHECK_REFUSED(with_tree(tree_entry("100644", "a", Oid())), corrupt, "names no object");
  CHECK_REFUSED(with_tree(tree_entry("100644", "b", id) + tree_entry("100644", "a", id)), corrupt, "out of order");
  CHECK_REFUSED(with_tree(tree_entry("100644", "a", id) + tree_entry("100644", "a", id)), corrupt, "twice");
  CHECK_REFUSED(
      with_tree(tree_entry("100644", "a", id) + tree_entry("100644", "a.b", id) + tree_entry("40000", "a", id)),
      corrupt, "twice");
  CHECK_REFUSED(with_tree(a_tree.substr(0, a_tree.size() - 1)), corrupt, "cut short");
}

TEST_CASE("commits and tags that are not as git writes them are refused") {
  const std::string sound = commit_text();
  const std::string commit_id = id_of(ObjectType::commit, sound).hex();
  const std::string sound_tag = "object " + commit_id + "\ntype commit\ntag v1\ntagger " + a_person + "\nm\n";
  const auto pack_of = [](ObjectType type, const std::string& content) {
    CraftedPack pack;
    pack.whole(type, content);
    return pack.bytes();
  };
  CHECK(check(pack_of(ObjectType::commit, sound)).objects.size() == 1);
  CHECK(check(pack_of(ObjectType::tag, sound_tag)).objects.size() == 1);
  const auto replaced = [](std::string content, std::string_view what, std::string_view with) {
    const auto at = content.find(what);
    REQUIRE(at != std::string::npos);
    return content.replace(at, what.size(), with);
  };
  using Change = std::pair<std::string_view, std::string_view>;
  for (const Change& change : std::vector<Change>{{"tree ", "tre "},
                                                  {"tree ", "tree a"},
                                                  {"author", "autor"},
                                                  {"author a", "author a\nauthor a"},
                                                  {"a <a@", "<a@"},
                                                  {"a <a@", "a<a@"},
                                                  {"a@example.org>", "a@example.org"},
                                                  {"<a@", "<a<@"},
                                                  {"> 1700000000", ">1700000000"},
                                                  {"1700000000", "-1700000000"},
                                                  {"1700000000", "01700000000"},
                                                  {"1700000000", "99999999999999999999"},
                                                  {"1700000000", "18446744073709551615"},
                                                  {"+0000", "0000"},
                                                  {"+0000", "+00000"},
                                                  {"+0000", "+00"},
                                                  {"committer", "comitter"},
                                                  {"m\n", std::string_view("m\0\n", 3)}}) {
    const auto what = change.first;
    const auto with = change.second;
    CAPTURE(what);
    CAPTURE(with);
    CHECK_REFUSED(pack_of(ObjectType::commit, replaced(sound, what, with)), corrupt, "damaged");
  }
  for (const Change& change : std::vector<Change>{{"object ", "objekt "},
                                                  {"type commit", "type commits"},
                                                  {"tag v1", "tag v1..2"},
                                                  {"tag v1", "tag "},
                                                  {"tagger", "tager"},
                                                  {"+0000\n", "+0000\nmore\n"},
                                                  {"m\n", std::string_view("m\0\n", 3)}}) {
    const auto what = change.first;
    const auto with = change.second;
    CAPTURE(what);
    CAPTURE(with);
    CHECK_REFUSED(pack_of(ObjectType::tag, replaced(sound_tag, what, with)), corrupt, "damaged");
  }
}

TEST_CASE("forged dates are no harm") {
  for (const char* time : {"0", "4294967296", "9999999999999"}) {
    std::string content = commit_text();
    for (std::size_t at; (at = content.find("1700000000")) != std::string::npos;) content.replace(at, 10, time);
    CraftedPack pack;
    pack.whole(ObjectType::commit, content);
    CHECK(check(pack.bytes()).objects.size() == 1);
  }
}
