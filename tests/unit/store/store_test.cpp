#include "store/store_world.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>

using namespace pod::store::test;
namespace fs = std::filesystem;
namespace git = pod::git;
using pod::ErrorCode;
using pod::Oid;
using pod::PodName;
using pod::PodRef;
using pod::Store;
using pod::Version;

namespace {
PodRef at(std::string_view text) { return PodRef::parse(text); }
PodName name(std::string_view text) { return PodName::parse(text); }
}  // namespace

TEST_CASE("a fresh store has no pods, and stock git finds no fault in it") {
  const Folder folder;
  Store store = Store::init(folder / "a/b/store");
  CHECK(store.pods().empty());
  CHECK(store.operations(10).empty());
  CHECK(Store::is_store(folder / "a/b/store"));
  const auto ran = git::test::run({"git", "-C", store.path().string(), "fsck", "--full", "--strict"});
  CHECK(ran.exit == 0);
}

TEST_CASE("a store is made where nothing is, and nowhere else") {
  const Folder folder;
  write_file(folder / "full/file", "x");
  write_file(folder / "file", "x");
  CHECK(code_of([&] { Store::init(folder / "full"); }) == ErrorCode::already_exists);
  CHECK(code_of([&] { Store::init(folder / "file"); }) == ErrorCode::already_exists);
  fs::create_directory(folder / "empty");
  CHECK_NOTHROW(Store::init(folder / "empty/"));
  CHECK(code_of([&] { Store::init(folder / "empty"); }) == ErrorCode::already_exists);
  CHECK_NOTHROW(Store::open_or_init(folder / "empty"));
  CHECK_NOTHROW(Store::open_or_init(folder / "other"));
  std::size_t hidden = 0;
  for (const auto& entry : fs::directory_iterator(folder.path()))
    hidden += entry.path().filename().native().front() == '.';
  CHECK(hidden == 0);
}

TEST_CASE("many processes that make the same store at once end with one") {
  const Folder folder;
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i)
    children.push_back(start_child([&] {
      Store store = Store::open_or_init(folder / "store");
      return store.pods().empty() ? 0 : 1;
    }));
  for (const pid_t child : children) CHECK(wait_for(child) == 0);
  Store store = Store::open(folder / "store");
  commit(store, "shop", "x");
  check_with_git(store);
}

TEST_CASE("versions are numbered, found by number, by steps back and by revision") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  std::vector<Version> made;
  for (const char* text : {"one", "two", "three"}) made.push_back(commit(store, "shop", text));
  CHECK(made[2].number == 3);
  CHECK(made[2].str() == "shop:3");
  CHECK(store.resolve(at("shop")).commit == made[2].commit);
  CHECK(store.resolve(at("shop:1")).commit == made[0].commit);
  CHECK(store.resolve(at("shop:3")).commit == made[2].commit);
  CHECK(store.resolve(at("shop~1")).commit == made[1].commit);
  CHECK(store.resolve(at("shop~0")).commit == made[2].commit);
  CHECK(store.resolve(at("rev:shop^")).commit == made[1].commit);
  CHECK(store.resolve(at("rev:" + made[0].commit.hex())).number == 1);
  CHECK_FALSE(store.resolve(at("rev:HEAD")).pod);
  CHECK_FALSE(store.find(at("shop:4")));
  CHECK_FALSE(store.find(at("shop~3")));
  CHECK_FALSE(store.find(at("none")));
  CHECK_FALSE(store.find(at("origin/shop")));
  CHECK_FALSE(store.find(at("rev:none")));
  CHECK(store.snapshot(store.resolve(at("shop:2"))).read(pod::StatePath::parse("file")) == "two");
}

TEST_CASE("what is not there is answered with what is") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  CHECK(error_of([&] { store.resolve(at("shop")); }).value().next() ==
        "there are no pods yet; podgit commit makes one");
  commit(store, "shop", "one");
  CHECK(error_of([&] { store.resolve(at("shop:2")); }).value().next() == "pod \"shop\" has version 1");
  commit(store, "shop", "two");
  commit(store, "shop", "three");
  const auto error = error_of([&] { store.resolve(at("shop:7")); }).value();
  CHECK(error.code() == ErrorCode::not_found);
  CHECK(error.message() == "no version \"shop:7\"");
  CHECK(error.next() == "pod \"shop\" has versions 1 to 3");
  CHECK(error_of([&] { store.resolve(at("shpo")); }).value().next() == "did you mean \"shop\"");
  CHECK(error_of([&] { store.resolve(at("something-else")); }).value().next() ==
        "podgit list shows the pods there are");
  CHECK(error_of([&] { store.remove(name("shops")); }).value().next() == "did you mean \"shop\"");
  CHECK(code_of([&] { store.resolve(at("rev:none")); }) == ErrorCode::not_found);
}

