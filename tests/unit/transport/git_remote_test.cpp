#include "transport/plain_repository.hpp"

#include "base/files.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

using namespace pod;
using namespace pod::test;

namespace {

GitRefPushed push_one(GitRemote& remote, const GitRefUpdate& update, const GitPushOptions& options = {}) {
  return remote.push({update}, options).front();
}

Oid target_of(GitRemote& remote, const std::string& name) {
  for (const GitRef& ref : remote.refs())
    if (ref.name == name) return ref.target;
  return {};
}

std::string why(const GitRefPushed& pushed) { return pushed.error ? pushed.error->message() : ""; }

}  // namespace

TEST_CASE("what one repository pushes, another fetches whole") {
  Team team;
  const Oid first = team.commit("ann", "one");
  GitRemote ann = team.remote("ann");
  CHECK(git::test::error_of([&] { ann.refs(); })->code() == ErrorCode::not_found);
  CHECK(ann.refs(true).empty());
  CHECK_FALSE(ann.head());
  const GitRefPushed pushed = push_one(ann, {.name = "refs/heads/shop", .target = first});
  REQUIRE_MESSAGE(pushed.status == GitRefStatus::done, why(pushed));

  GitRemote bob = team.remote("bob");
  REQUIRE(bob.refs().size() == 1);
  CHECK(bob.refs().front().target == first);
  CHECK(bob.head() == "refs/heads/shop");
  CHECK(bob.fetch({first}).objects == 3);
  stock_git(team.at("bob"), {"update-ref", "refs/heads/shop", first.hex()});
  stock_git(team.at("bob"), {"fsck", "--strict", "--full"});

  const Oid second = team.commit("ann", "two");
  CHECK(target_of(ann, "refs/heads/shop") == first);
  CHECK(push_one(ann, {.name = "refs/heads/shop", .target = second}).status == GitRefStatus::done);
  CHECK(target_of(bob, "refs/heads/shop") == second);
  const GitFetched fetched = bob.fetch({second});
  CHECK(fetched.objects == 3);
  CHECK(fetched.packs == 1);
}

TEST_CASE("what was thrown away here is fetched again") {
  Team team;
  const Oid first = team.commit("ann", "one");
  GitRemote ann = team.remote("ann");
  ann.refs(true);
  push_one(ann, {.name = "refs/heads/shop", .target = first});
  GitRemote bob = team.remote("bob");
  bob.refs();
  bob.fetch({first});
  for (const fs::path& pack : git::test::files_below(team.at("bob") / ".git" / "objects" / "pack")) fs::remove(pack);
  GitRemote again = team.remote("bob");
  again.refs();
  CHECK(again.fetch({first}).objects == 3);
}

