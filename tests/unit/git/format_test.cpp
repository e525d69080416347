#include "git/pack_writer.hpp"
#include "git/repository.hpp"

#include "stock_git.hpp"

#include <doctest/doctest.h>

using namespace pod;
using namespace pod::git;
using namespace pod::git::test;

namespace {

const Oid blob = Oid::parse("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
const Oid tree = Oid::parse("4b825dc642cb6eb9a060e54bf8d69288fbee4904");

std::string raw(const Oid& id) { return {reinterpret_cast<const char*>(id.bytes().data()), Oid::size}; }

ErrorCode tree_code(std::string_view bytes) {
  return error_of([&] { parse_tree(tree, bytes); }).value().code();
}

}  // namespace

TEST_CASE("a commit is these bytes") {
  Commit commit;
  commit.tree = tree;
  commit.parents = {Oid::parse("1111111111111111111111111111111111111111"),
                    Oid::parse("2222222222222222222222222222222222222222")};
  commit.author = {"Ada", "ada@example.org", {1700000000, -210}};
  commit.committer = {"Bob", "bob@example.org", {1700000001, 90}};
  commit.message = "first line\n\nsecond\n\nPod-Version: 3";
  const std::string bytes = encode_commit(commit);
  CHECK(bytes ==
        "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
        "parent 1111111111111111111111111111111111111111\n"
        "parent 2222222222222222222222222222222222222222\n"
        "author Ada <ada@example.org> 1700000000 -0330\n"
        "committer Bob <bob@example.org> 1700000001 +0130\n"
        "\n"
        "first line\n\nsecond\n\nPod-Version: 3\n");
  const Commit back = parse_commit(blob, bytes);
  CHECK(back.tree == commit.tree);
  CHECK(back.parents == commit.parents);
  CHECK(back.author.name == "Ada");
  CHECK(back.author.email == "ada@example.org");
  CHECK(back.author.time.seconds == 1700000000);
  CHECK(back.author.time.offset_minutes == -210);
  CHECK(back.committer.time.offset_minutes == 90);
  CHECK(back.message == commit.message + '\n');
  CHECK(encode_commit(back) == bytes);
}

TEST_CASE("names, times and messages that git does not allow are made harmless, and stock git accepts the commit") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  const std::vector<std::pair<std::string, std::string>> names{
      {"", ""},        {"  ", "\t"}, {"a\nb <c>", "x@y>\n\0z"}, {"\x1b[31mred", "e<m>ail"}, {" É ", "é@example.org"},
      {"a>b", " a b "}};
  int number = 0;
  for (const auto& [name, email] : names) {
    for (const int offset : {0, 840, -840, 99999, -99999, 5}) {
      PackWriter writer(repository.objects(), repository.objects_folder(), {});
      Commit commit;
      commit.tree = writer.add(ObjectType::tree, {});
      commit.author = commit.committer = {name, email, {offset == 5 ? -5 : 1700000000, offset}};
      commit.message = std::string("m\r\nn\0o\n\n\n", 10);
      const std::string bytes = encode_commit(commit);
      CHECK(bytes.ends_with("\n\nm\nno\n"));
      const Oid id = writer.add(ObjectType::commit, base::bytes_of(bytes));
      writer.finish();
      CHECK(repository.update_ref("refs/heads/n" + std::to_string(++number), {}, id, "") == RefUpdate::updated);
      CHECK_FALSE(repository.commit(id).author.name.empty());
    }
  }
  check_fsck(repository.path());
}

TEST_CASE("a commit that is cut or broken is corrupt") {
  const std::string bytes = encode_commit(commit_of(tree, {blob}));
  const std::size_t head = bytes.find("\n\n") + 1;
  for (std::size_t size = 0; size < head - 1; ++size)
    CHECK(error_of([&] { parse_commit(blob, std::string_view(bytes).substr(0, size)); }).value().code() ==
          ErrorCode::corrupt);
  for (const char* bad :
       {"tree 4b825dc642cb6eb9a060e54bf8d69288fbee49zz\nauthor a <b> 1 +0000\ncommitter a <b> 1 +0000\n\n",
        "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor a b> 1 +0000\ncommitter a <b> 1 +0000\n\n",
        "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor a <b> x +0000\ncommitter a <b> 1 +0000\n\n",
        "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ncommitter a <b> 1 +0000\n\n"})
    CHECK(error_of([&] { parse_commit(blob, bad); }).value().code() == ErrorCode::corrupt);
  // What signed and merged commits carry besides is skipped.
  const Commit signed_one =
      parse_commit(blob,
                   "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor a <b> 1 +0000\ncommitter a <b> 1 +0000\n"
                   "encoding latin1\ngpgsig -----BEGIN\n more\n \n end\n\nmessage");
  CHECK(signed_one.message == "message");
}

