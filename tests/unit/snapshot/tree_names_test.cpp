#include "snapshot/snapshot_world.hpp"

#include "base/utf8.hpp"
#include "snapshot/tree_names.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

using namespace pod::snapshot;
using namespace pod::snapshot::test;
using pod::StatePath;

namespace {

void check_both_ways(const std::string& component, bool at_root) {
  const std::string name = escape_component(component, at_root);
  CHECK(pod::base::is_utf8(name));
  CHECK(unescape_component(name, at_root) == component);
}

const std::vector<std::string> awkward{".git",
                                       ".GIT",
                                       ".Git",
                                       ".git.",
                                       ".git ",
                                       ".git::$INDEX",
                                       "git~1",
                                       "GIT~1",
                                       "g\xe2\x80\x8cit~1",
                                       ".g\xe2\x80\x8cit",
                                       "\xe2\x80\x8c.git",
                                       ".gitmodules",
                                       ".gitMODules",
                                       "gitmod~1",
                                       "GI7EBA~1",
                                       "gi7eba~9",
                                       ".gitattributes",
                                       ".gitignore",
                                       ".mailmap",
                                       "maba30~1",
                                       "a\\b",
                                       "a\nb",
                                       "\x1b[31m",
                                       "\xff\xfe",
                                       "caf\xc3\xa9",
                                       "cafe\xcc\x81",
                                       "\xc3",
                                       "x.chunks",
                                       ".chunks",
                                       "%",
                                       "%41",
                                       "%2E",
                                       "con",
                                       "aux.txt",
                                       "a:b",
                                       "end.",
                                       "end ",
                                       "\x7f",
                                       "-rf",
                                       "~",
                                       "HEAD",
                                       "..a",
                                       "...",
                                       ".pod",
                                       ".POD",
                                       std::string(255, 'x'),
                                       std::string(255, '\xff')};

}  // namespace

TEST_CASE("an ordinary name stands in the tree as it is") {
  for (const char* name : {"backend.state", "000000000000", "us-east-1", "a b", "caf\xc3\xa9", ".hidden", ".github",
                           "gitlab", "x.chunk", "chunks", "magic"})
    CHECK(escape_component(name, true) == name);
}

TEST_CASE("what git or the format takes for itself is escaped") {
  CHECK(escape_component(".git", false) == "%2Egit");
  CHECK(escape_component(".GiT", true) == "%2EGiT");
  CHECK(escape_component(".gitmodules", false) == "%2Egitmodules");
  CHECK(escape_component("git~1", false) == "%67it~1");
  CHECK(escape_component(".g\xe2\x80\x8cit", false) == "%2Eg\xe2\x80\x8cit");
  CHECK(escape_component("\xe2\x80\x8c.git", false) == "%E2%80%8C.git");
  CHECK(escape_component("a\\b", false) == "a%5Cb");
  CHECK(escape_component("a\nb", false) == "a%0Ab");
  CHECK(escape_component("\xff", false) == "%FF");
  CHECK(escape_component("x.chunks", false) == "x.chunk%73");
  CHECK(escape_component("100%", false) == "100%25");
  CHECK(escape_component(".pod", true) == "%2Epod");
  CHECK(escape_component(".POD", true) == "%2EPOD");
  CHECK(escape_component(".pod", false) == ".pod");
}

TEST_CASE("every awkward name comes back as it was") {
  for (const std::string& name : awkward) {
    CAPTURE(name);
    check_both_ways(name, true);
    check_both_ways(name, false);
  }
}

TEST_CASE("every name of random bytes comes back as it was") {
  std::mt19937 random(7);
  const std::string likely = ".gitGIT~1%25\\:chunkspod \xe2\x80\x8c\xc3\xa9\xff\n\x7f";
  for (int round = 0; round < 20000; ++round) {
    std::string name;
    const std::size_t size = 1 + random() % 14;
    while (name.size() < size) {
      char byte = likely[random() % likely.size()];
      if (random() % 4 == 0) byte = static_cast<char>(random() % 256);
      if (byte != '/' && byte != '\0') name += byte;
    }
    if (name == "." || name == "..") continue;
    check_both_ways(name, round % 2 == 0);
  }
}

TEST_CASE("a name that no snapshot gives is not taken for another one") {
  for (const char* name : {"", ".", "..", ".git", "%", "%4", "%41", "%2e", "%2f", "%00", "a/b", "%2Ex", "x.chunks",
                           "a\\b", "\xff", "%2E%2E", "%2E"})
    CHECK_FALSE(unescape_component(name, true));
  CHECK_FALSE(unescape_component(".pod", true));
  CHECK(unescape_component(".pod", false) == ".pod");
}

TEST_CASE("two names in a tree are never one path, whatever bytes they hold") {
  std::mt19937 random(11);
  for (int round = 0; round < 20000; ++round) {
    std::string name;
    for (std::size_t i = 0, size = 1 + random() % 8; i < size; ++i) name += "%2E5CgFit."[random() % 10];
    const auto component = unescape_component(name, false);
    if (component) CHECK(escape_component(*component, false) == name);
  }
}

TEST_CASE("whole paths are escaped component by component") {
  const StatePath path = StatePath::parse(".pod/.pod/x.chunks/.git");
  CHECK(escape_path(path) == "%2Epod/.pod/x.chunk%73/%2Egit");
  CHECK(unescape_path(escape_path(path)) == path);
  CHECK_FALSE(unescape_path("a//b"));
  CHECK_FALSE(unescape_path("a/../b"));
  CHECK_FALSE(unescape_path("/a"));
}

TEST_CASE("stock git finds no fault in a tree of awkward names, and they come back") {
  World world;
  std::set<std::string> expected;
  const pod::Oid tree = world.build([&](TreeBuilder& builder) {
    for (const std::string& name : awkward) {
      add(builder, name, "at the root: " + name);
      expected.insert(name);
      if (name.size() > 200) continue;
      add(builder, "below/" + name + "/" + name, "below");
      expected.insert("below/" + name + "/" + name);
    }
  });
  world.check_with_git(tree);
  const TreeView view = world.view(tree);
  const auto found = paths(view);
  CHECK(std::set<std::string>(found.begin(), found.end()) == expected);
  for (const std::string& name : awkward) CHECK(world.content(view, name) == "at the root: " + name);
}
