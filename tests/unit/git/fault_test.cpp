// Disks that are full or fail, and processes that are killed: strace makes system calls of a small program go wrong,
// one after the other.
#include "git/object_database.hpp"
#include "git/repository.hpp"

#include "stock_git.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace pod;
using namespace pod::git;
using namespace pod::git::test;
namespace fs = std::filesystem;

namespace {

const fs::path& program() {
  static const fs::path path = fs::read_symlink("/proc/self/exe").parent_path() / "git" / "write_pack";
  return path;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define POD_TEST_SANITIZED 1
#endif
#endif

/// Says why where the tools are missing: the test program was not built, or strace may not trace here.
bool can_trace() {
#ifdef POD_TEST_SANITIZED
  // Its run time makes system calls of its own, and falls over those that are made to fail.
  MESSAGE("not run: the build has a sanitizer");
  return false;
#endif
  if (!fs::exists(program())) {
    MESSAGE("not run: " << program().string() << " is not built");
    return false;
  }
  const Ran ran = run({"strace", "-f", "-o", "/dev/null", "true"});
  if (ran.exit != 0) MESSAGE("not run: strace does not work here");
  return ran.exit == 0;
}

Ran write_version(const fs::path& store, std::vector<std::string> strace = {}, const char* count = "5",
                  const char* large = "1") {
  strace.insert(strace.end(), {program().string(), store.string(), count, "300", large});
  return run(strace);
}

std::size_t lines_with(const std::string& text, std::string_view word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

std::vector<std::string> inject(const fs::path& log, const std::string& what) {
  return {"strace", "-f", "-qq", "-e", "signal=none", "-o", log.string(), "-e", "inject=" + what};
}

/// What one write makes from nothing, so that a repetition can be seen to do the same.
Oid written_once(const Folder& folder) {
  Repository repository = Repository::init(folder / "good");
  const Ran ran = write_version(folder / "good");
  REQUIRE(ran.exit == 0);
  return repository.find_ref("refs/heads/written").value();
}

}  // namespace

TEST_CASE("a version costs the same few fsyncs and files whether it has ten objects or twenty thousand") {
  if (!can_trace()) return;
  Folder folder;
  for (const char* count : {"10", "20000"}) {
    CAPTURE(count);
    const fs::path store = folder / count;
    Repository::init(store);
    const fs::path log = folder / "log";
    const Ran ran = write_version(store,
                                  {"strace", "-f", "-qq", "-o", log.string(), "-e",
                                   "trace=fsync,fdatasync,rename,renameat,renameat2,openat,link"},
                                  count);
    INFO(ran.err);
    REQUIRE(ran.exit == 0);
    const std::string calls = read_file(log);
    CHECK(lines_with(calls, "fsync(") + lines_with(calls, "fdatasync(") ==
          5);                                  // pack, index, their folder; ref, its folder
    CHECK(lines_with(calls, "O_CREAT") == 3);  // pack, index, the ref's lock
    CHECK(lines_with(calls, "rename") == 3);
    CHECK(files_below(store / "objects").size() == 2);
    // The order that makes it safe.
    std::string order;
    for (std::size_t at = 0; at < calls.size(); at = calls.find('\n', at) + 1) {
      const std::string line = calls.substr(at, calls.find('\n', at) - at);
      if (line.find(" fsync(") != std::string::npos) order += "s";
      if (line.find(".pack\"") != std::string::npos && line.find("rename") != std::string::npos) order += "P";
      if (line.find(".idx\"") != std::string::npos && line.find("rename") != std::string::npos) order += "I";
      if (line.find("written\"") != std::string::npos && line.find("rename") != std::string::npos) order += "R";
    }
    CHECK(order == "ssPIssRs");
    check_fsck(store);
  }
}

TEST_CASE("a full or failing disk gives a clear error and leaves nothing, and the next try succeeds") {
  if (!can_trace()) return;
  Folder folder;
  const Oid good = written_once(folder);
  const fs::path log = folder / "log";
  int failures = 0;
  using Fault = std::pair<std::string, std::string>;
  for (const Fault& fault : std::vector<Fault>{{"pwrite64", "ENOSPC"},
                                               {"write", "ENOSPC"},
                                               {"pwrite64", "EIO"},
                                               {"fsync", "EIO"},
                                               {"rename", "EIO"},
                                               {"fchmod", "EPERM"},
                                               {"ftruncate", "EIO"},
                                               {"pread64", "EIO"}}) {
    const std::string& calls = fault.first;
    const std::string& error = fault.second;
    for (int when = 1; when <= 40; ++when) {
      CAPTURE(calls);
      CAPTURE(when);
      const fs::path store = folder / "store";
      fs::remove_all(store);
      Repository repository = Repository::init(store);
      const Ran ran = write_version(store, inject(log, calls + ":error=" + error + ":when=" + std::to_string(when)));
      if (read_file(log).find("(INJECTED)") == std::string::npos) {
        CHECK(ran.exit == 0);
        break;
      }
      INFO(ran.err);
      if (ran.err.find("shared libraries") != std::string::npos) continue;  // it hit the loader, before our program
      CHECK(ran.exit != 0);
      CHECK(ran.exit < 99);
      CHECK(ran.err.size() > 20);
      if (error == "ENOSPC") CHECK(ran.err.find("No space left on device") != std::string::npos);
      ++failures;
      for (const fs::path& file : files_below(store / "objects"))
        CHECK_FALSE(file.filename().native().starts_with("tmp_"));
      CHECK(files_below(store, ".lock").empty());
      check_fsck(store);
      CHECK(write_version(store).exit == 0);
      CHECK(repository.find_ref("refs/heads/written") == good);
    }
  }
  CHECK(failures > 20);
}

TEST_CASE("interrupted calls are repeated") {
  if (!can_trace()) return;
  Folder folder;
  const Oid good = written_once(folder);
  for (const std::string& what :
       {std::string("pwrite64:error=EINTR:when=1+2"), std::string("write:error=EINTR:when=1+2")}) {
    CAPTURE(what);
    fs::remove_all(folder / "store");
    Repository repository = Repository::init(folder / "store");
    const Ran ran = write_version(folder / "store", inject(folder / "log", what));
    INFO(ran.err);
    CHECK(ran.exit == 0);
    CHECK(repository.find_ref("refs/heads/written") == good);
    check_fsck(folder / "store");
  }
}

TEST_CASE("a writer that is killed at any call leaves the old state or the new one, and the next try succeeds") {
  if (!can_trace()) return;
  Folder folder;
  const Oid good = written_once(folder);
  int kills = 0;
  for (const char* calls : {"openat", "pwrite64", "write", "fsync", "rename", "mkdir", "unlink", "fchmod"}) {
    for (int when = 1; when <= 60; ++when) {
      CAPTURE(calls);
      CAPTURE(when);
      const fs::path store = folder / "store";
      fs::remove_all(store);
      Repository repository = Repository::init(store);
      const Ran ran = write_version(
          store, inject(folder / "log", std::string(calls) + ":signal=KILL:when=" + std::to_string(when)));
      if (ran.exit == 0) break;
      ++kills;
      const std::optional<Oid> ref = repository.find_ref("refs/heads/written");
      CHECK((!ref || *ref == good));
      CHECK(write_version(store).exit == 0);
      CHECK(repository.find_ref("refs/heads/written") == good);
      check_fsck(store);
    }
  }
  CHECK(kills > 20);
}
