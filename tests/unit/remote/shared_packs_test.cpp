#include "remote/shared_packs.hpp"

#include "remote/collection.hpp"
#include "remote/layout.hpp"

#include "pod_history.hpp"
#include "small_remote.hpp"

#include <doctest/doctest.h>

#include <filesystem>

using namespace pod;
using namespace pod::remote;
using namespace pod::remote::test;
using namespace pod::git::test;
namespace fs = std::filesystem;

namespace {

/// `shop` was pushed to a remote; `till`, in the same repository, is to be.
struct Sharing {
  SmallRemote remote;
  Folder folder;
  git::Repository repository = git::Repository::init(folder / "r");
  Oid till_tip;
  std::vector<PackInfo> there;

  Sharing(const Files& theirs, const Files& ours) {
    fs::create_directories(folder / "indexes");
    const Oid shop_tip = commit_files(repository, theirs);
    std::vector<Upload> uploads;
    for (const OutgoingPack& pack : push(repository, shop_tip, {}, folder / "out", {.folder = {}, .whole_limit = 1}))
      uploads.push_back(remote::upload_of(pack));
    const std::int64_t since = remote.now();
    there = upload(remote.store, since, uploads, {}, {}).packs;
    publish_pod(shop, shop_tip, there, since);
    till_tip = commit_files(repository, ours, {}, 1700000001);
  }
  void publish_pod(const PodName& pod, const Oid& commit, const std::vector<PackInfo>& packs, std::int64_t since) {
    const Change change{.refs = std::vector<ManifestRef>{{pod.branch(), commit}}, .packs = packs, .since = since};
    REQUIRE(publish(remote.store, pod, std::nullopt, change, SmallRemote::options(), {}).outcome == Outcome::published);
  }
  MissingObjects missing(const SharedPacks& shared = {}) {
    return find_missing(table_of(repository), *repository.objects(),
                        {.tips = {till_tip}, .remote_tips = {}, .in_remote = shared.holder()}, {});
  }
  SharedPacks find() {
    return find_shared_packs(remote.store, till, {}, [](const PodName&) { return std::nullopt; }, table_of(repository),
                             missing(), folder / "indexes", {}, {});
  }
  const PackInfo& content() const {
    for (const PackInfo& pack : there)
      if (pack.kind == PackKind::content) return pack;
    throw std::logic_error("no content pack");
  }
};

Files with(Files files, const std::string& path, std::string content) {
  files[path] = std::move(content);
  return files;
}

const Files base_files = pod_files(1, 60, 8000);
const Files other_files = with(base_files, "assets/s3/own", noise(20'000, 9));

}  // namespace

TEST_CASE("of a pod that shares nearly all with another, the rest alone is missing") {
  Sharing sharing(base_files, other_files);
  const std::uint64_t all = sharing.missing().stored_bytes;
  const SharedPacks shared = sharing.find();
  REQUIRE(shared.packs.size() == 1);
  CHECK(shared.packs[0] == sharing.content());
  CHECK(shared.bytes > all * 9 / 10);
  CHECK(sharing.missing(shared).stored_bytes < 30'000);
  CHECK_FALSE(sharing.missing(shared).skeleton.empty());
}

TEST_CASE("a pack is relied on only where it is of use, there, and named by a pod that is there") {
  SUBCASE("little is shared") {
    Sharing sharing(pod_files(1, 60, 8000), pod_files(2, 60, 8000));
    CHECK(sharing.find().packs.empty());
  }
  SUBCASE("the pack is gone") {
    Sharing sharing(base_files, other_files);
    sharing.remote.store.remove(pack_key(sharing.content().day, sharing.content().pack.sha256));
    CHECK(sharing.find().packs.empty());
  }
  SUBCASE("the index is gone") {
    Sharing sharing(base_files, other_files);
    sharing.remote.store.remove(index_key(sharing.content().day, sharing.content().index->sha256));
    CHECK(sharing.find().packs.empty());
  }
  SUBCASE("the pod was deleted") {
    Sharing sharing(base_files, other_files);
    const auto state = read_state(sharing.remote.store, shop);
    delete_pod(sharing.remote.store, shop, *state, SmallRemote::options(), {});
    CHECK(sharing.find().packs.empty());
  }
  SUBCASE("what another pod says is damaged") {
    Sharing sharing(base_files, other_files);
    sharing.remote.store.put_if_absent(head_key(PodName::parse("mill")), objects::Content::of("damaged"));
    CHECK(sharing.find().packs.size() == 1);
  }
}

TEST_CASE("a shared pack stays while either pod needs it") {
  Sharing sharing(base_files, other_files);
  const std::int64_t since = sharing.remote.now();
  const SharedPacks shared = sharing.find();
  sharing.publish_pod(till, sharing.till_tip, shared.packs, since);
  const auto state = read_state(sharing.remote.store, shop);
  delete_pod(sharing.remote.store, shop, *state, SmallRemote::options(), {});
  const objects::Key pack = pack_key(sharing.content().day, sharing.content().pack.sha256);
  sharing.remote.pass(10 * 86400);
  collect_garbage(sharing.remote.store, {}, sharing.remote.context);
  CHECK(sharing.remote.has(pack));
  const auto other = read_state(sharing.remote.store, till);
  delete_pod(sharing.remote.store, till, *other, SmallRemote::options(), {});
  sharing.remote.pass(10 * 86400);
  collect_garbage(sharing.remote.store, {}, sharing.remote.context);
  CHECK_FALSE(sharing.remote.has(pack));
}
