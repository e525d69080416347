#include "workbench.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace pod;
using namespace pod::test;

namespace {

struct Undoing : Workbench {
  void commit(const std::string& content) {
    write_file(path() / "state" / sqs_file, content);
    pod::commit(store(), shop, Source::parse((path() / "state").string()), {.message = content, .author = ada});
  }
  UndoResult undo(bool dry_run = false) { return pod::undo(store(), ada, {}, dry_run); }
};

}  // namespace

TEST_CASE_FIXTURE(Undoing, "undo of a commit takes the version away and undo again brings it back") {
  commit("one");
  commit("two");
  const auto result = undo();
  CHECK(result.undone.verb == "commit");
  CHECK(result.operation.verb == "undo");
  CHECK(result.operation.undoes == result.undone.id);
  CHECK(history().size() == 1);
  undo();
  CHECK(history().size() == 2);
  CHECK(history()[0].subject() == "two");
  undo();
  CHECK(history().size() == 1);
  CHECK(sound());
}

TEST_CASE_FIXTURE(Undoing, "undo of a pod's first commit removes the pod") {
  commit("one");
  undo();
  CHECK(store().pods().empty());
  undo();
  CHECK(history().size() == 1);
}

TEST_CASE_FIXTURE(Undoing, "undo brings back a pod that was deleted, and takes back a copy") {
  commit("one");
  store().remove(shop);
  CHECK(store().pods().empty());
  undo();
  CHECK(history().size() == 1);

  store().copy(PodRef::latest(shop), PodName::parse("twin"), false);
  CHECK(store().pods().size() == 2);
  undo();
  CHECK(store().pods().size() == 1);
  CHECK(sound());
}

TEST_CASE_FIXTURE(Undoing, "an empty journal has nothing to undo") {
  const auto error = error_of([&] { undo(); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::not_found);
}

TEST_CASE_FIXTURE(Undoing, "a dry run names the operation and reverts nothing") {
  commit("one");
  const auto result = undo(true);
  CHECK(result.undone.verb == "commit");
  CHECK(history().size() == 1);
  CHECK(store().operations(10).size() == 1);
}

TEST_CASE_FIXTURE(Undoing, "a ref that something else moved is not touched") {
  commit("one");
  commit("two");
  commit("three");
  const std::string git = "git -C '" + (path() / "store").string() + "' ";
  REQUIRE(std::system((git + "update-ref refs/heads/shop " + history()[2].commit.hex()).c_str()) == 0);
  const auto error = error_of([&] { undo(); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::conflict);
  CHECK(history().size() == 1);
}
