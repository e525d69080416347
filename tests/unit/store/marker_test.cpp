#include "store/store_world.hpp"

#include "store/marker.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

using namespace pod::store;
using namespace pod::store::test;
namespace fs = std::filesystem;
using pod::ErrorCode;
using pod::Store;

namespace {

/// What opening says once `change` was done to a fresh store.
std::optional<pod::Error> opened_after(const std::function<void(const fs::path&)>& change) {
  const Folder folder;
  {
    Store store = Store::init(folder / "store");
    commit(store, "shop", "content");
  }
  change(folder / "store");
  return error_of([&] { Store::open(folder / "store"); });
}

std::optional<ErrorCode> code_after(const std::function<void(const fs::path&)>& change) {
  const auto error = opened_after(change);
  return error ? std::optional(error->code()) : std::nullopt;
}

}  // namespace

TEST_CASE("the golden bytes of the marker") {
  CHECK(encode_marker(1) ==
        "{\"check\":\"2f0fd78a91263ee7352df687964d366f9e7323d54cb0412cb1c1d73afeb5bcf1\",\"format\":1}\n");
}

TEST_CASE("a store of a newer format is refused before anything else is read") {
  const auto error = opened_after([](const fs::path& store) {
    write_file(store / "pod/format", encode_marker(2));
    write_file(store / "config", "not a configuration [");
  });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::incompatible);
  CHECK(error->message().find("format 2") != std::string::npos);
}

TEST_CASE("a marker that was cut, emptied or changed is damage, and the way out is said") {
  const std::string whole = encode_marker(1);
  for (std::size_t length = 0; length + 1 < whole.size(); length += 9)
    CHECK(code_after([&](const fs::path& store) { write_file(store / "pod/format", whole.substr(0, length)); }) ==
          ErrorCode::corrupt);
  for (const std::string& text :
       {std::string("garbage"), std::string(100'000, 'x'), std::string("{\"check\":\"x\",\"format\":1}\n")})
    CHECK(code_after([&](const fs::path& store) { write_file(store / "pod/format", text); }) != std::nullopt);
  const auto error = opened_after([](const fs::path& store) { write_file(store / "pod/format", ""); });
  CHECK(error.value().next().find(whole.substr(0, whole.size() - 1)) != std::string::npos);
}

TEST_CASE("what is no store is not found") {
  const Folder folder;
  CHECK(code_of([&] { Store::open(folder / "none"); }) == ErrorCode::not_found);
  CHECK(code_of([&] { Store::open(folder.path()); }) == ErrorCode::not_found);
  write_file(folder / "file", "x");
  CHECK(code_of([&] { Store::open(folder / "file"); }) == ErrorCode::not_found);
  CHECK_FALSE(Store::is_store(folder.path()));
  pod::git::Repository::init(folder / "plain");
  CHECK(code_of([&] { Store::open(folder / "plain"); }) == ErrorCode::not_found);
  CHECK(code_of([&] { Store::open_or_init(folder / "plain"); }) == ErrorCode::already_exists);
}

TEST_CASE("a part of a store that is a link is refused") {
  for (const char* part : {"pod/lock", "pod/journal", "pod/tmp", "objects", "objects/pack", "refs", "refs/heads",
                           "HEAD", "config", "pod/format", "pod"}) {
    CAPTURE(part);
    CHECK(code_after([&](const fs::path& store) {
            fs::rename(store / part, store.parent_path() / "elsewhere");
            fs::create_symlink(store.parent_path() / "elsewhere", store / part);
          }) == ErrorCode::refused);
  }
}

TEST_CASE("objects borrowed from elsewhere are refused") {
  CHECK(code_after([](const fs::path& store) { write_file(store / "objects/info/alternates", "/tmp\n"); }) ==
        ErrorCode::refused);
}

TEST_CASE("a store that everybody may write to is refused with the way out") {
  for (const char* part : {"", "objects", "refs", "pod", "config"}) {
    const auto error = opened_after(
        [&](const fs::path& store) { fs::permissions(store / part, fs::perms::others_write, fs::perm_options::add); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::denied);
    CHECK(error->next().find("chmod") != std::string::npos);
  }
}

TEST_CASE("a fresh store is its owner's alone") {
  const Folder folder;
  Store::init(folder / "store");
  struct stat status {};
  REQUIRE(::stat((folder / "store").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
}

TEST_CASE("a store of another user is refused") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root can give a store away");
    return;
  }
  CHECK(code_after([](const fs::path& store) { REQUIRE(::chown(store.c_str(), 65534, 65534) == 0); }) ==
        ErrorCode::denied);
  // The other way round: root's store, seen by somebody else.
  const Folder folder;
  Store::init(folder / "store");
  fs::permissions(folder / "store", fs::perms(0755));
  fs::permissions(folder.path(), fs::perms(0755));
  CHECK(in_child([&] { return code_of([&] { Store::open(folder / "store"); }) == ErrorCode::denied ? 0 : 1; }, 65534) ==
        0);
}

TEST_CASE("parts that are missing are named") {
  for (const char* part : {"objects", "refs"})
    CHECK(code_after([&](const fs::path& store) { fs::remove_all(store / part); }) == ErrorCode::corrupt);
}

TEST_CASE("a configuration or HEAD that is damaged never looks like an empty store") {
  for (const char* text : {"[core", "garbage = [\n", "\xff\xfe"})
    CHECK(code_after([&](const fs::path& store) { write_file(store / "config", text); }) == ErrorCode::corrupt);
  for (const char* text : {"", "garbage", "ref: ", "ref: ../../etc\n"}) {
    CAPTURE(text);
    const Folder folder;
    {
      Store store = Store::init(folder / "store");
      commit(store, "shop", "content");
    }
    write_file(folder / "store/HEAD", text);
    const auto error = error_of([&] {
      Store store = Store::open(folder / "store");
      CHECK(pod_names(store) == std::vector<std::string>{"shop:1"});
      // The next change puts it right.
      commit(store, "shop", "more");
      CHECK(store.engine().repository().head() == "refs/heads/shop");
    });
    if (error) CHECK(error->code() == ErrorCode::corrupt);
  }
}
