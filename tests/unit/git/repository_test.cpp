#include "git/repository.hpp"

#include "git/pack_writer.hpp"
#include "stock_git.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <algorithm>
#include <chrono>

using namespace pod;
using namespace pod::git;
using namespace pod::git::test;
namespace fs = std::filesystem;

namespace {

/// A store with three versions in a row, the last not yet in any ref.
struct History {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  Oid one = write_version(repository, {{"f", "1"}}, {}, "first");
  Oid two = write_version(repository, {{"f", "2"}}, {one}, "second");
  Oid three = write_version(repository, {{"f", "3"}}, {two}, "third");

  fs::path file(std::string_view ref) const { return repository.path() / ref; }
  ErrorCode update_code(std::string_view name, const Oid& expected, const Oid& target) {
    return error_of([&] { repository.update_ref(name, expected, target, ""); }).value().code();
  }
  std::vector<std::string> names(std::string_view prefix = "refs/") const {
    std::vector<std::string> out;
    for (const Ref& ref : repository.refs(prefix, [](std::string) {})) out.push_back(ref.name);
    return out;
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a new repository is one that stock git works with, in silence") {
  Folder folder;
  const Repository repository = Repository::init(folder / "deep/er/store");
  CHECK(repository.head() == "refs/heads/main");
  CHECK(stock_git(repository.path(), {"rev-parse", "--is-bare-repository"}) == "true");
  CHECK(stock_git(repository.path(), {"config", "gc.auto"}) == "0");
  check_fsck(repository.path());
  struct stat status {};
  REQUIRE(::stat(repository.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
  const Ran ran = run({"git", "-C", repository.path().string(), "-c", "safe.directory=*", "for-each-ref"});
  CHECK(ran.exit == 0);
  CHECK(ran.err == "");
  CHECK(Repository::open(folder / "deep/er/store").path() == folder / "deep/er/store");
}

TEST_CASE("a repository is made in an empty folder, or where an init was interrupted, and nowhere else") {
  Folder folder;
  const auto code = [&](const char* name) { return error_of([&] { Repository::init(folder / name); }).value().code(); };
  fs::create_directories(folder / "empty");
  CHECK_FALSE(error_of([&] { Repository::init(folder / "empty"); }));
  CHECK(code("empty") == ErrorCode::already_exists);
  write_file(folder / "full/note", "x");
  CHECK(code("full") == ErrorCode::already_exists);
  write_file(folder / "file", "x");
  CHECK(code("file") == ErrorCode::already_exists);
  CHECK_FALSE(error_of([&] { Repository::init(folder / "half"); }));
  fs::remove(folder / "half/HEAD");
  fs::remove_all(folder / "half/refs");
  CHECK(error_of([&] { Repository::open(folder / "half"); }).value().code() == ErrorCode::not_found);
  CHECK_FALSE(error_of([&] { Repository::init(folder / "half"); }));
  check_fsck(folder / "half");
}

TEST_CASE("opening says what is not a repository, what is damaged and what is not ours to read") {
  Folder folder;
  const auto code = [&](const char* name) { return error_of([&] { Repository::open(folder / name); }).value().code(); };
  CHECK(code("none") == ErrorCode::not_found);
  fs::create_directories(folder / "empty");
  CHECK(code("empty") == ErrorCode::not_found);
  Repository::init(folder / "a");
  fs::create_directories(folder / "a/objects/inner");
  CHECK(code("a/objects/inner") == ErrorCode::not_found);  // parents are not searched
  write_file(folder / "a/config", "");
  CHECK(code("a") == ErrorCode::corrupt);
  write_file(folder / "a/config", "[core\n\tbare");
  CHECK(code("a") == ErrorCode::corrupt);
  write_file(folder / "a/config", "[core]\n\trepositoryformatversion = 7\n");
  CHECK(code("a") == ErrorCode::incompatible);
  write_file(folder / "a/config", "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n");
  CHECK(code("a") == ErrorCode::incompatible);
  write_file(folder / "a/config", "\xef\xbb\xbf[core]\r\n\trepositoryformatversion = 0\r\n");
  CHECK_FALSE(error_of([&] { Repository::open(folder / "a"); }));
  fs::rename(folder / "a/objects", folder / "elsewhere");
  CHECK(code("a") == ErrorCode::corrupt);
  fs::create_directory_symlink(folder / "elsewhere", folder / "a/objects");
  CHECK(code("a") == ErrorCode::refused);
}

TEST_CASE("a ref moves only from where it is thought to be") {
  History h;
  CHECK_FALSE(h.repository.find_ref("refs/heads/shop"));
  CHECK(h.repository.update_ref("refs/heads/shop", h.one, h.two, "") == RefUpdate::stale);
  CHECK(h.repository.update_ref("refs/heads/shop", {}, h.one, "") == RefUpdate::updated);
  CHECK(h.repository.update_ref("refs/heads/shop", {}, h.two, "") == RefUpdate::stale);
  CHECK(h.repository.update_ref("refs/heads/shop", h.one, h.two, "") == RefUpdate::updated);
  CHECK(h.repository.update_ref("refs/heads/shop", h.one, {}, "") == RefUpdate::stale);
  CHECK(h.repository.find_ref("refs/heads/shop") == h.two);
  CHECK(stock_git(h.repository.path(), {"rev-parse", "shop"}) == h.two.hex());
  CHECK(h.repository.update_ref("refs/heads/shop", h.two, {}, "") == RefUpdate::updated);
  CHECK_FALSE(h.repository.find_ref("refs/heads/shop"));
  CHECK(h.repository.update_ref("refs/heads/shop", {}, {}, "") == RefUpdate::updated);
  CHECK(files_below(h.repository.path() / "refs").empty());
}

TEST_CASE("a ref points to what is there, a branch to a commit") {
  History h;
  const Oid missing = Oid::parse("1234567890123456789012345678901234567890");
  CHECK(h.update_code("refs/heads/a", {}, missing) == ErrorCode::not_found);
  CHECK(h.update_code("refs/heads/a", {}, h.repository.commit(h.one).tree) == ErrorCode::invalid_argument);
  CHECK(h.repository.update_ref("refs/pod/a", {}, h.repository.commit(h.one).tree, "") == RefUpdate::updated);
}

TEST_CASE("ref names that git or the file system would misread are refused") {
  History h;
  for (const std::string& name : {std::string("refs/heads/../../config"),
                                  std::string("refs/heads/"),
                                  std::string("refs//a"),
                                  std::string("heads/a"),
                                  std::string("/etc/passwd"),
                                  std::string("refs/heads/a.lock"),
                                  std::string("refs/heads/.a"),
                                  std::string("refs/heads/a."),
                                  std::string("refs/heads/-a"),
                                  std::string("refs/heads/a b"),
                                  std::string("refs/heads/a\nb"),
                                  std::string("refs/heads/a\x7f"),
                                  std::string("refs/heads/\xff"),
                                  std::string("refs/heads/a~1"),
                                  std::string("refs/heads/a^"),
                                  std::string("refs/heads/a:b"),
                                  std::string("refs/heads/a?"),
                                  std::string("refs/heads/a*"),
                                  std::string("refs/heads/a["),
                                  std::string("refs/heads/a\\b"),
                                  std::string("refs/heads/a@{1}"),
                                  std::string("refs/heads/@"),
                                  std::string("refs/heads/") + std::string(300, 'a'),
                                  std::string("refs/heads/a\0b", 14),
                                  std::string()}) {
    CAPTURE(name);
    CHECK(h.update_code(name, {}, h.one) == ErrorCode::invalid_argument);
    CHECK(error_of([&] { static_cast<void>(h.repository.find_ref(name)); }).value().code() ==
          ErrorCode::invalid_argument);
  }
}

TEST_CASE("refs that stock git packed are read, hidden by newer ones, and deleted for good") {
  History h;
  for (const char* name : {"refs/heads/a", "refs/heads/b", "refs/tags/t"})
    CHECK(h.repository.update_ref(name, {}, h.one, "") == RefUpdate::updated);
  stock_git(h.repository.path(), {"tag", "-a", "-m", "m", "annotated", "a"});
  stock_git(h.repository.path(), {"pack-refs", "--all", "--prune"});
  REQUIRE_FALSE(fs::exists(h.file("refs/heads/a")));
  CHECK(h.repository.find_ref("refs/heads/a") == h.one);
  CHECK(h.names() == Names{"refs/heads/a", "refs/heads/b", "refs/tags/annotated", "refs/tags/t"});
  CHECK(h.repository.update_ref("refs/heads/a", h.one, h.two, "") == RefUpdate::updated);
  CHECK(h.repository.find_ref("refs/heads/a") == h.two);
  CHECK(h.repository.update_ref("refs/heads/a", h.two, {}, "") == RefUpdate::updated);
  CHECK(h.repository.update_ref("refs/heads/b", h.one, {}, "") == RefUpdate::updated);
  const Oid tag = h.repository.find_ref("refs/tags/annotated").value();
  CHECK(h.repository.update_ref("refs/tags/annotated", tag, {}, "") == RefUpdate::updated);
  CHECK(h.names() == Names{"refs/tags/t"});
  CHECK(stock_git(h.repository.path(), {"for-each-ref", "--format=%(refname)"}) == "refs/tags/t");
  // A pod as one left-over folder of stock git's is no obstacle.
  CHECK(h.repository.update_ref("refs/heads/b/c", {}, h.one, "") == RefUpdate::updated);
}

TEST_CASE("a ref and a folder of refs cannot have one name, loose or packed") {
  History h;
  CHECK(h.repository.update_ref("refs/heads/a", {}, h.one, "") == RefUpdate::updated);
  CHECK(h.update_code("refs/heads/a/b", {}, h.one) == ErrorCode::conflict);
  CHECK(h.repository.update_ref("refs/heads/c/d", {}, h.one, "") == RefUpdate::updated);
  CHECK(h.update_code("refs/heads/c", {}, h.one) == ErrorCode::conflict);
  stock_git(h.repository.path(), {"pack-refs", "--all", "--prune"});
  CHECK(h.update_code("refs/heads/a/b", {}, h.one) == ErrorCode::conflict);
  CHECK(h.update_code("refs/heads/c", {}, h.one) == ErrorCode::conflict);
  CHECK(h.repository.update_ref("refs/heads/c/d", h.one, {}, "") == RefUpdate::updated);
  CHECK(h.repository.update_ref("refs/heads/c", {}, h.one, "") == RefUpdate::updated);
  check_fsck(h.repository.path());
}

TEST_CASE("a broken ref is named, hides no other, and can be restored") {
  History h;
  CHECK(h.repository.update_ref("refs/heads/good", {}, h.one, "") == RefUpdate::updated);
  for (const std::string& content :
       {std::string(), std::string("\n"), h.one.hex().substr(0, 20), std::string("garbage\n"),
        std::string(100'000, 'a'), std::string(40, '0'), std::string("ref: refs/heads/bad\n"),
        std::string("ref: ../../etc/passwd"), std::string("ref: refs/heads/none")}) {
    CAPTURE(content.substr(0, 50));
    write_file(h.file("refs/heads/bad"), content);
    const bool dangling = content.ends_with("none");
    if (!dangling)
      CHECK(error_of([&] { static_cast<void>(h.repository.find_ref("refs/heads/bad")); }).value().code() ==
            ErrorCode::corrupt);
    Names broken;
    const std::vector<Ref> refs = h.repository.refs("refs/heads/", [&](std::string name) { broken.push_back(name); });
    CHECK(broken == Names{"refs/heads/bad"});
    REQUIRE(refs.size() == 1);
    CHECK(refs[0].target == h.one);
    CHECK(error_of([&] { h.repository.refs("refs/"); }).value().code() == ErrorCode::corrupt);
    CHECK(h.repository.find_revision("good") == h.one);
    h.repository.restore_ref("refs/heads/bad", h.two);
    CHECK(h.repository.find_ref("refs/heads/bad") == h.two);
  }
  fs::remove(h.file("refs/heads/bad"));
  fs::create_symlink("/etc/passwd", h.file("refs/heads/bad"));
  CHECK(error_of([&] { static_cast<void>(h.repository.find_ref("refs/heads/bad")); }).value().code() ==
        ErrorCode::corrupt);
  write_file(h.file("packed-refs"),
             "# pack-refs with: peeled fully-peeled sorted \n" + h.one.hex() + " refs/heads/p\nrubbish\n");
  CHECK(error_of([&] { h.repository.refs("refs/"); }).value().causes().at(0) == "line 3 names no ref");
}

TEST_CASE("locks that a killed process left are no obstacle") {
  History h;
  CHECK(h.repository.update_ref("refs/heads/a", {}, h.one, "") == RefUpdate::updated);
  stock_git(h.repository.path(), {"pack-refs", "--all"});
  for (const char* lock : {"refs/heads/a.lock", "packed-refs.lock", "HEAD.lock", "config.lock"}) {
    write_file(h.file(lock), "left");
    fs::last_write_time(h.file(lock), fs::file_time_type::clock::now() - std::chrono::hours(1));
  }
  const auto start = std::chrono::steady_clock::now();
  CHECK(h.repository.update_ref("refs/heads/a", h.one, h.two, "") == RefUpdate::updated);
  CHECK(h.repository.update_ref("refs/heads/a", h.two, {}, "") == RefUpdate::updated);
  h.repository.set_head("refs/heads/b");
  h.repository.set_config("user.name", "x");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(3));
  // One that was made just now may belong to a stock git at work: it gets a moment, no more.
  write_file(h.file("refs/heads/a.lock"), "fresh");
  CHECK(h.repository.update_ref("refs/heads/a", {}, h.one, "") == RefUpdate::updated);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
  CHECK(h.repository.head() == "refs/heads/b");
  CHECK(h.names() == Names{"refs/heads/a"});
}

TEST_CASE("refs are listed by prefix, sorted") {
  History h;
  for (const char* name : {"refs/pod/undo/1", "refs/heads/b", "refs/heads/a", "refs/heads/ab/c", "refs/pod/journal/x"})
    CHECK(h.repository.update_ref(name, {}, h.one, "") == RefUpdate::updated);
  CHECK(h.names("refs/heads/") == Names{"refs/heads/a", "refs/heads/ab/c", "refs/heads/b"});
  CHECK(h.names("refs/heads/a") == Names{"refs/heads/a", "refs/heads/ab/c"});
  CHECK(h.names("refs/pod/") == Names{"refs/pod/journal/x", "refs/pod/undo/1"});
  CHECK(h.names("refs/none/").empty());
  CHECK(h.names().size() == 5);
}

TEST_CASE("HEAD names a branch, or none that we know") {
  History h;
  h.repository.set_head("refs/heads/shop");
  CHECK(h.repository.head() == "refs/heads/shop");
  CHECK(stock_git(h.repository.path(), {"symbolic-ref", "HEAD"}) == "refs/heads/shop");
  CHECK(error_of([&] { h.repository.set_head("refs/tags/x"); }).value().code() == ErrorCode::invalid_argument);
  write_file(h.file("HEAD"), h.one.hex() + '\n');
  CHECK_FALSE(h.repository.head());
}

TEST_CASE("git's revision syntax is understood") {
  History h;
  CHECK(h.repository.update_ref("refs/heads/shop", {}, h.three, "") == RefUpdate::updated);
  CHECK(h.repository.update_ref("refs/tags/v1", {}, h.one, "") == RefUpdate::updated);
  stock_git(h.repository.path(), {"tag", "-a", "-m", "m", "annotated", h.two.hex()});
  stock_git(h.repository.path(), {"pack-refs", "--all"});
  h.repository.set_head("refs/heads/shop");
  using Meaning = std::pair<std::string, Oid>;
  for (const Meaning& meaning : std::vector<Meaning>{{"shop", h.three},
                                                     {"HEAD", h.three},
                                                     {"shop~1", h.two},
                                                     {"shop^", h.two},
                                                     {"HEAD~2", h.one},
                                                     {"v1", h.one},
                                                     {"refs/tags/v1", h.one},
                                                     {"annotated", h.two},
                                                     {"annotated^{commit}", h.two},
                                                     {h.one.hex(), h.one},
                                                     {h.two.hex().substr(0, 12), h.two},
                                                     {":/second", h.two},
                                                     {"shop^{/first}", h.one}}) {
    CAPTURE(meaning.first);
    CHECK(h.repository.find_revision(meaning.first) == meaning.second);
  }
  for (const char* text : {"none", "shop~9", "1234567890123456789012345678901234567890", "12345678", "main", "v2"})
    CHECK_FALSE(h.repository.find_revision(text));
  for (const char* text : {"", "shop^{", "shop:f", "shop^{tree}"}) {
    CAPTURE(text);
    CHECK(error_of([&] { static_cast<void>(h.repository.find_revision(text)); }).value().code() ==
          ErrorCode::invalid_argument);
  }
  for (const char* text : {"shop@{1}", "shop@{upstream}", "@{-1}", "../x", "shop@{yesterday}", "\xff", "refs/heads/",
                           "..", "a..b", "^", "~", ":", "@", "-x", "\n"}) {
    CAPTURE(text);
    const auto error = error_of([&] { static_cast<void>(h.repository.find_revision(text)); });
    if (error) CHECK(error->code() != ErrorCode::internal);
  }
}

TEST_CASE("ancestry follows every parent") {
  History h;
  const Oid side = write_version(h.repository, {{"f", "s"}}, {h.one}, "side");
  const Oid merge = write_version(h.repository, {{"f", "m"}}, {h.three, side}, "merge");
  CHECK(h.repository.is_ancestor(h.one, merge));
  CHECK(h.repository.is_ancestor(side, merge));
  CHECK(h.repository.is_ancestor(merge, merge));
  CHECK_FALSE(h.repository.is_ancestor(merge, h.three));
  CHECK_FALSE(h.repository.is_ancestor(side, h.three));
  CHECK(h.repository.commit(merge).parents == std::vector{h.three, side});
  CHECK(error_of([&] { h.repository.commit(h.repository.commit(merge).tree); }).value().code() == ErrorCode::corrupt);
}
