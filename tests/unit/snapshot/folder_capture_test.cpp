#include "snapshot/snapshot_world.hpp"

#include "snapshot/beneath.hpp"
#include "snapshot/folder.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace pod::snapshot;
using namespace pod::snapshot::test;
namespace base = pod::base;
namespace git = pod::git;
namespace fs = std::filesystem;
using pod::ErrorCode;
using pod::StatePath;

TEST_CASE("every regular file is captured byte for byte, empty folders too") {
  World world;
  const Folder folder;
  const std::string large = git::test::noise(3 << 20);
  write_file(folder / "api_states/000000000000/s3/global/backend.state", "state");
  write_file(folder / "assets/large", large);
  write_file(folder / "db.sqlite", "main");
  write_file(folder / "db.sqlite-wal", "log");
  write_file(folder / "metadata.yaml", "mine");
  write_file(folder.path() / "odd\nname\xff", "odd");
  fs::create_directories(folder / "empty/below");
  const TreeView view = world.view(world.captured(folder.path()));
  CHECK(paths(view).size() == 6);
  CHECK(world.content(view, "assets/large") == large);
  CHECK(world.content(view, "db.sqlite-wal") == "log");
  CHECK(world.content(view, "odd\nname\xff") == "odd");
  REQUIRE(view.empty_folders().size() == 1);
  CHECK(view.empty_folders()[0].str() == "empty/below");
  CHECK(world.warnings.lines.size() == 1);
  CHECK(world.warnings.mention("\"db.sqlite\" and the log beside it as they lie: it is no SQLite database"));
}

TEST_CASE("links, FIFOs, sockets and devices are left out, named, and block nothing") {
  World world;
  const Folder folder;
  const Folder outside;
  write_file(outside / "secret", "secret");
  write_file(folder / "file", "content");
  fs::create_symlink(outside / "secret", folder / "link");
  fs::create_symlink(outside.path(), folder / "linked-folder");
  fs::create_symlink(".", folder / "loop");
  fs::create_hard_link(folder / "file", folder / "hard");
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (folder / "socket").string().copy(address.sun_path, sizeof address.sun_path - 1);
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const bool device = ::mknod((folder / "device").c_str(), S_IFCHR | 0600, (1 << 8) | 3) == 0;
  const TreeView view = world.view(world.captured(folder.path()));
  ::close(fd);
  CHECK(paths(view) == std::vector<std::string>{"file", "hard"});
  for (const char* name : {"\"link\"", "\"linked-folder\"", "\"loop\"", "\"fifo\""})
    CHECK(world.warnings.mention(name));
  if (bound) CHECK(world.warnings.mention("\"socket\""));
  if (device) CHECK(world.warnings.mention("\"device\""));
}

TEST_CASE("what is podgit's own at the root is left out, with a word") {
  World world;
  const Folder folder;
  write_file(folder / ".pod/info.json", "{}");
  write_file(folder / ".podgit/pod/format", "a store");
  write_file(folder / "below/.pod/file", "an ordinary one");
  CHECK(paths(world.view(world.captured(folder.path()))) == std::vector<std::string>{"below/.pod/file"});
  CHECK(world.warnings.mention("\".pod\""));
  CHECK(world.warnings.mention("\".podgit\""));
  // Without a store in it the name is nobody's.
  const Folder other;
  write_file(other / ".podgit/file", "x");
  CHECK(paths(world.view(world.captured(other.path()))) == std::vector<std::string>{".podgit/file"});
}

TEST_CASE("only the files that are wanted are read") {
  World world;
  const Folder folder;
  write_file(folder / "api_states/0/s3/global/backend.state", "s3");
  write_file(folder / "api_states/0/sqs/us-east-1/backend.state", "sqs");
  fs::create_directories(folder / "assets/s3/none");
  fs::create_directories(folder / "assets/sqs/none");
  const TreeView view = world.view(world.build([&](TreeBuilder& builder) {
    capture_folder(folder.path(), builder, world.context,
                   [](const StatePath& path) { return pod::service_of(path) == "s3"; });
  }));
  CHECK(paths(view) == std::vector<std::string>{"api_states/0/s3/global/backend.state"});
  REQUIRE(view.empty_folders().size() == 1);
  CHECK(view.empty_folders()[0].str() == "assets/s3/none");
}

TEST_CASE("a file that never stands still is named after three attempts") {
  /// Appends to the file whenever a piece of it was read.
  class Appender final : public pod::Progress {
   public:
    explicit Appender(fs::path file) : file_(std::move(file)) {}
    void begin(std::string_view, std::optional<std::uint64_t>) override {}
    void end() override {}
    void warn(std::string_view) override {}
    void advance(std::uint64_t) override {
      ++pieces;
      const base::Fd fd = base::open_file(file_, O_WRONLY | O_APPEND);
      base::write_all(fd.get(), base::bytes_of("more"), file_);
    }
    int pieces = 0;

   private:
    fs::path file_;
  };
  for (const std::size_t size : {std::size_t{3 << 20}, std::size_t{1000}}) {
    World world;
    const Folder folder;
    write_file(folder / "restless", std::string(size, 'x'));
    Appender appender(folder / "restless");
    world.context.progress = &appender;
    const auto failed = error_of([&] { world.captured(folder.path()); });
    REQUIRE(failed);
    CHECK(failed->code() == ErrorCode::conflict);
    CHECK(failed->message().find("restless") != std::string::npos);
    CHECK(appender.pieces >= 3);
  }
}

