#include "git/libgit2.hpp"
#include "transport/plain_repository.hpp"

#include <doctest/doctest.h>

using namespace pod;
using namespace pod::test;

namespace {

using Remote = std::unique_ptr<git_remote, git::Freed<git_remote_free>>;

std::string last_error() { return git_error_last() == nullptr ? "" : git_error_last()->message; }

git::RepositoryHandle opened(const fs::path& path) {
  git_repository* repository = nullptr;
  REQUIRE(git_repository_open(&repository, path.c_str()) == 0);
  return git::RepositoryHandle(repository);
}

class Linked : public Team {
 public:
  Linked() { register_git_transport(); }
  std::string pod_url() const { return "pod::" + url(); }

  Remote remote_of(git_repository* repository) const {
    git_remote* remote = nullptr;
    if (git_remote_lookup(&remote, repository, "origin") != 0)
      REQUIRE(git_remote_create(&remote, repository, "origin", pod_url().c_str()) == 0);
    return Remote(remote);
  }
  int push(git_remote* remote, const char* spec, git_push_options* options = nullptr) const {
    char* text = const_cast<char*>(spec);
    const git_strarray specs{&text, 1};
    return git_remote_push(remote, &specs, options);
  }
};

int keep_status(const char*, const char* status, void* payload) {
  *static_cast<std::string*>(payload) = status == nullptr ? "ok" : status;
  return 0;
}

}  // namespace

TEST_CASE("a program that uses libgit2 pushes, clones and fetches") {
  Linked team;
  const Oid first = team.commit("ann", "one");
  const auto ann = opened(team.at("ann"));
  const Remote there = team.remote_of(ann.get());
  REQUIRE_MESSAGE(team.push(there.get(), "refs/heads/shop:refs/heads/shop") == 0, last_error());
  CHECK(team.tip("ann", "refs/remotes/origin/shop") == first);

  git_repository* raw = nullptr;
  REQUIRE_MESSAGE(git_clone(&raw, team.pod_url().c_str(), team.at("carol").c_str(), nullptr) == 0, last_error());
  const git::RepositoryHandle carol(raw);
  CHECK(team.tip("carol") == first);
  CHECK(git::test::read_file(team.at("carol") / "state") == "one");
  CHECK(stock_git(team.at("carol"), {"symbolic-ref", "HEAD"}) == "refs/heads/shop");
  stock_git(team.at("carol"), {"fsck", "--strict", "--full"});

  const Oid second = team.commit("ann", "two");
  stock_git(team.at("ann"), {"-c", "user.name=a", "-c", "user.email=a@b", "tag", "-am", "two", "two"});
  REQUIRE_MESSAGE(team.push(there.get(), "refs/heads/shop") == 0, last_error());
  REQUIRE_MESSAGE(team.push(there.get(), "refs/tags/two") == 0, last_error());
  const Remote back = team.remote_of(carol.get());
  REQUIRE_MESSAGE(git_remote_fetch(back.get(), nullptr, nullptr, nullptr) == 0, last_error());
  CHECK(team.tip("carol", "refs/remotes/origin/shop") == second);
  CHECK(team.tip("carol", "two^{}") == second);
  CHECK(git_remote_fetch(back.get(), nullptr, nullptr, nullptr) == 0);
}

TEST_CASE("what does not follow is refused by libgit2, what was refused there by its status") {
  Linked team;
  team.commit("ann", "one");
  const auto ann = opened(team.at("ann"));
  const Remote there = team.remote_of(ann.get());
  REQUIRE_MESSAGE(team.push(there.get(), "refs/heads/shop") == 0, last_error());
  const Oid first = team.tip("ann");
  stock_git(team.at("ann"), {"-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--amend", "-m", "other"});
  CHECK(team.push(there.get(), "refs/heads/shop") == GIT_ENONFASTFORWARD);
  CHECK(team.push(there.get(), "+refs/heads/shop") == 0);
  CHECK(team.tip("ann") != first);

  std::string status;
  git_push_options options = GIT_PUSH_OPTIONS_INIT;
  options.callbacks.push_update_reference = keep_status;
  options.callbacks.payload = &status;
  CHECK(team.push(there.get(), "refs/heads/shop:refs/heads/no/pod", &options) == 0);
  CHECK(status.find("no/pod") != std::string::npos);
  CHECK(team.push(there.get(), ":refs/heads/shop", &options) == 0);
  CHECK(status == "ok");
  CHECK(team.remote("ann").refs().empty());
}

TEST_CASE("failures are libgit2's, in the words of libpod") {
  Linked team;
  const auto ann = opened(team.at("ann"));
  git_remote* raw = nullptr;
  REQUIRE(git_remote_create(&raw, ann.get(), "bucket", "pod::s3://bucket/team") == 0);
  const Remote bucket(raw);
  CHECK(git_remote_fetch(bucket.get(), nullptr, nullptr, nullptr) == GIT_EAUTH);
  CHECK(last_error().find("there are no keys") != std::string::npos);
  REQUIRE(git_remote_create(&raw, ann.get(), "nowhere", "pod::file:///nonexistent/folder/pods") == 0);
  const Remote nowhere(raw);
  CHECK(git_remote_fetch(nowhere.get(), nullptr, nullptr, nullptr) < 0);
  CHECK(last_error().find("/nonexistent/folder/pods") != std::string::npos);
}

TEST_CASE("the program's callback stops a fetch, and nothing of it stays") {
  Linked team;
  team.commit("ann", std::string(2 << 20, 'x'));
  const auto ann = opened(team.at("ann"));
  const Remote there = team.remote_of(ann.get());
  REQUIRE_MESSAGE(team.push(there.get(), "refs/heads/shop") == 0, last_error());
  const auto bob = opened(team.at("bob"));
  const Remote here = team.remote_of(bob.get());
  git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
  options.callbacks.transfer_progress = [](const git_indexer_progress*, void*) { return -1; };
  CHECK(git_remote_fetch(here.get(), nullptr, &options, nullptr) < 0);
  CHECK(git::test::files_below(team.at("bob") / ".git" / "objects", ".pack").empty());
  CHECK(git_remote_fetch(here.get(), nullptr, nullptr, nullptr) == 0);
}
