#include "base/files.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <csignal>

using namespace pod::base;
using pod::ErrorCode;

namespace {

const TempFolder& workspace() {
  static const TempFolder folder(fs::temp_directory_path(), "unit-base-");
  return folder;
}

fs::path fresh(const std::string& name) {
  static int number = 0;
  const fs::path folder = workspace().path() / std::to_string(number++);
  fs::create_directory(folder);
  return folder / name;
}

pod::Error failure_of(const auto& call) {
  try {
    call();
  } catch (const pod::Error& error) {
    return error;
  }
  return pod::Error(ErrorCode::internal, "no error");
}

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

/// Writes past `bytes` fail while this lives, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

/// No file can be opened while this lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    rlimit limit = before_;
    limit.rlim_cur = 0;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("a descriptor closes once, and moves") {
  int raw = -1;
  {
    Fd fd = open_file("/dev/null", O_RDONLY);
    raw = fd.get();
    Fd moved = std::move(fd);
    CHECK_FALSE(fd);
    CHECK(moved.get() == raw);
    moved = open_file("/dev/zero", O_RDONLY);
    CHECK(::fcntl(raw, F_GETFD) == -1);
    raw = moved.get();
    CHECK((::fcntl(raw, F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(::fcntl(raw, F_GETFD) == -1);
}

TEST_CASE("errors of the system name the path and keep the reason") {
  const pod::Error missing = failure_of([] { open_file("/missing\x1b/x", O_RDONLY); });
  CHECK(missing.code() == ErrorCode::not_found);
  CHECK(missing.message() == "cannot read \"/missing\\x1b/x\"");
  CHECK(missing.causes() == std::vector<std::string>{"No such file or directory"});
  CHECK(failure_of([] { throw_errno(EACCES, "write", "x"); }).code() == ErrorCode::denied);
  CHECK(failure_of([] { throw_errno(EROFS, "write", "x"); }).code() == ErrorCode::denied);
  CHECK(failure_of([] { throw_errno(EEXIST, "write", "x"); }).code() == ErrorCode::already_exists);
  CHECK(failure_of([] { throw_errno(EIO, "write", "x"); }).code() == ErrorCode::io);
  CHECK(failure_of([] { throw_errno(ENOSPC, "write", "x"); }).next() == "free some space and run the command again");
}

TEST_CASE("a file is written whole and read again") {
  const fs::path path = fresh("file");
  CHECK_FALSE(read_file(path, 10));
  write_file_atomically(path, "first");
  CHECK(read_file(path, 5) == "first");
  CHECK(mode_of(path) == 0600);
  const std::string bytes("\0\xff\n", 3);
  write_file_atomically(path, bytes);
  CHECK(read_file(path, 10) == bytes);
  write_file_atomically(path, "");
  CHECK(read_file(path, 0) == "");
  CHECK(files_in(path.parent_path()) == 1);
}

TEST_CASE("a file name without a folder is written in the current one") {
  const fs::path path = fresh("here");
  const fs::path before = fs::current_path();
  fs::current_path(path.parent_path());
  write_file_atomically("here", "x");
  fs::current_path(before);
  CHECK(read_file(path, 1) == "x");
}

TEST_CASE("a write that fails leaves the old file and nothing else") {
  const fs::path path = fresh("file");
  write_file_atomically(path, "old");
  {
    const FileSizeLimit limit(1000);
    const pod::Error error = failure_of([&] { write_file_atomically(path, std::string(5000, 'n')); });
    CHECK(error.code() == ErrorCode::io);
    CHECK(error.message() == "cannot write " + pod::quote(path.native()));
  }
  CHECK(read_file(path, 10) == "old");
  CHECK(files_in(path.parent_path()) == 1);

  const fs::path folder = fresh("folder");
  fs::create_directory(folder);
  CHECK(failure_of([&] { write_file_atomically(folder, "x"); }).code() != ErrorCode::internal);
  CHECK(files_in(folder.parent_path()) == 1);
  const fs::path nowhere = fresh("missing") / "file";
  const pod::Error error = failure_of([&] { write_file_atomically(nowhere, "x"); });
  CHECK(error.code() == ErrorCode::not_found);
  CHECK(error.message() == "cannot write " + pod::quote(nowhere.native()));
}

TEST_CASE("a link is replaced by a write, not followed, and not read") {
  const fs::path target = fresh("target");
  write_file_atomically(target, "target");
  const fs::path link = fresh("link");
  fs::create_symlink(target, link);
  CHECK(failure_of([&] { read_file(link, 10); }).code() == ErrorCode::refused);
  CHECK(failure_of([&] { FileSource source(link); }).code() == ErrorCode::refused);
  write_file_atomically(link, "new");
  CHECK(read_file(link, 10) == "new");
  CHECK(read_file(target, 10) == "target");
}

TEST_CASE("what is not a regular file is not read, and a FIFO does not hold up") {
  const fs::path fifo = fresh("fifo");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(failure_of([&] { read_file(fifo, 10); }).message() == pod::quote(fifo.native()) + " is not a regular file");
  CHECK(failure_of([&] { FileSource source(fifo); }).code() == ErrorCode::refused);
  CHECK(failure_of([&] { read_file(fifo.parent_path(), 10); }).code() == ErrorCode::refused);
}

TEST_CASE("a file past its limit is refused") {
  const fs::path path = fresh("file");
  write_file_atomically(path, "12345");
  const pod::Error error = failure_of([&] { read_file(path, 4); });
  CHECK(error.code() == ErrorCode::refused);
  CHECK(error.message() == "cannot read " + pod::quote(path.native()));
}

TEST_CASE("a temporary folder is private, and goes with all it holds") {
  const fs::path parent = fresh("x").parent_path();
  const fs::path outside = fresh("outside");
  write_file_atomically(outside, "kept");
  fs::path path;
  {
    const TempFolder folder(parent);
    path = folder.path();
    CHECK(mode_of(path) == 0700);
    CHECK(path.filename().native().starts_with("tmp-"));
    fs::create_directories(path / "a/b");
    write_file_atomically(path / "a/b/c", "x");
    fs::create_symlink(outside.parent_path(), path / "link");
    TempFolder other(parent);
    CHECK(other.path() != path);
    const TempFolder moved = std::move(other);
    CHECK(fs::exists(moved.path()));
  }
  CHECK_FALSE(fs::exists(path));
  CHECK(files_in(parent) == 0);
  CHECK(read_file(outside, 10) == "kept");
  CHECK(failure_of([&] { TempFolder(parent / "missing"); }).code() == ErrorCode::not_found);
}

TEST_CASE("a temporary folder that cannot be held is no folder, and nothing stays") {
  const fs::path parent = fresh("x").parent_path();
  const pod::Error failure = failure_of([&] {
    const NoDescriptors none;
    const TempFolder folder(parent);
  });
  CHECK(failure.code() == ErrorCode::io);
  CHECK(failure.causes() == std::vector<std::string>{"Too many open files"});
  CHECK(files_in(parent) == 0);
}

TEST_CASE("a temporary folder that is kept stays") {
  const fs::path parent = fresh("x").parent_path();
  {
    TempFolder folder(parent, "kept-");
    folder.keep();
  }
  CHECK(files_in(parent) == 1);
}

TEST_CASE("a sweep removes what nobody holds, and leaves what is in use") {
  const fs::path parent = fresh("x").parent_path();
  const TempFolder used(parent);
  fs::create_directories(parent / "tmp-left/inside");
  fs::create_directory(parent / "other");
  write_file_atomically(parent / "tmp-file", "x");
  sweep_temp_folders(parent);
  CHECK(fs::exists(used.path()));
  CHECK_FALSE(fs::exists(parent / "tmp-left"));
  CHECK(fs::exists(parent / "other"));
  CHECK(fs::exists(parent / "tmp-file"));
  sweep_temp_folders(parent / "missing");
}

TEST_CASE("a sweep removes half files that nobody writes any more") {
  const fs::path folder = fresh("x").parent_path();
  write_file_atomically(folder / "whole", "x");
  write_file_atomically(folder / ".tmp-dead", "x");
  write_file_atomically(folder / ".tmp-held", "x");
  fs::create_directory(folder / ".tmp-folder");
  fs::create_symlink(folder / "whole", folder / ".tmp-link");
  const pod::base::Fd held = open_file(folder / ".tmp-held", O_RDONLY);
  REQUIRE(::flock(held.get(), LOCK_EX | LOCK_NB) == 0);
  sweep_temp_files(folder);
  CHECK(fs::exists(folder / "whole"));
  CHECK(fs::exists(folder / ".tmp-folder"));
  CHECK(fs::exists(folder / ".tmp-held"));
  CHECK_FALSE(fs::exists(folder / ".tmp-dead"));
  sweep_temp_files(folder / "missing");
}

TEST_CASE("removing a tree does not follow links, and missing is fine") {
  const fs::path outside = fresh("outside");
  write_file_atomically(outside, "kept");
  const fs::path tree = fresh("tree");
  fs::create_directories(tree / "a");
  fs::create_directory_symlink(outside.parent_path(), tree / "a/link");
  CHECK(remove_tree(tree));
  CHECK_FALSE(fs::exists(tree));
  CHECK(fs::exists(outside));
  CHECK(remove_tree(tree));
}
