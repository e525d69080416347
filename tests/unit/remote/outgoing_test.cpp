#include "remote/outgoing.hpp"

#include "git/pack_writer.hpp"
#include "pod_history.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace pod;
using namespace pod::remote;
using namespace pod::remote::test;
using namespace pod::git::test;
namespace fs = std::filesystem;

namespace {

std::set<std::string> ids_of_all(const std::vector<OutgoingPack>& packs) {
  std::set<std::string> all;
  for (const OutgoingPack& pack : packs)
    for (const std::string& id : ids_by_stock_git(pack.pack)) CHECK(all.insert(id).second);
  return all;
}

void check_info(const OutgoingPack& pack) {
  CHECK(pack.info.pack.size == fs::file_size(pack.pack));
  CHECK(pack.info.pack.sha256 == digest::sha256(read_file(pack.pack)));
  CHECK(pack.info.index.has_value() == pack.index.has_value());
  CHECK(pack.info.index.has_value() == (pack.info.kind != PackKind::whole));
  if (!pack.index) return;
  CHECK(pack.info.index->size == fs::file_size(*pack.index));
  CHECK(pack.info.index->sha256 == digest::sha256(read_file(*pack.index)));
}

/// A name for every byte that is in both.
std::vector<std::string> names(const std::vector<OutgoingPack>& packs) {
  std::vector<std::string> found;
  for (const OutgoingPack& pack : packs) found.push_back(digest::hex(pack.info.pack.sha256));
  return found;
}

}  // namespace

TEST_CASE("a small push is one whole pack without an index") {
  const Folder folder;
  git::Repository repository = git::Repository::init(folder / "r");
  const Oid tip = commit_files(repository, pod_files());
  const auto packs = push(repository, tip, {}, folder / "out");
  REQUIRE(packs.size() == 1);
  CHECK(packs[0].info.kind == PackKind::whole);
  check_info(packs[0]);
  const auto ids = ids_by_stock_git(packs[0].pack);
  CHECK(ids == reachable(folder / "r", {tip.hex()}));
  CHECK(packs[0].info.objects == ids.size());
}

TEST_CASE("nothing is missing, nothing is written") {
  const Folder folder;
  git::Repository repository = git::Repository::init(folder / "r");
  const Oid first = commit_files(repository, pod_files(1));
  const Oid second = commit_files(repository, pod_files(2), {first});
  CHECK(push(repository, first, {first}, folder / "out").empty());
  CHECK(push(repository, first, {second}, folder / "out").empty());
  CHECK(files_below(folder / "out").empty());
}

TEST_CASE("a change is pushed alone: what stands beside it stays") {
  const Folder folder;
  git::Repository repository = git::Repository::init(folder / "r");
  Files files = pod_files();
  const Oid first = commit_files(repository, files);
  files["assets/db/main.sqlite.chunks/000000003e80/00000fa0"] = noise(4000, 9);
  const Oid second = commit_files(repository, files, {first});
  const auto packs = push(repository, second, {first}, folder / "out");
  REQUIRE(packs.size() == 1);
  // Commit, root, assets, db, the file, the folder of chunks, the chunk.
  CHECK(ids_by_stock_git(packs[0].pack).size() == 7);
  CHECK(ids_by_stock_git(packs[0].pack) == reachable(folder / "r", {second.hex(), "^" + first.hex()}));
}

TEST_CASE("chunks behind an insertion are not sent again, although their folders have other names") {
  const Folder folder;
  git::Repository repository = git::Repository::init(folder / "r");
  const std::string at = "assets/a.chunks/";
  const Oid first = commit_files(repository, {{at + "000000000000/00000000", noise(4096, 1)},
                                              {at + "000000001000/00000000", noise(4096, 2)},
                                              {at + "000000001000/00001000", noise(4096, 3)},
                                              {at + "000000003000/00000000", noise(4096, 4)}});
  const Oid second = commit_files(repository,
                                  {{at + "000000000000/00000000", noise(4096, 1)},
                                   {at + "000000000000/00001000", noise(4096, 9)},
                                   {at + "000000002000/00000000", noise(4096, 2)},
                                   {at + "000000002000/00001000", noise(4096, 7)},
                                   {at + "000000004000/00000000", noise(4096, 4)}},
                                  {first});
  const auto packs = push(repository, second, {first}, folder / "out");
  REQUIRE(packs.size() == 1);
  CHECK(ids_by_stock_git(packs[0].pack) == reachable(folder / "r", {second.hex(), "^" + first.hex()}));
}

