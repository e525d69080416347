#include "workbench.hpp"

#include <doctest/doctest.h>

using namespace pod;
using namespace pod::test;

TEST_CASE("a remote stands in the configuration as git has it") {
  Workbench bench;
  const RemoteInfo added = add_remote(bench.store(), {.name = "origin", .url = "/srv/pods/"});
  CHECK(added.url == "file:///srv/pods");
  CHECK(bench.store().config("remote.origin.url") == "pod::file:///srv/pods");
  CHECK(bench.store().config("remote.origin.fetch") == "+refs/heads/*:refs/remotes/origin/*");
  add_remote(bench.store(), {.name = "bucket", .url = "s3://team-pods/shop"});
  const auto all = remotes(bench.store());
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "bucket");
  CHECK(all[1].url == "file:///srv/pods");
  CHECK(remote_named(bench.store(), "bucket").url == "s3://team-pods/shop");
}

TEST_CASE("a remote of stock git is none of ours, and its name is taken all the same") {
  Workbench bench;
  bench.store().set_config("remote.mirror.url", "https://example.org/shop.git");
  CHECK(remotes(bench.store()).empty());
  CHECK_THROWS_AS(add_remote(bench.store(), {.name = "mirror", .url = "/srv/pods"}), Error);
  CHECK(bench.store().config("remote.mirror.url") == "https://example.org/shop.git");
}

TEST_CASE("a remote that is not there is an error that says which there are") {
  Workbench bench;
  try {
    remote_named(bench.store(), "origin");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::not_found);
    CHECK(error.next() == "podgit remote add origin URL");
  }
  add_remote(bench.store(), {.name = "team", .url = "/srv/pods"});
  try {
    remote_named(bench.store(), "origin");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.next() == "there are team");
  }
}

TEST_CASE("with a remote goes what the store knows of it, and nothing else") {
  Workbench bench;
  add_remote(bench.store(), {.name = "origin", .url = "/srv/pods"});
  add_remote(bench.store(), {.name = "origin2", .url = "/srv/more"});
  write_file(bench.path() / "state" / sqs_file, pickled("orders"));
  commit(bench.store(), shop, Source::parse((bench.path() / "state").string()), {.author = ada});
  const Oid tip = bench.store().resolve(PodRef::latest(shop)).commit;
  auto& repository = bench.store().engine().repository();
  repository.update_ref("refs/remotes/origin/shop", Oid(), tip, "fetch");
  repository.update_ref("refs/remotes/origin2/shop", Oid(), tip, "fetch");
  bench.store().set_config("branch.shop.remote", "origin");
  bench.store().set_config("branch.shop.merge", "refs/heads/shop");
  CHECK(upstream(bench.store(), shop) == "origin");

  remove_remote(bench.store(), "origin");
  CHECK_FALSE(repository.find_ref("refs/remotes/origin/shop"));
  CHECK(repository.find_ref("refs/remotes/origin2/shop") == tip);
  CHECK_FALSE(bench.store().config("remote.origin.fetch"));
  CHECK_FALSE(upstream(bench.store(), shop));
  CHECK_FALSE(bench.store().config("branch.shop.merge"));
  CHECK(remotes(bench.store()).size() == 1);
  CHECK(bench.store().resolve(PodRef::latest(shop)).commit == tip);
}

TEST_CASE("what is no place for a remote is refused with the reason") {
  const auto reason = [](std::string_view url) {
    try {
      return "accepted: " + parse_remote_url(url);
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::invalid_argument);
      return error.causes().empty() ? error.message() : error.causes().front();
    }
  };
  CHECK(reason("") == "it is empty");
  CHECK(reason("pods") == "a folder is named by its whole path");
  CHECK(reason("https://example.org/x") == "nobody knows how to reach \"https\"");
  CHECK(reason("s3://key:secret@bucket/x") == "keys do not belong into the URL of a remote");
  CHECK(reason("s3://ab/x") == "\"ab\" is no name of a bucket");
  CHECK(reason("s3://bucket/a//b") ==
        "a prefix is made of letters, digits, \".\", \"_\" and \"-\" between single slashes");
  CHECK(reason("s3://bucket/../b") ==
        "a prefix is made of letters, digits, \".\", \"_\" and \"-\" between single slashes");
  CHECK(reason("/srv/\npods") == "it has control bytes");
  CHECK(reason("file://pods") == "a folder is named by its whole path, file:///path");
  CHECK(parse_remote_url("pod::s3://bucket") == "s3://bucket");
  CHECK(parse_remote_url("/srv/./a/../pods//") == "file:///srv/pods");
  CHECK(parse_remote_url("s3://bucket/team/") == "s3://bucket/team");
  for (const char* name : {"", ".a", "a/b", "-x", "a..b", "x.lock", "a b"}) {
    Workbench bench;
    CAPTURE(name);
    CHECK_THROWS_AS(add_remote(bench.store(), {.name = name, .url = "/srv/pods"}), Error);
    CHECK(remotes(bench.store()).empty());
  }
}
