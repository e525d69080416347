#include "store/numbers.hpp"

#include "digest/digest.hpp"
#include "store/message.hpp"
#include "store/store_world.hpp"

#include <doctest/doctest.h>

#include <filesystem>

using namespace pod::store;
using namespace pod::store::test;
namespace fs = std::filesystem;
namespace base = pod::base;
namespace git = pod::git;
using pod::ErrorCode;
using pod::Oid;
using pod::PodRef;
using pod::Store;

namespace {

/// Commits that only differ in their messages, as one pack: `from` and what comes on top of it, oldest first.
std::vector<NumberedCommit> grow(Store& store, const NumberedCommit& from, std::int64_t count, const char* message) {
  git::Repository& repository = store.engine().repository();
  git::Commit commit = repository.commit(from.commit);
  auto pack = store.engine().pack_writer({});
  std::vector<NumberedCommit> made{from};
  for (std::int64_t i = 0; i < count; ++i) {
    commit.parents = {made.back().commit};
    commit.message = compose_message(message, made.back().number + 1);
    const Oid id = pack.add(git::ObjectType::commit, base::bytes_of(git::encode_commit(commit)));
    made.push_back({made.back().number + 1, id});
  }
  pack.finish();
  repository.objects()->refresh();
  repository.restore_ref("refs/heads/shop", made.back().commit);
  return made;
}

class Long {
  Folder folder_;

 public:
  Store store = Store::init(folder_ / "store");
  std::vector<NumberedCommit> versions;

  explicit Long(std::int64_t count) {
    const pod::Version first = commit(store, "shop", "one");
    versions = grow(store, {1, first.commit}, count - 1, "more");
  }
  std::optional<Oid> find(const std::string& ref) {
    const auto version = store.find(PodRef::parse(ref));
    return version ? std::optional(version->commit) : std::nullopt;
  }
  void check_all() {
    const auto count = static_cast<std::int64_t>(versions.size());
    for (std::int64_t n = 1; n <= count; n += n + 3 < 70 || n > count - 70 ? 1 : 37) {
      CAPTURE(n);
      const Oid& wanted = versions[static_cast<std::size_t>(n - 1)].commit;
      CHECK(find("shop:" + std::to_string(n)) == wanted);
      CHECK(find("shop~" + std::to_string(count - n)) == wanted);
    }
    CHECK_FALSE(find("shop:" + std::to_string(count + 1)));
    CHECK_FALSE(find("shop~" + std::to_string(count)));
  }
  fs::path index() const {
    const fs::path folder = store.path() / "pod/numbers";
    return fs::exists(folder) ? fs::directory_iterator(folder)->path() : fs::path();
  }
};

}  // namespace

TEST_CASE("the golden bytes of numbers") {
  using namespace std::literals;
  const std::string one(Oid::size, '\x11');
  const std::string seven(Oid::size, '\x33');
  const std::string bytes =
      encode_numbers({{1, Oid::parse(std::string(40, '1'))}, {7, Oid::parse(std::string(40, '3'))}});
  CHECK(bytes.substr(0, bytes.size() - Oid::size) ==
        "podnums\n\1\0\0\0\2\0\0\0\1\0\0\0\0\0\0\0"s + one + "\7\0\0\0\0\0\0\0"s + seven);
  CHECK(pod::digest::hex(pod::digest::sha256(bytes)) ==
        "2d84182ed42639fafe1679567b6a534b526935ac21f4226bce448b21bfea684b");
}

TEST_CASE("numbers come back as they were written, and nothing else does") {
  const std::vector<NumberedCommit> commits{{1, Oid::parse("1111111111111111111111111111111111111111")},
                                            {2, Oid::parse("2222222222222222222222222222222222222222")},
                                            {7, Oid::parse("3333333333333333333333333333333333333333")}};
  const std::string bytes = encode_numbers(commits);
  CHECK(decode_numbers(bytes) == commits);
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(decode_numbers(bytes.substr(0, size)));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK_FALSE(decode_numbers(changed));
  }
  CHECK_FALSE(decode_numbers(encode_numbers({commits[1], commits[0]})));
  CHECK_FALSE(decode_numbers(encode_numbers({{0, commits[0].commit}})));
}

