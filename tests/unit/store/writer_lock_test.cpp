#include "store/store_world.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <chrono>
#include <csignal>
#include <set>

using namespace pod::store;
using namespace pod::store::test;
using namespace std::chrono_literals;
using pod::ErrorCode;
using pod::Store;

TEST_CASE("a writer that waits too long says who is at it") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  const WriterLock lock = store.engine().lock({});
  Store other = Store::open(folder / "store", {.lock_wait = 150ms});
  const auto start = std::chrono::steady_clock::now();
  const auto error = error_of([&] { other.engine().lock({}); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::busy);
  CHECK(error->retryable());
  CHECK(error->message().find("process " + std::to_string(::getpid()) + " on ") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - start >= 150ms);
  // Reading needs no lock.
  CHECK(other.pods().empty());
}

TEST_CASE("a writer that waits can be interrupted") {
  const Folder folder;
  Store store = Store::init(folder / "store");
  const WriterLock lock = store.engine().lock({});
  Store other = Store::open(folder / "store");
  pod::CancelToken stop;
  stop.cancel();
  pod::Context context;
  context.cancel = &stop;
  CHECK(code_of([&] { other.engine().lock(context); }) == ErrorCode::cancelled);
}

TEST_CASE("text in the lock file is for messages only") {
  const Folder folder;
  Store store = Store::init(folder / "store", {.lock_wait = 50ms});
  for (const std::string& text : {std::string("garbage"), std::string("{\"pid\":1,\"host\":\"\\u001b[31m\"}"),
                                  std::string(5000, 'x'), std::string()}) {
    write_file(folder / "store/pod/lock", text);
    const int fd = ::open((folder / "store/pod/lock").c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(::flock(fd, LOCK_EX) == 0);
    const auto error = error_of([&] { store.engine().lock({}); });
    CHECK(error.value().code() == ErrorCode::busy);
    CHECK(error->message().find('\x1b') == std::string::npos);
    ::close(fd);
    CHECK_NOTHROW(store.engine().lock({}));
  }
}

TEST_CASE("the lock goes with the process that held it") {
  const Folder folder;
  Store store = Store::init(folder / "store", {.lock_wait = 5s});
  int ready[2];
  REQUIRE(::pipe2(ready, O_CLOEXEC) == 0);
  const pid_t child = start_child([&] {
    Store mine = Store::open(folder / "store");
    const WriterLock lock = mine.engine().lock({});
    if (::write(ready[1], "x", 1) != 1) return 1;
    ::pause();
    return 0;
  });
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  Store impatient = Store::open(folder / "store", {.lock_wait = 50ms});
  CHECK(code_of([&] { impatient.engine().lock({}); }) == ErrorCode::busy);
  // A process that is stopped still holds it: nobody takes a lock from the living.
  ::kill(child, SIGSTOP);
  CHECK(code_of([&] { impatient.engine().lock({}); }) == ErrorCode::busy);
  ::kill(child, SIGKILL);
  wait_for(child);
  CHECK_NOTHROW(store.engine().lock({}));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("writers in many processes lose nothing and leave one line of versions") {
  constexpr int writers = 4;
  constexpr int rounds = 12;
  const Folder folder;
  Store store = Store::init(folder / "store");
  commit(store, "shop", "start");
  std::vector<pid_t> children;
  for (int writer = 0; writer < writers; ++writer)
    children.push_back(start_child([&, writer] {
      Store mine = Store::open(folder / "store", {.lock_wait = 120s});
      for (int round = 0; round < rounds; ++round)
        commit(mine, "shop", std::to_string(writer) + "/" + std::to_string(round));
      return 0;
    }));
  for (const pid_t child : children) CHECK(wait_for(child) == 0);
  std::set<std::string> contents;
  std::int64_t expected = writers * rounds + 1;
  Store again = Store::open(folder / "store");
  again.log(pod::PodRef::parse("shop"), [&](const pod::Version& version) {
    CHECK(version.number == expected--);
    CHECK(version.parents.size() <= 1);
    contents.insert(again.snapshot(version).read(pod::StatePath::parse("file")));
    return true;
  });
  CHECK(expected == 0);
  CHECK(contents.size() == writers * rounds + 1);
  CHECK(again.operations(1000).size() == writers * rounds + 1);
  for (const auto& finding : again.check(true)) CHECK(finding.level == pod::Finding::Level::ok);
  check_with_git(again);
}
