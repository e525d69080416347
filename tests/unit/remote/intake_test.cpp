#include "remote/intake.hpp"

#include "git/crafted_pack.hpp"
#include "git/pack_writer.hpp"
#include "pod_history.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace pod;
using namespace pod::remote;
using namespace pod::remote::test;
using namespace pod::git::test;
using git::ObjectType;
namespace fs = std::filesystem;

namespace {

/// A store to fetch into.
struct Receiver {
  Folder folder;
  git::Repository repository = git::Repository::init(folder / "store");
  fs::path spool = folder / "store/pod/tmp";
  Receiver() { fs::create_directories(spool); }

  Intake intake(const IntakeLimits& limits = {}) {
    return Intake(repository.objects_folder(), repository.objects(), spool, {}, limits);
  }
  void take(const std::vector<OutgoingPack>& packs, const Offer& offer) {
    Intake intake = this->intake();
    for (const OutgoingPack& pack : packs) intake.add(pack.pack, pack.pack.filename().string(), pack.info.objects);
    intake.check(offer);
    intake.install();
  }
  void branch(const Oid& tip) {
    repository.update_ref("refs/heads/main", repository.find_ref("refs/heads/main").value_or(Oid()), tip, "");
  }
  std::vector<fs::path> files() const { return files_below(folder / "store"); }
};

fs::path written(const Folder& folder, const CraftedPack& pack) {
  const fs::path path = folder / "crafted.pack";
  write_file(path, pack.bytes());
  return path;
}

std::string commit_text(const std::string& tree, const std::string& parents = {}) {
  const std::string person = "a <a@example.org> 1700000000 +0000\n";
  return "tree " + id_of(ObjectType::tree, tree).hex() + "\n" + parents + "author " + person + "committer " + person +
         "\nm\n";
}

/// That `pack` is refused for `tip`, and leaves nothing behind.
void check_refused(Receiver& receiver, const fs::path& pack, const Offer& offer, ErrorCode code, std::string_view words,
                   const IntakeLimits& limits = {}) {
  const auto before = receiver.files();
  const auto error = error_of([&] {
    Intake intake = receiver.intake(limits);
    intake.add(pack, "p1");
    intake.check(offer);
    intake.install();
  });
  REQUIRE(error);
  CHECK(error->code() == code);
  std::string text = error->message();
  for (const std::string& cause : error->causes()) text += "; " + cause;
  INFO(text);
  CHECK(text.find(words) != std::string::npos);
  CHECK(receiver.files() == before);
  CHECK(fs::is_empty(receiver.spool));
}

std::vector<std::string> changes_of(Intake& intake) {
  std::vector<std::string> found;
  intake.for_each_change([&](const GapCommit& commit, std::string_view path, const git::TreeEntry& entry) {
    found.push_back(commit.id.hex().substr(0, 4) + ' ' + std::string(path) + (entry.is_tree() ? " tree" : ""));
  });
  return found;
}

}  // namespace

TEST_CASE("what was pushed is fetched, version by version, and stock git finds nothing to say") {
  const Folder folder;
  git::Repository sender = git::Repository::init(folder / "r");
  Receiver receiver;
  std::vector<Oid> known;
  std::vector<Oid> line;
  for (unsigned i = 1; i <= 4; ++i) {
    line.push_back(commit_files(sender, pod_files(i, i == 3 ? 400 : 8, 8000), known, 1700000000 + i));
    const auto packs = push(sender, line.back(), known, folder / ("out" + std::to_string(i)).c_str());
    receiver.take(packs, {.tips = {line.back()}, .known_tips = known});
    receiver.branch(line.back());
    known = {line.back()};
    CHECK(reachable(receiver.folder / "store", {"main"}) == reachable(folder / "r", {line.back().hex()}));
    CHECK(fs::is_empty(receiver.spool));
  }
  check_fsck(receiver.folder / "store");
  // No object came twice.
  CHECK(stock_git(receiver.folder / "store", {"count-objects", "-v"})
            .find("in-pack: " + std::to_string(reachable(folder / "r", {line.back().hex()}).size()) + "\n") !=
        std::string::npos);
}