TEST_CASE("every version of a long history is found by its number and by its place") {
  Long history(1500);
  history.check_all();
  CHECK(fs::exists(history.index()));
  history.check_all();

  SUBCASE("when the sidecar knows the beginning only") {
    for (int i = 0; i < 3; ++i) {
      auto more = grow(history.store, history.versions.back(), 150, "later");
      history.versions.insert(history.versions.end(), more.begin() + 1, more.end());
      history.check_all();
    }
  }
  SUBCASE("when the pod went back and on another way") {
    history.versions.resize(700);
    auto more = grow(history.store, history.versions.back(), 500, "otherwise");
    history.versions.insert(history.versions.end(), more.begin() + 1, more.end());
    history.check_all();
  }
  SUBCASE("when the pod went back") {
    history.versions.resize(700);
    history.store.engine().repository().restore_ref("refs/heads/shop", history.versions.back().commit);
    history.check_all();
  }
  SUBCASE("when the sidecar is cut") {
    fs::resize_file(history.index(), 1000);
    history.check_all();
  }
  SUBCASE("when the sidecar lies") {
    std::vector<NumberedCommit> lies = history.versions;
    for (std::size_t i = 0; i < 1000; ++i) lies[i].commit = history.versions[(i + 5) % 1000].commit;
    lies[3].commit = Oid::parse("1111111111111111111111111111111111111111");
    write_file(history.index(), encode_numbers(lies));
    CHECK(history.find("shop:4") == history.versions[3].commit);
    history.check_all();
  }
  SUBCASE("when nothing can be written beside the store") {
    fs::remove_all(history.store.path() / "pod/numbers");
    write_file(history.store.path() / "pod/numbers", "in the way");
    history.check_all();
  }
  CHECK(error_of([&] { history.store.resolve(PodRef::parse("shop:9999")); }).value().next() ==
        "pod \"shop\" has versions 1 to " + std::to_string(history.versions.size()));
}

TEST_CASE("whoever commits or collects writes the numbers down before a lookup has to walk") {
  SUBCASE("the commit of every 256th version") {
    Long history(254);
    commit(history.store, "shop", "255");
    CHECK_FALSE(fs::exists(history.index()));
    const pod::Version last = commit(history.store, "shop", "256");
    REQUIRE(last.number == 256);
    CHECK(decode_numbers(read_file(history.index())).value().back() == NumberedCommit{256, last.commit});
  }
  SUBCASE("a gc") {
    Long history(600);
    CHECK_FALSE(fs::exists(history.index()));
    history.store.gc({.dry_run = true});
    CHECK_FALSE(fs::exists(history.index()));
    history.store.gc();
    CHECK(decode_numbers(read_file(history.index())) == history.versions);
    history.check_all();
  }
}

TEST_CASE("commits of stock git in a long history have no number and are found by their place") {
  Long history(600);
  git::Repository& repository = history.store.engine().repository();
  const std::string tree = repository.commit(history.versions.back().commit).tree.hex();
  const std::string foreign = git::test::stock_git(
      history.store.path(), {"commit-tree", tree, "-p", history.versions.back().commit.hex(), "-m", "by hand"});
  git::test::stock_git(history.store.path(), {"update-ref", "refs/heads/shop", foreign});
  grow(history.store, {600, Oid::parse(foreign)}, 300, "more");
  CHECK(history.find("shop~300") == Oid::parse(foreign));
  CHECK(history.find("shop~301") == history.versions[599].commit);
  CHECK(history.find("shop:600") == history.versions[599].commit);
  CHECK(history.find("shop:3") == history.versions[2].commit);
}
