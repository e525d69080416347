#include "store/store_world.hpp"

#include "snapshot/tree_builder.hpp"

#include <doctest/doctest.h>

using namespace pod::store;
using namespace pod::store::test;
namespace git = pod::git;
namespace base = pod::base;
using pod::ErrorCode;
using pod::Oid;
using pod::Operation;
using pod::PodName;
using pod::Store;
using pod::Version;

namespace {

Operation inject(Store& store, const std::string& url, const std::string& safety, const Oid& injected) {
  auto pack = store.engine().pack_writer({});
  std::optional<Oid> tree;
  if (!safety.empty()) {
    pod::snapshot::TreeBuilder builder(pack);
    base::MemorySource source(safety);
    builder.add_file(pod::StatePath::parse("file"), safety.size(), source);
    tree = builder.finish({});
  }
  const WriterLock lock = store.engine().lock({});
  return store.engine().begin_inject(lock, pack, tree, url, injected, "shop:1 → " + url, {"Ada", "a@b"}, 0, {});
}

std::vector<std::string> refs_of(Store& store, std::string_view prefix) {
  std::vector<std::string> names;
  for (const auto& ref : store.engine().repository().refs(prefix)) names.push_back(ref.name);
  return names;
}

}  // namespace

TEST_CASE("a commit is one operation, with who, what and the ref's way") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  const Version one = commit(store, "shop", "one");
  const Version two = commit(store, "shop", "two");
  const auto operations = store.operations(10);
  REQUIRE(operations.size() == 2);
  CHECK(operations[0].id == 2);
  CHECK(operations[0].verb == "commit");
  CHECK(operations[0].what == "shop:2");
  CHECK(operations[0].ref == "refs/heads/shop");
  CHECK(operations[0].before == one.commit);
  CHECK(operations[0].after == two.commit);
  CHECK(operations[0].who.find('@') != std::string::npos);
  CHECK(operations[1].before.is_zero());
  CHECK(store.operations(1).size() == 1);
  // What stays reachable needs nobody to keep it.
  CHECK(refs_of(store, "refs/pod/").empty());
}

TEST_CASE("a pod that moved since it was read is a conflict, and nothing is written to it") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  const Version one = commit(store, "shop", "one");
  const Version two = commit(store, "shop", "two");
  const auto attempt = [&](std::optional<Version> parent) {
    return code_of([&] {
      auto pack = store.engine().pack_writer({});
      const WriterLock lock = store.engine().lock({});
      store.engine().commit_version(lock, pack, {PodName::parse("shop"), one.tree, parent, "m", {}, "commit"}, {});
    });
  };
  CHECK(attempt(one) == ErrorCode::conflict);
  CHECK(attempt(std::nullopt) == ErrorCode::conflict);
  CHECK(store.resolve(pod::PodRef::parse("shop")).commit == two.commit);
  CHECK(store.operations(10).size() == 2);
  CHECK(attempt(two) == std::nullopt);
}

TEST_CASE("one commit is one pack") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  Files files;
  for (int i = 0; i < 300; ++i)
    files.emplace_back("d" + std::to_string(i % 7) + "/" + std::to_string(i), std::to_string(i));
  commit(store, "shop", files);
  CHECK(git::test::files_below(folder / "store/objects", ".pack").size() == 1);
  CHECK(git::test::stock_git(store.path(), {"count-objects", "-v"}).find("count: 0\n") != std::string::npos);
}

TEST_CASE("what an instance held is kept under its URL before an inject, and never listed") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  const Version version = commit(store, "shop", "one");
  const std::string url = "http://localhost:4566";
  const Operation first = inject(store, url, "state before", version.commit);
  CHECK(first.id == 2);
  CHECK(first.after == version.commit);
  CHECK(first.ref == "");
  CHECK(first.instance == url);
  CHECK(first.verb == "inject");
  const auto& repository = store.engine().repository();
  const pod::git::Commit safety = repository.commit(first.before);
  CHECK(safety.parents.empty());
  CHECK(refs_of(store, "refs/pod/undo/") == std::vector<std::string>{"refs/pod/undo/325ca0ff72e3a914"});
  CHECK(pod_names(store) == std::vector<std::string>{"shop:1"});
  CHECK(store.operations(1).at(0).before == first.before);

  // The second one to the same instance keeps the first safety version alive for the journal's sake.
  const Operation second = inject(store, url, "state between", version.commit);
  inject(store, "http://localhost:4567", "another instance", version.commit);
  git::test::stock_git(store.path(), {"gc", "--prune=now", "--quiet"});
  Store again = Store::open(folder / "store");
  CHECK(again.engine().repository().commit(first.before).id == first.before);
  CHECK(again.engine().repository().commit(second.before).id == second.before);
  CHECK(refs_of(again, "refs/pod/undo/").size() == 2);
  check_with_git(again);
}

TEST_CASE("an inject that did not happen leaves the journal as if it had not been") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  const Version version = commit(store, "shop", "one");
  const Operation operation = inject(store, "http://localhost:4566", "state", version.commit);
  {
    const WriterLock lock = store.engine().lock({});
    store.engine().drop_inject(lock, operation);
  }
  CHECK(store.operations(10).size() == 1);
  CHECK(commit(store, "shop", "two").number == 2);
  CHECK(store.operations(10).size() == 2);
}

TEST_CASE("an inject without a safety version has none") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  const Version version = commit(store, "shop", "one");
  const Operation operation = inject(store, "http://localhost:4566", "", version.commit);
  CHECK(operation.before.is_zero());
  CHECK(refs_of(store, "refs/pod/").empty());
  // Taking the lock does not take it for an operation that did not happen.
  commit(store, "shop", "two");
  CHECK(store.operations(10).size() == 3);
}

TEST_CASE("a safety version's ref that is damaged does not stop an inject") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  const Version version = commit(store, "shop", "one");
  inject(store, "http://localhost:4566", "state", version.commit);
  write_file(folder / "store/refs/pod/undo/325ca0ff72e3a914", "");
  const Operation again = inject(store, "http://localhost:4566", "state 2", version.commit);
  CHECK(store.engine().repository().find_ref("refs/pod/undo/325ca0ff72e3a914") == again.before);
}

TEST_CASE("an undo of a commit can be undone") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  const Version one = commit(store, "shop", "one");
  const Version two = commit(store, "shop", "two");
  const auto move = [&](const Oid& before, const Oid& after, std::int64_t undoes) {
    const WriterLock lock = store.engine().lock({});
    Operation operation;
    operation.verb = "undo";
    operation.what = "shop";
    operation.ref = "refs/heads/shop";
    operation.before = before;
    operation.after = after;
    operation.undoes = undoes;
    return store.engine().append(lock, operation, {});
  };
  CHECK(code_of([&] { move(one.commit, Oid(), 1); }) == ErrorCode::conflict);
  const Operation undo = move(two.commit, one.commit, 2);
  CHECK(store.resolve(pod::PodRef::parse("shop")).number == 1);
  git::test::stock_git(store.path(), {"gc", "--prune=now", "--quiet"});
  move(one.commit, two.commit, undo.id);
  CHECK(store.resolve(pod::PodRef::parse("shop")).commit == two.commit);
  CHECK(store.operations(1).at(0).undoes == undo.id);
}