TEST_CASE("what another pod holds there is named, and not sent again") {
  Team team;
  const std::string large = git::test::noise(2 << 20);
  GitRemote ann = team.remote("ann");
  ann.refs(true);
  const Oid anns = team.commit("ann", large);
  REQUIRE(push_one(ann, {.name = "refs/heads/shop", .target = anns}).status == GitRefStatus::done);
  const auto bytes_there = [&] {
    std::uintmax_t sum = 0;
    for (const fs::path& file : git::test::files_below(team.folder / "pods")) sum += fs::file_size(file);
    return sum;
  };
  const std::uintmax_t before = bytes_there();

  team.commit("bob", large);
  const Oid bobs = team.commit("bob", "of bob", "other");
  GitRemote bob = team.remote("bob");
  bob.refs(true);
  REQUIRE(push_one(bob, {.name = "refs/heads/till", .target = bobs}).status == GitRefStatus::done);
  CHECK(bytes_there() < before + 20'000);

  ann.refs();
  ann.fetch({bobs});
  stock_git(team.at("ann"), {"update-ref", "refs/heads/till", bobs.hex()});
  stock_git(team.at("ann"), {"fsck", "--strict", "--full"});
  CHECK(stock_git(team.at("ann"), {"show", "till:other"}) == "of bob");
}

TEST_CASE("only what follows takes the place of a version, but for force") {
  Team team;
  const Oid first = team.commit("ann", "one");
  const Oid second = team.commit("ann", "two");
  GitRemote ann = team.remote("ann");
  ann.refs(true);
  push_one(ann, {.name = "refs/heads/shop", .target = second});
  CHECK(push_one(ann, {.name = "refs/heads/shop", .target = first}).status == GitRefStatus::not_fast_forward);
  CHECK(push_one(ann, {.name = "refs/heads/shop", .target = first, .force = true, .expected = first}).status ==
        GitRefStatus::moved);
  CHECK(target_of(ann, "refs/heads/shop") == second);
  CHECK(push_one(ann, {.name = "refs/heads/shop", .target = first, .force = true}, {.dry_run = true}).status ==
        GitRefStatus::done);
  CHECK(target_of(ann, "refs/heads/shop") == second);
  CHECK(push_one(ann, {.name = "refs/heads/shop", .target = first, .force = true}).status == GitRefStatus::done);
  CHECK(target_of(ann, "refs/heads/shop") == first);
}

TEST_CASE("of two who push at once the second is told") {
  Team team;
  const Oid first = team.commit("ann", "one");
  GitRemote ann = team.remote("ann");
  ann.refs(true);
  GitRemote other = team.remote("ann");
  other.refs(true);
  CHECK(push_one(ann, {.name = "refs/heads/shop", .target = first}).status == GitRefStatus::done);
  const Oid second = team.commit("ann", "two");
  CHECK(push_one(other, {.name = "refs/heads/shop", .target = second}).status == GitRefStatus::moved);
  CHECK(target_of(other, "refs/heads/shop") == first);
  CHECK(push_one(other, {.name = "refs/heads/shop", .target = second}).status == GitRefStatus::done);
}

TEST_CASE("a tag lies beside the pod whose version it names") {
  Team team;
  const Oid first = team.commit("ann", "one");
  stock_git(team.at("ann"), {"-c", "user.name=a", "-c", "user.email=a@b", "tag", "-am", "good", "good"});
  GitRemote ann = team.remote("ann");
  ann.refs(true);
  const Oid tag = team.tip("ann", "good");
  CHECK(why(push_one(ann, {.name = "refs/tags/good", .target = tag})).find("no version of a pod") != std::string::npos);
  for (const GitRefPushed& pushed :
       ann.push({{.name = "refs/tags/good", .target = tag}, {.name = "refs/heads/shop", .target = first}}))
    CHECK_MESSAGE(pushed.status == GitRefStatus::done, why(pushed));
  CHECK(target_of(ann, "refs/tags/good") == tag);

  SUBCASE("and is fetched with it") {
    GitRemote bob = team.remote("bob");
    bob.refs();
    bob.fetch({first});
    CHECK(stock_git(team.at("bob"), {"cat-file", "-t", tag.hex()}) == "tag");
  }
  SUBCASE("without it only when it is asked for") {
    GitRemote bob = team.remote("bob");
    bob.refs();
    bob.fetch({first}, false);
    CHECK(git::test::run({"git", "-C", team.at("bob").string(), "cat-file", "-t", tag.hex()}).exit != 0);
    bob.fetch({tag}, false);
    CHECK(stock_git(team.at("bob"), {"cat-file", "-t", tag.hex()}) == "tag");
  }
  SUBCASE("does not move by itself") {
    const GitRefUpdate update{.name = "refs/tags/good", .target = first};
    CHECK(push_one(ann, update).error->code() == ErrorCode::already_exists);
    GitRefUpdate forced = update;
    forced.force = true;
    CHECK(push_one(ann, forced).status == GitRefStatus::done);
  }
  SUBCASE("can go, and goes with its pod") {
    CHECK(push_one(ann, {.name = "refs/tags/good", .target = {}}).status == GitRefStatus::done);
    CHECK(ann.refs().size() == 1);
    CHECK(push_one(ann, {.name = "refs/tags/again", .target = tag}).status == GitRefStatus::done);
    CHECK(push_one(ann, {.name = "refs/heads/shop", .target = {}}).status == GitRefStatus::done);
    CHECK(ann.refs().empty());
    CHECK(push_one(ann, {.name = "refs/heads/shop", .target = first}).status == GitRefStatus::done);
    CHECK(target_of(ann, "refs/heads/shop") == first);
  }
}

TEST_CASE("what no reader would take is not sent") {
  Team team;
  GitRemote ann = team.remote("ann");
  ann.refs(true);
  const Oid bad = team.commit("ann", "x", ".gitattributes");
  const GitRefPushed pushed = push_one(ann, {.name = "refs/heads/shop", .target = bad});
  CHECK(pushed.status == GitRefStatus::refused);
  CHECK(pushed.error->code() == ErrorCode::refused);
  CHECK(ann.refs(true).empty());
  for (const char* name : {"refs/heads/a/b", "refs/notes/x", "HEAD", "refs/heads/HEAD", "refs/heads/x..y"})
    CHECK(push_one(ann, {.name = name, .target = bad}).status == GitRefStatus::refused);
  CHECK(push_one(ann, {.name = "refs/heads/shop", .target = Oid::parse(std::string(40, 'a'))}).status ==
        GitRefStatus::refused);
}

TEST_CASE("all or none goes only within a pod") {
  Team team;
  const Oid first = team.commit("ann", "one");
  const Oid second = team.commit("ann", "two");
  GitRemote ann = team.remote("ann");
  ann.refs(true);
  for (const GitRefPushed& pushed :
       ann.push({{.name = "refs/heads/shop", .target = second}, {.name = "refs/heads/orders", .target = second}},
                {.atomic = true}))
    CHECK(pushed.error->code() == ErrorCode::unsupported);
  CHECK(ann.push({{.name = "refs/heads/shop", .target = second}, {.name = "refs/tags/two", .target = second}},
                 {.atomic = true})
            .back()
            .status == GitRefStatus::done);
  const auto pushed = ann.push(
      {{.name = "refs/heads/shop", .target = first}, {.name = "refs/tags/one", .target = first}}, {.atomic = true});
  CHECK(pushed.front().status == GitRefStatus::not_fast_forward);
  CHECK(pushed.back().status == GitRefStatus::refused);
  CHECK(ann.refs().size() == 2);
}

TEST_CASE("names that differ in case alone are not two pods") {
  Team team;
  const Oid first = team.commit("ann", "one");
  GitRemote ann = team.remote("ann");
  ann.refs(true);
  push_one(ann, {.name = "refs/heads/shop", .target = first});
  CHECK(push_one(ann, {.name = "refs/heads/Shop", .target = first}).error->code() == ErrorCode::already_exists);
}

TEST_CASE("repositories that do not hold their whole history are refused, and left as they are") {
  Team team;
  const Oid first = team.commit("ann", "one");
  GitRemote ann = team.remote("ann");
  ann.refs(true);
  push_one(ann, {.name = "refs/heads/shop", .target = first});
  const auto refused = [&](const fs::path& file, const std::string& text) {
    GitRemote bob = team.remote("bob");
    bob.refs();
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::app) << text;
    const auto error = git::test::error_of([&] { bob.fetch({first}); });
    fs::remove(file);
    return error && error->code() == ErrorCode::unsupported && !fs::exists(team.at("bob") / ".git" / "pod");
  };
  const fs::path git = team.at("bob") / ".git";
  CHECK(refused(git / "shallow", first.hex() + "\n"));
  CHECK(refused(git / "objects" / "info" / "alternates", "/elsewhere\n"));
  CHECK(refused(git / "config", "[extensions]\n\tobjectFormat = sha256\n"));
}

TEST_CASE("a pod that is damaged there holds up no other, and an answer that was changed is not taken") {
  Team team;
  const Oid first = team.commit("ann", "one");
  GitRemote ann = team.remote("ann");
  ann.refs(true);
  ann.push({{.name = "refs/heads/orders", .target = first}, {.name = "refs/heads/shop", .target = first}});
  git::test::write_file(team.folder / "pods" / "pods" / "orders" / "HEAD", "{}");
  GitRemote bob = team.remote("bob");
  const auto refs = bob.refs();
  REQUIRE(refs.size() == 1);
  CHECK(refs.front().name == "refs/heads/shop");
  for (const fs::path& pack : git::test::files_below(team.folder / "pods" / "packs", ".pack")) {
    std::string bytes = git::test::read_file(pack);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    fs::remove(pack);
    git::test::write_file(pack, bytes);
  }
  CHECK(git::test::error_of([&] { bob.fetch({first}); }));
  CHECK(git::test::files_below(team.at("bob") / ".git" / "objects", ".pack").empty());
}