TEST_CASE("what and who a version was is in its commit") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  const pod::FixedClock clock({1700000000, -210});
  pod::Context context;
  context.clock = &clock;
  const Version made = commit(store, "shop", {{"file", "x"}}, "subject\n\nbody\n\nPod-Version: 99\n", context);
  CHECK(made.number == 1);
  CHECK(made.subject() == "subject");
  CHECK(made.message == "subject\n\nbody\n\nPod-Version: 99");
  CHECK(made.author.name == "Ada");
  CHECK(made.time.seconds == 1700000000);
  CHECK(made.time.offset_minutes == -210);
  const auto shown = [&](const char* format) {
    return git::test::stock_git(store.path(), {"log", "-1", std::string("--format=") + format, "shop"});
  };
  CHECK(shown("%an <%ae> %ad") == "Ada <ada@example.org> Tue Nov 14 18:43:20 2023 -0330");
  CHECK(shown("%(trailers:key=Pod-Version,valueonly)") == "1");
  check_with_git(store);
}

TEST_CASE("the log goes back along first parents until it is told to stop") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  for (int i = 0; i < 5; ++i) commit(store, "shop", std::to_string(i));
  std::vector<std::int64_t> numbers;
  store.log(at("shop:4"), [&](const Version& version) {
    numbers.push_back(version.number);
    return version.number > 2;
  });
  CHECK(numbers == std::vector<std::int64_t>{4, 3, 2});
}

TEST_CASE("a number goes on from the last one where stock git made a commit on top") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  commit(store, "shop", "one");
  const Version two = commit(store, "shop", "two");
  const std::string foreign =
      git::test::stock_git(store.path(), {"commit-tree", two.tree.hex(), "-p", two.commit.hex(), "-m", "by hand"});
  git::test::stock_git(store.path(), {"update-ref", "refs/heads/shop", foreign});
  CHECK(store.resolve(at("shop")).number == 0);
  CHECK(store.resolve(at("shop:2")).commit == two.commit);
  CHECK(commit(store, "shop", "three").number == 3);
}

TEST_CASE("two pods never differ in case alone") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  commit(store, "shop", "x");
  CHECK(code_of([&] { commit(store, "Shop", "x"); }) == ErrorCode::already_exists);
  CHECK(code_of([&] { store.copy(at("shop"), name("SHOP"), true); }) == ErrorCode::already_exists);
  CHECK(pod_names(store) == std::vector<std::string>{"shop:1"});
}

TEST_CASE("a copy keeps the history, and replaces a pod only when asked") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  commit(store, "shop", "one");
  commit(store, "shop", "two");
  CHECK(store.copy(at("shop:1"), name("other"), false).str() == "other:1");
  CHECK(commit(store, "other", "own way").number == 2);
  CHECK(store.resolve(at("other:1")).commit == store.resolve(at("shop:1")).commit);
  CHECK(code_of([&] { store.copy(at("shop"), name("other"), false); }) == ErrorCode::already_exists);
  const Oid lost = store.resolve(at("other")).commit;
  CHECK(store.copy(at("shop"), name("other"), true).number == 2);
  CHECK(store.resolve(at("other")).commit == store.resolve(at("shop")).commit);
  // What was replaced stays alive for undo, where nobody sees it.
  git::test::stock_git(store.path(), {"gc", "--prune=now", "--quiet"});
  CHECK(Store::open(folder / "store").engine().repository().commit(lost).id == lost);
  CHECK(pod_names(store) == std::vector<std::string>{"other:2", "shop:2"});
  // Once more changes nothing.
  const auto before = store.operations(100).size();
  store.copy(at("shop"), name("other"), true);
  CHECK(store.operations(100).size() == before);
  CHECK(code_of([&] { store.copy(at("none"), name("x"), false); }) == ErrorCode::not_found);
}

TEST_CASE("a pod that is removed is gone, and its versions can be brought back") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  const Version only = commit(store, "shop", "one");
  store.remove(name("shop"));
  CHECK(store.pods().empty());
  CHECK(code_of([&] { store.remove(name("shop")); }) == ErrorCode::not_found);
  const auto newest = store.operations(1).at(0);
  CHECK(newest.verb == "delete");
  CHECK(newest.what == "shop");
  CHECK(newest.before == only.commit);
  CHECK(newest.after.is_zero());
  git::test::stock_git(store.path(), {"gc", "--prune=now", "--quiet"});
  Store again = Store::open(folder / "store");
  const auto lock = again.engine().lock({});
  pod::Operation back;
  back.verb = "undo";
  back.what = "shop";
  back.ref = newest.ref;
  back.after = newest.before;
  back.undoes = newest.id;
  again.engine().append(lock, back, {});
  CHECK(again.resolve(at("shop")).commit == only.commit);
}

TEST_CASE("HEAD names the pod first made, and another one when that goes") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  const auto head = [&] { return store.engine().repository().head(); };
  commit(store, "second-by-name", "x");
  commit(store, "first-by-name", "x");
  CHECK(head() == "refs/heads/second-by-name");
  store.remove(name("second-by-name"));
  CHECK(head() == "refs/heads/first-by-name");
  store.remove(name("first-by-name"));
  commit(store, "new", "x");
  CHECK(head() == "refs/heads/new");
}