TEST_CASE("a file that changes once is read again") {
  /// Changes the file when its first bytes have been read.
  class Meddler final : public pod::Progress {
   public:
    explicit Meddler(fs::path file) : file_(std::move(file)) {}
    void begin(std::string_view, std::optional<std::uint64_t>) override {}
    void end() override {}
    void warn(std::string_view) override {}
    void advance(std::uint64_t) override {
      if (!done_) write_over();
      done_ = true;
    }

   private:
    void write_over() {
      const base::Fd fd = base::open_file(file_, O_WRONLY);
      base::write_all(fd.get(), base::bytes_of(std::string(3 << 20, 'b')), file_);
    }
    fs::path file_;
    bool done_ = false;
  };
  for (const std::size_t size : {std::size_t{3 << 20}, std::size_t{1000}}) {
    World world;
    const Folder folder;
    write_file(folder / "file", std::string(size, 'a'));
    Meddler meddler(folder / "file");
    world.context.progress = &meddler;
    const pod::Oid tree = world.captured(folder.path());
    CHECK(world.content(world.view(tree), "file") == std::string(3 << 20, 'b'));
    world.check_with_git(tree);
  }
}

TEST_CASE("budgets are checked before anything is read") {
  World world;
  SUBCASE("a sparse file of 10 TiB") {
    const Folder folder;
    write_file(folder / "sparse", "");
    if (::truncate((folder / "sparse").c_str(), off_t{10} << 40) != 0) {
      MESSAGE("skipped: the file system has no such large files");
      return;
    }
    CHECK(error_of([&] { world.captured(folder.path()); }).value().code() == ErrorCode::refused);
  }
  SUBCASE("more than 64 levels") {
    const Folder folder;
    fs::path deep = folder.path();
    for (int i = 0; i < 70; ++i) deep /= "d";
    write_file(deep / "file", "x");
    CHECK(error_of([&] { world.captured(folder.path()); }).value().code() == ErrorCode::refused);
  }
  SUBCASE("a path that is too long") {
    const Folder folder;
    fs::path deep = folder.path();
    for (int i = 0; i < 6; ++i) deep /= std::string(200, 'd');
    write_file(deep / "file", "x");
    CHECK(error_of([&] { world.captured(folder.path()); }).value().code() == ErrorCode::refused);
  }
}

TEST_CASE("a folder that cannot be captured says why") {
  World world;
  const Folder folder;
  write_file(folder / "file", "x");
  CHECK(error_of([&] { world.captured(folder / "none"); }).value().code() == ErrorCode::not_found);
  CHECK(error_of([&] { world.captured(folder / "file"); }).value().code() == ErrorCode::invalid_argument);
}

TEST_CASE("a folder mounted into itself does not go round for ever") {
  World world;
  const Folder folder;
  write_file(folder / "file", "x");
  fs::create_directories(folder / "inside/again");
  if (::mount(folder.path().c_str(), (folder / "inside/again").c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
    MESSAGE("skipped: mounting is not permitted");
    return;
  }
  const auto found = paths(world.view(world.captured(folder.path())));
  ::umount2((folder / "inside/again").c_str(), MNT_DETACH);
  CHECK(found == std::vector<std::string>{"file"});
  CHECK(world.warnings.mention("contains itself"));
}

TEST_CASE("a capture that is interrupted stops") {
  World world;
  const Folder folder;
  write_file(folder / "file", "x");
  pod::CancelToken stop;
  stop.cancel();
  world.context.cancel = &stop;
  CHECK(error_of([&] { world.captured(folder.path()); }).value().code() == ErrorCode::cancelled);
}

TEST_CASE("nothing is opened outside the folder, with openat2 and without") {
  const Folder folder;
  const Folder outside;
  write_file(outside / "secret", "secret");
  write_file(folder / "a/b/file", "content");
  fs::create_symlink(outside.path(), folder / "a/link");
  fs::create_symlink(outside / "secret", folder / "a/b/secret");
  const base::Fd root = base::open_file(folder.path(), O_RDONLY | O_DIRECTORY);
  for (const auto open : {open_beneath, open_beneath_by_steps}) {
    CHECK(open(root.get(), StatePath::parse("a/b/file"), O_RDONLY));
    CHECK_FALSE(open(root.get(), StatePath::parse("a/b/secret"), O_RDONLY));
    CHECK_FALSE(open(root.get(), StatePath::parse("a/link/secret"), O_RDONLY));
    CHECK_FALSE(open(root.get(), StatePath::parse("a/none/file"), O_RDONLY));
  }
}