TEST_CASE("a tree is these bytes, in git's order") {
  const std::string bytes =
      encode_tree({{"b", 040000, tree}, {"a.txt", 0100644, blob}, {"b.txt", 0100755, blob}, {"b-", 0100644, blob}});
  CHECK(bytes == "100644 a.txt" + std::string(1, '\0') + raw(blob) + "100644 b-" + std::string(1, '\0') + raw(blob) +
                     "100755 b.txt" + std::string(1, '\0') + raw(blob) + "40000 b" + std::string(1, '\0') + raw(tree));
  const std::vector<TreeEntry> back = parse_tree(tree, bytes);
  REQUIRE(back.size() == 4);
  CHECK(back[3].is_tree());
  CHECK(back[2].mode == 0100755);
  CHECK(back[1].name == "b-");
  CHECK(encode_tree(back) == bytes);
  CHECK(encode_tree({}).empty());
}

TEST_CASE("a tree has the id that stock git gives it") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  PackWriter writer(repository.objects(), repository.objects_folder(), {});
  const Oid content = writer.add(ObjectType::blob, {});
  const Oid empty = writer.add(ObjectType::tree, {});
  std::vector<TreeEntry> entries;
  std::string list;
  for (const char* name : {"a", "a.b", "a-b", "a0", "ab", "A", "\xff", "\x01", " ", "a b", "é", "con", "~", "-"}) {
    for (const std::string& suffix : {std::string(), std::string("/")}) {
      const bool is_folder = !suffix.empty();
      const std::string full = std::string(is_folder ? "d" : "") + name;
      entries.push_back({full, is_folder ? 040000u : 0100644u, is_folder ? empty : content});
      list += (is_folder ? "040000 tree " + empty.hex() : "100644 blob " + content.hex()) + '\t' + full + '\0';
    }
  }
  const std::string bytes = encode_tree(entries);
  const Oid id = writer.add(ObjectType::tree, base::bytes_of(bytes));
  writer.finish();
  CHECK(stock_git(repository.path(), {"mktree", "-z"}, list) == id.hex());
  CHECK(parse_tree(id, bytes).size() == entries.size());
  check_fsck(repository.path());
}

TEST_CASE("a tree that git would refuse is not written") {
  const auto code = [](std::vector<TreeEntry> entries) {
    return error_of([&] { encode_tree(entries); }).value().code();
  };
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("a\0b", 3)})
    CHECK(code({{name, 0100644, blob}}) == ErrorCode::internal);
  CHECK(code({{"a", 0100644, blob}, {"a", 0100755, blob}}) == ErrorCode::internal);
  CHECK(code({{"a", 0100644, blob}, {"a.b", 0100644, blob}, {"a", 040000, tree}}) == ErrorCode::internal);
  CHECK(code({{"a", 0120000, blob}}) == ErrorCode::internal);
  CHECK(code({{"a", 0100644, {}}}) == ErrorCode::internal);
}

TEST_CASE("a tree that is cut or breaks the rules is corrupt") {
  const std::string nul(1, '\0');
  const std::string entry = "100644 a" + nul + raw(blob);
  for (std::size_t size = 1; size < entry.size(); ++size)
    CHECK(tree_code(std::string_view(entry).substr(0, size)) == ErrorCode::corrupt);
  for (const std::string& bad :
       {"0100644 a" + nul + raw(blob), "100645 a" + nul + raw(blob), "644 a" + nul + raw(blob), " a" + nul + raw(blob),
        "77777777777777777777 a" + nul + raw(blob), "100644 " + nul + raw(blob), "100644 ." + nul + raw(blob),
        "100644 a/b" + nul + raw(blob), "100644a" + nul + raw(blob), entry + entry,
        "100644 b" + nul + raw(blob) + entry, "40000 a" + nul + raw(blob) + "100644 a.b" + nul + raw(blob),
        entry + "100644 a.b" + nul + raw(blob) + "40000 a" + nul + raw(tree)})
    CHECK(tree_code(bad) == ErrorCode::corrupt);
  CHECK(parse_tree(tree, "120000 link" + nul + raw(blob)).at(0).mode == 0120000);
  CHECK(parse_tree(tree, "160000 module" + nul + raw(blob)).at(0).mode == 0160000);
}