TEST_CASE("stock git works on a store") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  commit(store, "shop", {{"api_states/0/s3/global/backend.state", "one\n"}});
  commit(store, "shop", {{"api_states/0/s3/global/backend.state", "two\n"}, {"assets/s3/.git/odd\n", "x"}});
  commit(store, "other", {{"large", git::test::noise(3 << 20)}});
  store.remove(name("other"));
  check_with_git(store);
  CHECK(git::test::stock_git(store.path(), {"log", "--stat", "--format=%s", "shop"}).find("backend.state | 2 +-") !=
        std::string::npos);
  CHECK(git::test::stock_git(store.path(), {"cat-file", "-p", "shop~1:api_states/0/s3/global/backend.state"}) == "one");
  git::test::stock_git(folder.path(), {"clone", "--quiet", (folder / "store").string(), "clone"});
  CHECK(read_file(folder / "clone/api_states/0/s3/global/backend.state") == "two\n");
  // What is kept for undo is not seen from outside.
  CHECK(git::test::stock_git(folder.path(), {"ls-remote", (folder / "store").string()}).find("refs/pod") ==
        std::string::npos);
  // And after stock git packed everything, the store goes on.
  git::test::stock_git(store.path(), {"gc", "--quiet"});
  Store again = Store::open(folder / "store");
  CHECK(again.resolve(at("shop:1")).number == 1);
  CHECK(commit(again, "shop", "three").number == 3);
  check_with_git(again);
}

TEST_CASE("branches that are no pods are left alone") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  const Version one = commit(store, "shop", "one");
  git::test::stock_git(store.path(), {"branch", "feature/x", one.commit.hex()});
  CHECK(pod_names(store) == std::vector<std::string>{"shop:1"});
}

TEST_CASE("configuration is the store's own file, but for what its promises rest on") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  CHECK_FALSE(store.config("user.name"));
  store.set_config("user.name", "Ada \"the first\"\nline [x]");
  CHECK(store.config("user.name") == "Ada \"the first\"\nline [x]");
  CHECK_FALSE(store.config_entries().empty());
  store.set_config("user.name", std::nullopt);
  CHECK_FALSE(store.config("user.name"));
  for (const char* key :
       {"core.hooksPath", "CORE.bare", "include.path", "gc.auto", "extensions.x", "transfer.hideRefs"})
    CHECK(code_of([&] { store.set_config(key, "x"); }) == ErrorCode::refused);
}

TEST_CASE("clocks may say anything") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  for (const std::int64_t seconds :
       {std::int64_t{-5}, std::int64_t{1} << 62, std::int64_t{4294967296}, std::int64_t{0}}) {
    const pod::FixedClock clock({seconds, 100'000});
    pod::Context context;
    context.clock = &clock;
    commit(store, "shop", {{"file", std::to_string(seconds)}}, "m", context);
  }
  CHECK(store.resolve(at("shop")).number == 4);
  check_with_git(store);
}

TEST_CASE("a store that cannot be written is read all the same") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root can become another user");
    return;
  }
  const Folder folder;
  {
    Store store = Store::init(folder / "store");
    commit(store, "shop", "one");
  }
  fs::permissions(folder.path(), fs::perms(0755));
  const std::string before = read_file(folder / "store/pod/journal");
  for (const auto& entry : fs::recursive_directory_iterator(folder / "store")) {
    REQUIRE(::lchown(entry.path().c_str(), 65534, 65534) == 0);
    ::chmod(entry.path().c_str(), entry.is_directory() ? 0500 : 0400);
  }
  REQUIRE(::chown((folder / "store").c_str(), 65534, 65534) == 0);
  ::chmod((folder / "store").c_str(), 0500);
  const int code = in_child(
      [&] {
        Store store = Store::open(folder / "store");
        if (pod_names(store) != std::vector<std::string>{"shop:1"}) return 1;
        if (store.snapshot(store.resolve(at("shop"))).read(pod::StatePath::parse("file")) != "one") return 2;
        if (store.operations(1).size() != 1) return 3;
        if (code_of([&] { commit(store, "shop", "two"); }) != ErrorCode::denied) return 4;
        if (code_of([&] { store.remove(name("shop")); }) != ErrorCode::denied) return 5;
        if (code_of([&] { store.engine().lock({}); }) != ErrorCode::denied) return 6;
        store.check(true);
        return 0;
      },
      65534);
  CHECK(code == 0);
  CHECK(read_file(folder / "store/pod/journal") == before);
}

TEST_CASE("a store that is opened to read is not written") {
  const Folder folder;
  {
    Store store = Store::init(folder / "store");
    commit(store, "shop", "one");
  }
  Store store = Store::open(folder / "store", {.read_only = true});
  CHECK(pod_names(store) == std::vector<std::string>{"shop:1"});
  CHECK(code_of([&] { commit(store, "shop", "two"); }) == ErrorCode::denied);
  CHECK(code_of([&] { store.copy(at("shop"), name("x"), false); }) == ErrorCode::denied);
  CHECK(code_of([&] { store.set_config("user.name", "x"); }) == ErrorCode::denied);
  CHECK(code_of([&] { Store::init(folder / "new", {.read_only = true}); }) == ErrorCode::denied);
}
