#include "objects/directory_store.hpp"
#include "conformance.hpp"

#include <doctest/doctest.h>
#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fstream>

namespace pod::objects {
namespace {

namespace fs = std::filesystem;
using conformance::pattern;

struct Folder {
  base::TempFolder temp{fs::temp_directory_path(), "pod-objects-"};
  const fs::path& path() const { return temp.path(); }
  std::vector<std::string> names(const fs::path& below = "") const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(path() / below)) found.push_back(entry.path().filename());
    std::sort(found.begin(), found.end());
    return found;
  }
};

Key key(std::string_view text) { return Key::parse(text); }

void write_file(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

ino_t inode_of(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

void make_old(const fs::path& path, std::time_t seconds) {
  timespec times[2];
  ::clock_gettime(CLOCK_REALTIME, &times[0]);
  times[0].tv_sec -= seconds;
  times[1] = times[0];
  ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

template <class Work>
Error error_of(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  FAIL("nothing was thrown");
  return Error(ErrorCode::internal, "");
}

struct Umask {
  explicit Umask(mode_t mask) : before(::umask(mask)) {}
  ~Umask() { ::umask(before); }
  mode_t before;
};

/// A content whose reading fails after `good` bytes.
Content failing_after(Content content, std::uint64_t good) {
  content.open = [inner = content.open, good](std::uint64_t offset, std::uint64_t length) {
    struct Failing final : base::ByteSource {
      std::size_t read(std::span<std::byte> buffer) override {
        if (left == 0) throw Error(ErrorCode::io, "pulled out");
        const std::size_t count = source->read(buffer.first(std::min<std::size_t>(buffer.size(), left)));
        left -= count;
        return count;
      }
      std::unique_ptr<base::ByteSource> source;
      std::size_t left = 0;
    };
    auto failing = std::make_unique<Failing>();
    failing->source = inner(offset, length);
    failing->left = good;
    return failing;
  };
  return content;
}

const std::string part_name(const std::string& name, const Content& content) {
  return "+" + name + "." + digest::hex(content.sha256).substr(0, 32) + ".part";
}

TEST_CASE("an object is a file of its name, and nothing else stays") {
  const Folder folder;
  DirectoryStore store(folder.path());
  store.put_if_absent(key("packs/ab/x.pack"), Content::of("pack"));
  CHECK(base::read_file(folder.path() / "packs/ab/x.pack", 10) == "pack");
  CHECK(folder.names("packs/ab") == std::vector<std::string>{"x.pack"});
  store.put_if_match(key("HEAD"), Content::of("1"), "");
  CHECK(folder.names() == std::vector<std::string>{"+HEAD.lock", "HEAD", "packs"});
  CHECK(store.describe() == "file://" + folder.path().native());
}

TEST_CASE("a folder that is not there is said to be missing, never made") {
  const Folder folder;
  DirectoryStore store(folder.path() / "mnt");
  CHECK(error_of([&] { store.head(key("a")); }).code() == ErrorCode::not_found);
  CHECK(error_of([&] { store.put_if_absent(key("a"), Content::of("1")); }).code() == ErrorCode::not_found);
  CHECK(error_of([&] { store.list("", [](const ListedObject&) {}); }).code() == ErrorCode::not_found);
  const Error error = error_of([&] { store.now(); });
  CHECK(error.message() == "the folder " + quote((folder.path() / "mnt").native()) + " is not there");
  CHECK(error.next() == "create it, or mount the share that holds it");
  CHECK(folder.names().empty());
  write_file(folder.path() / "file", "");
  CHECK(error_of([&] { DirectoryStore(folder.path() / "file").head(key("a")); }).code() == ErrorCode::refused);
}

TEST_CASE("the root may be reached through a link, what lies in it may not") {
  const Folder folder;
  fs::create_directory(folder.path() / "real");
  fs::create_directory(folder.path() / "outside");
  write_file(folder.path() / "outside/secret", "secret");
  fs::create_directory_symlink(folder.path() / "real", folder.path() / "root");
  fs::create_directory_symlink(folder.path() / "outside", folder.path() / "real/packs");
  fs::create_symlink(folder.path() / "outside/secret", folder.path() / "real/HEAD");
  DirectoryStore store(folder.path() / "root");
  const auto sink = [](base::ConstBytes) { FAIL("bytes of another folder"); };
  for (const char* text : {"packs/secret", "HEAD"}) {
    CHECK(error_of([&] { store.get(key(text), {}, sink); }).code() == ErrorCode::refused);
    CHECK(error_of([&] { store.head(key(text)); }).code() == ErrorCode::refused);
    CHECK(error_of([&] { store.put_if_absent(key(text), Content::of("1")); }).code() == ErrorCode::refused);
    CHECK(error_of([&] { store.put_if_match(key(text), Content::of("1"), ""); }).code() == ErrorCode::refused);
  }
  CHECK(error_of([&] { store.remove(key("packs/secret")); }).code() == ErrorCode::refused);
  store.list("", [](const ListedObject& object) { FAIL(object.key); });
  CHECK(store.folders("").empty());
  CHECK(base::read_file(folder.path() / "outside/secret", 10) == "secret");

  fs::create_symlink(folder.path() / "outside/secret", folder.path() / "real/+a.lock");
  CHECK(error_of([&] { store.put_if_match(key("a"), Content::of("1"), ""); }).code() == ErrorCode::refused);
}

TEST_CASE("what is no file is refused, and a pipe is not waited for") {
  const Folder folder;
  REQUIRE(::mkfifo((folder.path() / "pipe").c_str(), 0600) == 0);
  fs::create_directory(folder.path() / "folder");
  DirectoryStore store(folder.path());
  for (const char* text : {"pipe", "folder"}) {
    CHECK(error_of([&] { store.get(key(text), {}, [](base::ConstBytes) {}); }).code() == ErrorCode::refused);
    CHECK(error_of([&] { store.put_if_absent(key(text), Content::of("1")); }).code() == ErrorCode::refused);
  }
  CHECK(error_of([&] { store.put_if_absent(key("pipe/x"), Content::of("1")); }).code() == ErrorCode::refused);
  store.list("", [](const ListedObject& object) { FAIL(object.key); });
}

TEST_CASE("what others keep in the folder is not listed and not touched") {
  const Folder folder;
  DirectoryStore store(folder.path());
  store.put_if_absent(key("a/b"), Content::of("1"));
  for (const char* name : {".nfs0001", ".snapshot", "+x.tmp", "read me.txt", "caf\xc3\xa9"})
    write_file(folder.path() / "a" / name, "theirs");
  fs::create_directory(folder.path() / "lost+found");
  write_file(folder.path() / "lost+found/x", "theirs");
  std::vector<std::string> keys;
  store.list("", [&](const ListedObject& object) { keys.push_back(object.key); });
  CHECK(keys == std::vector<std::string>{"a/b"});
  CHECK(store.folders("") == std::vector<std::string>{"a"});
  CHECK(folder.names("a").size() == 6);
}

TEST_CASE("rights follow the umask, and a team's folder stays the team's") {
  const Folder folder;
  const auto put = [&](const std::string& root) {
    DirectoryStore store(folder.path() / root);
    store.put_if_absent(key("a/b"), Content::of("1"));
    store.put_if_match(key("a/HEAD"), Content::of("1"), "");
  };
  for (const char* root : {"own", "team"}) fs::create_directory(folder.path() / root);
  ::chmod((folder.path() / "own").c_str(), 0755);
  ::chmod((folder.path() / "team").c_str(), 0770);
  {
    const Umask umask(0077);
    put("own");
    put("team");
  }
  CHECK(mode_of(folder.path() / "own/a") == 0700);
  CHECK(mode_of(folder.path() / "own/a/b") == 0600);
  CHECK(mode_of(folder.path() / "own/a/HEAD") == 0600);
  CHECK(mode_of(folder.path() / "team/a") == 0770);
  CHECK(mode_of(folder.path() / "team/a/b") == 0660);
  CHECK(mode_of(folder.path() / "team/a/HEAD") == 0660);
  CHECK(mode_of(folder.path() / "team/a/+HEAD.lock") == 0660);
  {
    const Umask umask(0022);
    DirectoryStore(folder.path() / "own").put_if_absent(key("c/d"), Content::of("1"));
  }
  CHECK(mode_of(folder.path() / "own/c") == 0755);
  CHECK(mode_of(folder.path() / "own/c/d") == 0644);
}

TEST_CASE("a broken write of a large object is gone on with") {
  const Folder folder;
  DirectoryStore store(folder.path());
  const Content content = pattern(4 << 20, 1);
  CHECK(error_of([&] { store.put_if_absent(key("x"), failing_after(content, 3 << 20)); }).code() == ErrorCode::io);
  const fs::path part = folder.path() / part_name("x", content);
  CHECK(fs::file_size(part) == 3 << 20);
  CHECK_FALSE(store.head(key("x")));
  store.list("", [](const ListedObject& object) { FAIL(object.key); });

  SUBCASE("what is there is used") {
    const ino_t inode = inode_of(part);
    CHECK(store.put_if_absent(key("x"), content) == Creation::created);
    CHECK(inode_of(folder.path() / "x") == inode);
  }
  SUBCASE("what went bad since then is written again") {
    {
      std::fstream file(part, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(1'500'000);
      file << "bad";
    }
    CHECK(store.put_if_absent(key("x"), content) == Creation::created);
  }
  SUBCASE("what is longer than the content is cut") {
    std::ofstream(part, std::ios::app) << std::string(2 << 20, 'x');
    CHECK(store.put_if_absent(key("x"), content) == Creation::created);
  }
  SUBCASE("what is somebody's object already is not written to") {
    // Killed between the link that makes the object and the removal of the other name.
    write_file(part, "");
    fs::create_hard_link(part, folder.path() / "y");
    CHECK(store.put_if_absent(key("x"), content) == Creation::created);
    CHECK(fs::file_size(folder.path() / "y") == 0);
  }
  SUBCASE("what another one is writing is left to him") {
    const base::Fd theirs = base::open_file(part, O_RDWR);
    REQUIRE(::flock(theirs.get(), LOCK_EX) == 0);
    CHECK(store.put_if_absent(key("x"), content) == Creation::created);
    CHECK(fs::file_size(part) == 3 << 20);
    fs::remove(part);
  }
  SUBCASE("another content of the same key does not take it") {
    const Content other = pattern(4 << 20, 2);
    CHECK(store.put_if_absent(key("x"), other) == Creation::created);
    CHECK(fs::exists(part));
    fs::remove(part);
    fs::remove(folder.path() / "x");
    store.put_if_absent(key("x"), content);
  }
  digest::Sha256 hash;
  store.get(key("x"), {}, [&](base::ConstBytes bytes) { hash.update(bytes); });
  CHECK(hash.finish() == content.sha256);
  CHECK_FALSE(fs::exists(part));
}

TEST_CASE("small and wrong contents leave nothing to go on with") {
  const Folder folder;
  DirectoryStore store(folder.path());
  CHECK(error_of([&] { store.put_if_absent(key("x"), failing_after(pattern(1000, 1), 500)); }).code() == ErrorCode::io);
  Content wrong = pattern(4 << 20, 1);
  wrong.sha256[0] ^= 1;
  CHECK(error_of([&] { store.put_if_absent(key("x"), wrong); }).code() == ErrorCode::corrupt);
  CHECK(folder.names().empty());
}

TEST_CASE("a writer that is killed leaves a part, and the next one ends it") {
  const Folder folder;
  const Content content = pattern(8 << 20, 3);
  const pid_t child = ::fork();
  if (child == 0) {
    DirectoryStore store(folder.path());
    Content slow = content;
    slow.open = [&](std::uint64_t offset, std::uint64_t length) {
      struct Killing final : base::ByteSource {
        std::size_t read(std::span<std::byte> buffer) override {
          if ((read_ += buffer.size()) > 5 << 20) ::kill(::getpid(), SIGKILL);
          return source->read(buffer);
        }
        std::unique_ptr<base::ByteSource> source;
        std::size_t read_ = 0;
      };
      auto killing = std::make_unique<Killing>();
      killing->source = content.open(offset, length);
      return killing;
    };
    store.put_if_absent(key("x"), slow);
    ::_exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  DirectoryStore store(folder.path());
  const ino_t inode = inode_of(folder.path() / part_name("x", content));
  CHECK(inode != 0);
  CHECK(store.put_if_absent(key("x"), content) == Creation::created);
  CHECK(inode_of(folder.path() / "x") == inode);
  CHECK(folder.names() == std::vector<std::string>{"x"});
}

TEST_CASE("what killed writers left is swept when it is old") {
  const Folder folder;
  fs::create_directory(folder.path() / "a");
  const auto left = [&](const std::string& name, std::time_t age) {
    write_file(folder.path() / "a" / name, "left");
    make_old(folder.path() / "a" / name, age);
  };
  left("+x.0123.part", 8 * 86400);
  left("+x.0123.tmp", 8 * 86400);
  left("+new.0123.part", 86400);
  left("+x.lock", 80 * 86400);
  left("old", 80 * 86400);
  left("+busy.0123.part", 8 * 86400);
  const base::Fd busy = base::open_file(folder.path() / "a/+busy.0123.part", O_RDWR);
  REQUIRE(::flock(busy.get(), LOCK_EX) == 0);
  DirectoryStore store(folder.path());
  store.put_if_absent(key("a/b"), Content::of("1"));
  CHECK(folder.names("a") == std::vector<std::string>{"+busy.0123.part", "+new.0123.part", "+x.lock", "b", "old"});
}

TEST_CASE("who holds the lock of an object for ever is named") {
  const Folder folder;
  DirectoryOptions options;
  options.lock_patience = std::chrono::milliseconds(50);
  DirectoryStore store(folder.path(), {}, options);
  const auto info = store.put_if_match(key("a/HEAD"), Content::of("1"), "");
  const base::Fd lock = base::open_file(folder.path() / "a/+HEAD.lock", O_RDWR);
  REQUIRE(::flock(lock.get(), LOCK_EX) == 0);
  const Error error = error_of([&] { store.put_if_match(key("a/HEAD"), Content::of("2"), info->version); });
  CHECK(error.code() == ErrorCode::busy);
  CHECK(error.message() == quote((folder.path() / "a/HEAD").native()) + " is being written by somebody else");
  CHECK(read_object(store, key("a/HEAD"), 10)->first == "1");
  CHECK(folder.names("a") == std::vector<std::string>{"+HEAD.lock", "HEAD"});
}

TEST_CASE("eight processes move a counter, and nothing is lost") {
  const Folder folder;
  DirectoryStore(folder.path()).put_if_match(key("counter"), Content::of("0"), "");
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        DirectoryStore store(folder.path());
        for (int done = 0; done < 25;) {
          const auto seen = read_object(store, key("counter"), 10);
          const Content next = Content::of(std::to_string(std::stoi(seen->first) + 1));
          if (store.put_if_match(key("counter"), next, seen->second.version)) ++done;
        }
      } catch (...) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  DirectoryStore store(folder.path());
  CHECK(read_object(store, key("counter"), 10)->first == "200");
  CHECK(folder.names() == std::vector<std::string>{"+counter.lock", "counter"});
}

TEST_CASE("processes that are killed while they replace leave one whole version") {
  const Folder folder;
  DirectoryStore(folder.path()).put_if_match(key("a"), pattern(200'000, 0), "");
  for (int i = 0; i < 20; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      DirectoryStore store(folder.path());
      for (std::uint64_t seed = 1;; ++seed)
        store.put_if_match(key("a"), pattern(200'000 + seed % 7, seed % 7), store.head(key("a"))->version);
    }
    ::usleep(static_cast<useconds_t>(3000 + 1700 * i));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    DirectoryStore store(folder.path());
    const auto read = read_object(store, key("a"), 300'000);
    REQUIRE(read);
    CHECK(read->first == conformance::pattern_text(read->second.size, read->second.size - 200'000));
  }
}

}  // namespace
}  // namespace pod::objects