TEST_CASE("a large push has history in a skeleton pack, and what files hold in content packs") {
  const Folder folder;
  git::Repository repository = git::Repository::init(folder / "r");
  const Oid first = commit_files(repository, pod_files(1, 200, 8000));
  const Oid tip = commit_files(repository, pod_files(2, 200, 8000), {first});
  const auto packs = push(repository, tip, {}, folder / "out", {.folder = {}, .pack_limit = 1u << 20});
  REQUIRE(packs.size() >= 4);
  for (const OutgoingPack& pack : packs) check_info(pack);
  CHECK(packs[0].info.kind == PackKind::skeleton);
  for (std::size_t i = 1; i < packs.size(); ++i) {
    CHECK(packs[i].info.kind == PackKind::content);
    CHECK(packs[i].info.pack.size <= 1u << 20);
  }
  CHECK(ids_of_all(packs) == reachable(folder / "r", {tip.hex()}));

  const std::set<std::string> skeleton = ids_by_stock_git(packs[0].pack);
  const auto id_of = [&](const char* path) { return stock_git(folder / "r", {"rev-parse", tip.hex() + ":" + path}); };
  for (const char* inside : {"", "assets", "assets/db", "api_states/0/sqs/us-east-1", ".pod", ".pod/info.json",
                             ".pod/metamodel/0/sqs/us-east-1.json"})
    CHECK(skeleton.contains(id_of(inside)));
  for (const char* outside : {"api_states/0/sqs/us-east-1/backend.state", "assets/db/main.sqlite.chunks",
                              "assets/db/main.sqlite.chunks/000000000000"})
    CHECK_FALSE(skeleton.contains(id_of(outside)));
}

TEST_CASE("the chunks of the newest version lie in the order of the file") {
  const Folder folder;
  git::Repository repository = git::Repository::init(folder / "r");
  const Files files = pod_files(2, 300, 8000);
  const Oid tip = commit_files(repository, files, {commit_files(repository, pod_files(1, 300, 8000))});
  const auto packs = push(repository, tip, {}, folder / "out");
  REQUIRE(packs.size() == 2);
  const auto index = git::PackIndex::open(*packs[1].index);
  std::uint64_t last = 0;
  for (const auto& [path, content] : files) {
    if (path.starts_with(".pod/")) continue;
    const Oid id = Oid::parse(stock_git(folder / "r", {"rev-parse", tip.hex() + ":" + path}));
    const auto position = index->find(id);
    REQUIRE(position);
    CHECK(*index->offset(*position) > last);
    last = *index->offset(*position);
  }
}

TEST_CASE("the same objects give the same bytes") {
  const Folder folder;
  git::Repository repository = git::Repository::init(folder / "r");
  const Oid tip = commit_files(repository, pod_files(1, 300, 8000));
  const auto once = push(repository, tip, {}, folder / "one");
  const auto twice = push(repository, tip, {}, folder / "two");
  CHECK(names(once) == names(twice));
}

TEST_CASE("what the remote has in other packs is left out, object by object") {
  const Folder folder;
  git::Repository repository = git::Repository::init(folder / "r");
  const Oid other = commit_files(repository, pod_files(1));
  Files files = pod_files(1);
  files["api_states/0/sns/us-east-1/backend.state"] = text(100, 5);
  const Oid tip = commit_files(repository, files);
  const auto theirs = reachable(folder / "r", {other.hex()});
  const git::ObjectTable table = table_of(repository);
  const MissingObjects missing = find_missing(
      table, *repository.objects(),
      {.tips = {tip}, .remote_tips = {}, .in_remote = [&](const Oid& id) { return theirs.contains(id.hex()); }}, {});
  // Commit, root, api_states, 0, sns, us-east-1, the file.
  CHECK(missing.skeleton.size() + missing.content.size() == 7);
}