TEST_CASE("packs with deltas are installed with the index that stock git makes") {
  const Folder folder;
  git::Repository sender = git::Repository::init(folder / "r");
  Files files{{"assets/a", text(40'000)}};
  std::vector<Oid> line;
  for (unsigned i = 0; i < 20; ++i) {
    files["assets/a"].replace(i * 1000, 20, "changed in version " + std::to_string(i % 10));
    line.push_back(
        commit_files(sender, files, line.empty() ? std::vector<Oid>{} : std::vector{line.back()}, 1700000000 + i));
  }
  sender.update_ref("refs/heads/main", Oid(), line.back(), "");
  stock_git(folder / "r", {"repack", "-q", "-a", "-d", "-f", "--window=50", "--depth=50"});
  git::Repository packed = git::Repository::open(folder / "r");
  Receiver receiver;
  receiver.take(push(packed, line.back(), {}, folder / "out"), {.tips = {line.back()}, .known_tips = {}});
  receiver.branch(line.back());
  check_fsck(receiver.folder / "store");
  const auto packs = files_below(receiver.folder / "store/objects/pack", ".pack");
  REQUIRE(packs.size() == 1);
  stock_git(receiver.folder / "store", {"verify-pack", packs[0].string()});
  const std::string index = read_file(fs::path(packs[0]).replace_extension(".idx"));
  stock_git(folder / "r", {"index-pack", "-o", (folder / "x.idx").string(), packs[0].string()});
  CHECK(index == read_file(folder / "x.idx"));
}

TEST_CASE("new versions and what changed in them are told before anything is installed") {
  const Folder folder;
  git::Repository sender = git::Repository::init(folder / "r");
  Files files = pod_files(1);
  const Oid first = commit_files(sender, files);
  files["api_states/0/sqs/us-east-1/backend.state"] = "second";
  const Oid second = commit_files(sender, files, {first}, 1700000001);
  files["api_states/0/sns/us-east-1/backend.state"] = "third";
  files["assets/db/main.sqlite.chunks/000000003e80/00000fa0"] = noise(4000, 9);
  files.erase("api_states/0/s3/global/backend.state");
  const Oid third = commit_files(sender, files, {second}, 1700000002);

  Receiver receiver;
  receiver.take(push(sender, first, {}, folder / "one"), {.tips = {first}, .known_tips = {}});
  Intake intake = receiver.intake();
  for (const OutgoingPack& pack : push(sender, third, {first}, folder / "two")) intake.add(pack.pack, "p");
  intake.check({.tips = {third}, .known_tips = {first}});
  REQUIRE(intake.new_commits().size() == 2);
  CHECK(intake.new_commits()[0].id == third);
  CHECK(intake.new_commits()[1].id == second);
  CHECK(changes_of(intake) ==
        std::vector<std::string>{third.hex().substr(0, 4) + " api_states/0/sns/us-east-1/backend.state",
                                 third.hex().substr(0, 4) + " assets/db/main.sqlite.chunks tree",
                                 second.hex().substr(0, 4) + " api_states/0/sqs/us-east-1/backend.state"});
  CHECK_FALSE(receiver.repository.objects()->contains(third));
  CHECK(intake.objects().read(id_of(ObjectType::blob, "third"), ObjectType::blob) == "third");
}

TEST_CASE("a pack that lacks what a version needs is refused") {
  const std::string tree = tree_entry("100644", "a", id_of(ObjectType::blob, "content"));
  const std::string commit = commit_text(tree);
  const Oid tip = id_of(ObjectType::commit, commit);
  Receiver receiver;
  SUBCASE("the blob") {
    CraftedPack pack;
    pack.whole(ObjectType::commit, commit);
    pack.whole(ObjectType::tree, tree);
    check_refused(receiver, written(receiver.folder, pack), {.tips = {tip}, .known_tips = {}}, ErrorCode::corrupt,
                  id_of(ObjectType::blob, "content").hex());
  }
  SUBCASE("the tree") {
    CraftedPack pack;
    pack.whole(ObjectType::commit, commit);
    pack.whole(ObjectType::blob, "content");
    check_refused(receiver, written(receiver.folder, pack), {.tips = {tip}, .known_tips = {}}, ErrorCode::corrupt,
                  id_of(ObjectType::tree, tree).hex());
  }
  SUBCASE("the parent") {
    CraftedPack pack;
    const std::string child = commit_text(tree, "parent " + tip.hex() + "\n");
    pack.whole(ObjectType::commit, child);
    pack.whole(ObjectType::tree, tree);
    pack.whole(ObjectType::blob, "content");
    check_refused(receiver, written(receiver.folder, pack),
                  {.tips = {id_of(ObjectType::commit, child)}, .known_tips = {}}, ErrorCode::corrupt, tip.hex());
  }
  SUBCASE("the tip") {
    CraftedPack pack;
    pack.whole(ObjectType::blob, "content");
    check_refused(receiver, written(receiver.folder, pack), {.tips = {tip}, .known_tips = {}}, ErrorCode::corrupt,
                  tip.hex());
  }
  SUBCASE("what a tree needs that the store happens to have without it") {
    // As a commit that was broken off leaves it: a tree, and not what it names.
    git::PackWriter writer(nullptr, receiver.repository.objects_folder(), {});
    writer.add(ObjectType::tree, base::bytes_of(tree));
    writer.finish();
    receiver.repository.objects()->refresh();
    CraftedPack pack;
    pack.whole(ObjectType::commit, commit);
    check_refused(receiver, written(receiver.folder, pack), {.tips = {tip}, .known_tips = {}}, ErrorCode::corrupt,
                  id_of(ObjectType::blob, "content").hex());
  }
}

TEST_CASE("objects of another type than they are named as are refused") {
  Receiver receiver;
  SUBCASE("a tree named as a file") {
    const std::string tree = tree_entry("100644", "a", id_of(ObjectType::tree, ""));
    CraftedPack pack;
    pack.whole(ObjectType::commit, commit_text(tree));
    pack.whole(ObjectType::tree, tree);
    pack.whole(ObjectType::tree, "");
    check_refused(receiver, written(receiver.folder, pack),
                  {.tips = {id_of(ObjectType::commit, commit_text(tree))}, .known_tips = {}}, ErrorCode::corrupt,
                  "is a tree");
  }
  SUBCASE("a file named as a folder") {
    const std::string tree = tree_entry("40000", "a", id_of(ObjectType::blob, "x"));
    CraftedPack pack;
    pack.whole(ObjectType::commit, commit_text(tree));
    pack.whole(ObjectType::tree, tree);
    pack.whole(ObjectType::blob, "x");
    check_refused(receiver, written(receiver.folder, pack),
                  {.tips = {id_of(ObjectType::commit, commit_text(tree))}, .known_tips = {}}, ErrorCode::corrupt,
                  "blob");
  }
  SUBCASE("a tree named as a folder first, and as a file then") {
    const std::string tree =
        tree_entry("40000", "a", id_of(ObjectType::tree, "")) + tree_entry("100644", "b", id_of(ObjectType::tree, ""));
    CraftedPack pack;
    pack.whole(ObjectType::commit, commit_text(tree));
    pack.whole(ObjectType::tree, tree);
    pack.whole(ObjectType::tree, "");
    check_refused(receiver, written(receiver.folder, pack),
                  {.tips = {id_of(ObjectType::commit, commit_text(tree))}, .known_tips = {}}, ErrorCode::corrupt,
                  "is a tree, and is named as a blob");
  }
  SUBCASE("a tag that says of a commit that it is a tree") {
    const std::string tree = tree_entry("100644", "a", id_of(ObjectType::blob, "x"));
    const std::string commit = commit_text(tree);
    const std::string tag = "object " + id_of(ObjectType::commit, commit).hex() +
                            "\ntype tree\ntag v1\ntagger a <a@example.org> 1700000000 +0000\n\nm\n";
    CraftedPack pack;
    pack.whole(ObjectType::tag, tag);
    pack.whole(ObjectType::commit, commit);
    pack.whole(ObjectType::tree, tree);
    pack.whole(ObjectType::blob, "x");
    check_refused(receiver, written(receiver.folder, pack), {.tips = {id_of(ObjectType::tag, tag)}, .known_tips = {}},
                  ErrorCode::corrupt, "is a commit, and is named as a tree");
  }
  SUBCASE("a commit whose tree is a file") {
    CraftedPack pack;
    const std::string person = "a <a@example.org> 1700000000 +0000\n";
    const std::string commit =
        "tree " + id_of(ObjectType::blob, "x").hex() + "\nauthor " + person + "committer " + person + "\nm\n";
    pack.whole(ObjectType::commit, commit);
    pack.whole(ObjectType::blob, "x");
    check_refused(receiver, written(receiver.folder, pack),
                  {.tips = {id_of(ObjectType::commit, commit)}, .known_tips = {}}, ErrorCode::corrupt, "blob");
  }
}

TEST_CASE("what the tips do not need is left out") {
  const std::string tree = tree_entry("100644", "a", id_of(ObjectType::blob, "content"));
  const std::string extra_tree = tree_entry("100644", "b", id_of(ObjectType::blob, "nowhere"));
  const Oid tip = id_of(ObjectType::commit, commit_text(tree));
  Receiver receiver;
  CraftedPack pack;
  const std::uint64_t extra = pack.whole(ObjectType::blob, "conten");
  pack.whole(ObjectType::tree, extra_tree);
  pack.whole(ObjectType::commit, commit_text(tree));
  pack.whole(ObjectType::tree, tree);
  pack.offset_delta(extra, appending_delta(6, "t"));
  CraftedPack useless;
  useless.whole(ObjectType::blob, "of no use");
  write_file(receiver.folder / "useless.pack", useless.bytes());

  Intake intake = receiver.intake();
  intake.add(receiver.folder / "useless.pack", "p0");
  intake.add(written(receiver.folder, pack), "p1");
  intake.check({.tips = {tip}, .known_tips = {}});
  const Intake::Installed installed = intake.install();
  CHECK(installed.objects == 3);
  CHECK(installed.dropped == 3);
  CHECK(installed.packs.size() == 1);
  receiver.branch(tip);
  check_fsck(receiver.folder / "store");
  for (const Oid& id :
       {id_of(ObjectType::blob, "conten"), id_of(ObjectType::tree, extra_tree), id_of(ObjectType::blob, "of no use")})
    CHECK_FALSE(receiver.repository.objects()->contains(id));
  CHECK(receiver.repository.objects()->read(id_of(ObjectType::blob, "content"), ObjectType::blob) == "content");
}

TEST_CASE("trees that unfold to more than anybody can hold are refused") {
  Receiver receiver;
  CraftedPack pack;
  pack.whole(ObjectType::blob, "x");
  SUBCASE("ten folders of ten folders of ten …") {
    std::string tree;
    for (char name = 'a'; name < 'k'; ++name)
      tree += tree_entry("100644", std::string(1, name), id_of(ObjectType::blob, "x"));
    for (int level = 0; level < 10; ++level) {
      pack.whole(ObjectType::tree, tree);
      const Oid id = id_of(ObjectType::tree, tree);
      tree.clear();
      for (char name = 'a'; name < 'k'; ++name) tree += tree_entry("40000", std::string(1, name), id);
    }
    pack.whole(ObjectType::tree, tree);
    const std::string commit = commit_text(tree);
    pack.whole(ObjectType::commit, commit);
    check_refused(receiver, written(receiver.folder, pack),
                  {.tips = {id_of(ObjectType::commit, commit)}, .known_tips = {}}, ErrorCode::refused,
                  "too many files");
  }
  SUBCASE("a thousand folders in one another") {
    std::string tree = tree_entry("100644", "a", id_of(ObjectType::blob, "x"));
    for (int level = 0; level < 1000; ++level) {
      pack.whole(ObjectType::tree, tree);
      tree = tree_entry("40000", "a", id_of(ObjectType::tree, tree));
    }
    pack.whole(ObjectType::tree, tree);
    const std::string commit = commit_text(tree);
    pack.whole(ObjectType::commit, commit);
    check_refused(receiver, written(receiver.folder, pack),
                  {.tips = {id_of(ObjectType::commit, commit)}, .known_tips = {}}, ErrorCode::refused, "too deep");
  }
}

TEST_CASE("a damaged pack leaves the store and its spool as they were") {
  const Folder folder;
  git::Repository sender = git::Repository::init(folder / "r");
  const Oid tip = commit_files(sender, pod_files());
  const auto packs = push(sender, tip, {}, folder / "out");
  const std::string sound = read_file(packs[0].pack);
  Receiver receiver;
  for (std::size_t at = 0; at < sound.size(); at += 331) {
    std::string bytes = sound;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x41);
    write_file(receiver.folder / "bad.pack", bytes);
    check_refused(receiver, receiver.folder / "bad.pack", {.tips = {tip}, .known_tips = {}}, ErrorCode::corrupt,
                  "\"p1\"");
  }
}

TEST_CASE("a pack with another number of objects than its manifest says is refused") {
  const Folder folder;
  git::Repository sender = git::Repository::init(folder / "r");
  const auto packs = push(sender, commit_files(sender, pod_files()), {}, folder / "out");
  Receiver receiver;
  Intake intake = receiver.intake();
  const auto error = error_of([&] { intake.add(packs[0].pack, "p", packs[0].info.objects + 1); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::corrupt);
}

TEST_CASE("what is fetched again is installed once") {
  const Folder folder;
  git::Repository sender = git::Repository::init(folder / "r");
  const Oid tip = commit_files(sender, pod_files());
  const auto packs = push(sender, tip, {}, folder / "out");
  Receiver receiver;
  receiver.take(packs, {.tips = {tip}, .known_tips = {}});
  const auto before = receiver.files();
  receiver.take(packs, {.tips = {tip}, .known_tips = {}});
  CHECK(receiver.files() == before);
  receiver.branch(tip);
  receiver.take(packs, {.tips = {tip}, .known_tips = {tip}});
  CHECK(receiver.files().size() >= before.size());
  CHECK(files_below(receiver.folder / "store/objects/pack", ".pack").size() == 1);
}

TEST_CASE("with a depth the newest versions are whole, and of the others history is") {
  const Folder folder;
  git::Repository sender = git::Repository::init(folder / "r");
  std::vector<Oid> line;
  std::vector<OutgoingPack> packs;
  for (unsigned i = 1; i <= 3; ++i) {
    const std::vector<Oid> before = line.empty() ? std::vector<Oid>{} : std::vector{line.back()};
    line.push_back(commit_files(sender, pod_files(i, 400, 8000), before, 1700000000 + i));
    for (OutgoingPack& pack : push(sender, line.back(), before, folder / "out")) packs.push_back(std::move(pack));
  }
  REQUIRE(packs.size() == 6);
  Receiver receiver;
  const auto offered = [&](std::size_t first_content) {
    std::vector<OutgoingPack> some;
    for (std::size_t i = 0; i < packs.size(); ++i)
      if (packs[i].info.kind == PackKind::skeleton || i >= first_content) some.push_back(packs[i]);
    return some;
  };
  // pod_files(3) has a file that came with the first version, and whose content lies in that one's pack.
  const Offer offer{.tips = {line.back()}, .known_tips = {}, .depth = 1};
  const auto error = error_of([&] { receiver.take(offered(4), offer); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::corrupt);
  std::vector<OutgoingPack> enough = offered(4);
  enough.push_back(packs[1]);
  receiver.take(enough, offer);
  const auto read = [&](const Oid& commit, const std::string& path) {
    return run({"git", "-C", (receiver.folder / "store").string(), "-c", "safe.directory=*", "cat-file", "-e",
                commit.hex() + ":" + path})
               .exit == 0;
  };
  for (const auto& [path, content] : pod_files(3, 400, 8000)) CHECK(read(line[2], path));
  for (const Oid& commit : line) CHECK(read(commit, ".pod/metamodel/0/sqs/us-east-1.json"));
  CHECK_FALSE(read(line[1], "api_states/0/sqs/us-east-1/backend.state"));
}