TEST_CASE("a push does not read the history behind what the remote has") {
  const Folder folder;
  git::Repository repository = git::Repository::init(folder / "r");
  const Oid first = commit_files(repository, pod_files(1));
  const std::vector<fs::path> old = files_below(folder / "r/objects/pack", ".idx");
  Files files = pod_files(2);
  const Oid second = commit_files(repository, files, {first}, 1700000001);
  files["api_states/0/sqs/us-east-1/backend.state"] = text(3000, 3);
  const Oid third = commit_files(repository, files, {second}, 1700000002);
  const auto expected = reachable(folder / "r", {third.hex(), "^" + second.hex()});
  for (const fs::path& index : old) {
    fs::remove(index);
    fs::remove(fs::path(index).replace_extension(".pack"));
  }
  git::Repository again = git::Repository::open(folder / "r");
  REQUIRE_FALSE(again.objects()->contains(first));
  const auto packs = push(again, third, {second}, folder / "out");
  REQUIRE(packs.size() == 1);
  CHECK(packs[0].info.objects == expected.size());
}

TEST_CASE("clocks that went wrong lose nothing") {
  const Folder folder;
  git::Repository repository = git::Repository::init(folder / "r");
  std::vector<Oid> line;
  for (unsigned i = 0; i < 12; ++i)
    line.push_back(commit_files(repository, {{"a", text(100, i)}},
                                line.empty() ? std::vector<Oid>{} : std::vector{line.back()},
                                i % 2 == 0 ? 1900000000 - i : 1000000000 + i));
  for (std::size_t theirs = 0; theirs < line.size(); ++theirs) {
    CAPTURE(theirs);
    const auto packs = push(repository, line.back(), {line[theirs]}, folder / ("out" + std::to_string(theirs)).c_str());
    std::set<std::string> sent;
    for (const OutgoingPack& pack : packs) sent = ids_by_stock_git(pack.pack);
    for (const std::string& id : reachable(folder / "r", {line.back().hex(), "^" + line[theirs].hex()}))
      CHECK(sent.contains(id));
  }
}

TEST_CASE("a large file that moved to another folder is not sent again") {
  const Folder folder;
  git::Repository repository = git::Repository::init(folder / "r");
  Files files = pod_files(1, 300, 8000);
  const Oid first = commit_files(repository, files);
  Files moved;
  for (const auto& [path, content] : files)
    moved[path.starts_with("assets/db/") ? "assets/other/" + path.substr(10) : path] = content;
  const Oid second = commit_files(repository, moved, {first});
  const auto packs = push(repository, second, {first}, folder / "out");
  REQUIRE(packs.size() == 1);
  CHECK(packs[0].info.pack.size < 2000);
}

TEST_CASE("deltas stay deltas where their base comes along, and are resolved where it does not") {
  const Folder folder;
  fs::create_directories(folder / "r");
  git::Repository repository = git::Repository::init(folder / "r");
  Files files{{"assets/a", text(40'000)}};
  std::vector<Oid> line;
  for (unsigned i = 0; i < 20; ++i) {
    files["assets/a"].replace(i * 1000, 20, "changed in version " + std::to_string(i % 10));
    line.push_back(
        commit_files(repository, files, line.empty() ? std::vector<Oid>{} : std::vector{line.back()}, 1700000000 + i));
  }
  repository.update_ref("refs/heads/main", Oid(), line.back(), "");
  for (const char* form : {"true", "false"}) {
    CAPTURE(form);
    stock_git(folder / "r", {"-c", std::string("repack.useDeltaBaseOffset=") + form, "repack", "-q", "-a", "-d", "-f",
                             "--window=50", "--depth=50"});
    git::Repository packed = git::Repository::open(folder / "r");
    const fs::path out = folder / (std::string("out") + form).c_str();
    const auto all = push(packed, line.back(), {}, out);
    REQUIRE(all.size() == 1);
    CHECK(ids_by_stock_git(all[0].pack) == reachable(folder / "r", {line.back().hex()}));
    // Whole, each version has more than 6,000 bytes.
    CHECK(all[0].info.pack.size < 40'000);
    // Half of the line: some bases stay behind.
    for (const std::size_t at : {0u, 5u, 10u, 18u}) {
      const auto some = push(packed, line.back(), {line[at]}, out / std::to_string(at));
      REQUIRE(some.size() == 1);
      CHECK(ids_by_stock_git(some[0].pack) == reachable(folder / "r", {line.back().hex(), "^" + line[at].hex()}));
    }
  }
}

TEST_CASE("loose objects of stock git and annotated tags are pushed") {
  const Folder folder;
  git::Repository repository = git::Repository::init(folder / "r");
  const std::string blob = stock_git(folder / "r", {"hash-object", "-w", "--stdin"}, noise(2'000'000));
  const std::string tree = stock_git(folder / "r", {"mktree"}, "100644 blob " + blob + "\tlarge\n");
  const std::string commit = stock_git(folder / "r", {"commit-tree", "-m", "m", tree});
  stock_git(folder / "r", {"tag", "-a", "-m", "t", "v1", commit});
  const Oid tag = Oid::parse(stock_git(folder / "r", {"rev-parse", "refs/tags/v1"}));
  const auto packs = push(repository, tag, {}, folder / "out");
  REQUIRE(packs.size() == 2);
  CHECK(packs[0].info.objects == 3);
  CHECK(packs[1].info.objects == 1);
  CHECK(ids_of_all(packs) == reachable(folder / "r", {tag.hex()}));
}

TEST_CASE("what is damaged or missing here is not pushed") {
  const Folder folder;
  git::Repository repository = git::Repository::init(folder / "r");
  const Oid tip = commit_files(repository, pod_files(1, 20, 8000));
  const fs::path pack = files_below(folder / "r/objects/pack", ".pack").at(0);
  SUBCASE("a byte of an entry") {
    std::string bytes = read_file(pack);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
    write_file(pack, bytes);
  }
  SUBCASE("an object") {
    const Oid lost = commit_files(repository, {{"b", "lost"}});
    const Oid other = commit_files(repository, {{"b", "lost"}, {"c", "kept"}}, {tip});
    for (const fs::path& index : files_below(folder / "r/objects/pack", ".idx"))
      if (git::PackIndex::open(index)->find(lost)) {
        fs::remove(index);
        fs::remove(fs::path(index).replace_extension(".pack"));
      }
    git::Repository again = git::Repository::open(folder / "r");
    const auto error = error_of([&] { push(again, other, {tip}, folder / "out"); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::corrupt);
    return;
  }
  git::Repository again = git::Repository::open(folder / "r");
  const auto error = error_of([&] { push(again, tip, {}, folder / "out"); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::corrupt);
}

TEST_CASE("a push that was cancelled leaves no file that is not whole") {
  const Folder folder;
  git::Repository repository = git::Repository::init(folder / "r");
  const Oid tip = commit_files(repository, pod_files(1, 300, 8000));
  const git::ObjectTable table = table_of(repository);
  const MissingObjects missing =
      find_missing(table, *repository.objects(), {.tips = {tip}, .remote_tips = {}, .in_remote = {}}, {});
  CancelToken stop;
  Context context;
  context.cancel = &stop;
  stop.cancel();
  fs::create_directories(folder / "out");
  const auto error =
      error_of([&] { write_packs(table, *repository.objects(), missing, {.folder = folder / "out"}, context); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::cancelled);
  CHECK(files_below(folder / "out").empty());
}
