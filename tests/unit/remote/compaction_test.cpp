#include "remote/compaction.hpp"

#include "pod_history.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace pod;
using namespace pod::remote;
using namespace pod::remote::test;
using namespace pod::git::test;
namespace fs = std::filesystem;

namespace {

PackInfo of_size(std::uint64_t size) {
  PackInfo info;
  info.pack.size = size;
  return info;
}

/// The packs of many small pushes, and of a large one in their midst.
struct Pushes {
  Folder folder;
  git::Repository repository = git::Repository::init(folder / "r");
  std::vector<RemotePackFile> packs;
  Oid tip;

  explicit Pushes(unsigned count, unsigned large) {
    fs::create_directories(folder / "spool");
    fs::create_directories(folder / "joined");
    std::vector<Oid> before;
    for (unsigned i = 1; i <= count; ++i) {
      tip = commit_files(repository, pod_files(i, i == large ? 300 : 4, 8000), before, 1700000000 + i);
      for (const OutgoingPack& pack : push(repository, tip, before, folder / "out"))
        packs.push_back({pack.pack, pack.info});
      before = {tip};
    }
  }
  std::vector<OutgoingPack> compact() {
    return remote::compact(packs, folder / "spool", {.folder = folder / "joined"}, {});
  }
};

}  // namespace

TEST_CASE("few packs stay as they are, of many the small ones are joined") {
  std::vector<PackInfo> packs(32, of_size(1000));
  CHECK(packs_to_compact(packs).empty());
  packs.push_back(of_size(10));
  packs.insert(packs.begin(), of_size(1 << 30));
  const auto chosen = packs_to_compact(packs);
  CHECK(chosen.size() == 34 - 12);
  CHECK(std::is_sorted(chosen.begin(), chosen.end()));
  CHECK(chosen.front() != 0);
  CHECK(chosen.back() == 33);
}

TEST_CASE("large packs are joined only where the manifest would be full") {
  CHECK(packs_to_compact(std::vector<PackInfo>(40, of_size(200ull << 20))).empty());
  CHECK(packs_to_compact(std::vector<PackInfo>(64, of_size(200ull << 20))).size() >= 16);
}

TEST_CASE("a manifest that is compacted when it can be never fills up") {
  std::vector<PackInfo> packs;
  for (std::uint64_t push = 0; push < 2000; ++push) {
    packs.push_back(of_size(push % 50 == 0 ? 100ull << 20 : 50'000 + push));
    const auto chosen = packs_to_compact(packs);
    std::uint64_t bytes = 0;
    for (auto place = chosen.rbegin(); place != chosen.rend(); ++place) {
      bytes += packs[*place].pack.size;
      packs.erase(packs.begin() + static_cast<std::ptrdiff_t>(*place));
    }
    for (; bytes > 0; bytes -= std::min<std::uint64_t>(bytes, 256ull << 20))
      packs.push_back(of_size(std::min<std::uint64_t>(bytes, 256ull << 20)));
    REQUIRE(packs.size() < max_packs);
  }
}

TEST_CASE("joined packs hold what the packs held, and stock git reads them") {
  Pushes pushes(12, 0);
  REQUIRE(pushes.packs.size() == 12);
  const auto joined = pushes.compact();
  REQUIRE(joined.size() == 1);
  CHECK(joined[0].info.kind == PackKind::whole);
  CHECK(ids_by_stock_git(joined[0].pack) == reachable(pushes.folder / "r", {pushes.tip.hex()}));
  CHECK(fs::is_empty(pushes.folder / "spool"));
}

TEST_CASE("what is joined to more than a small pack is a skeleton and content") {
  Pushes pushes(8, 5);
  REQUIRE(pushes.packs.size() == 9);
  const auto joined = pushes.compact();
  REQUIRE(joined.size() == 2);
  CHECK(joined[0].info.kind == PackKind::skeleton);
  CHECK(joined[1].info.kind == PackKind::content);
  const auto skeleton = ids_by_stock_git(joined[0].pack);
  auto all = ids_by_stock_git(joined[1].pack);
  all.insert(skeleton.begin(), skeleton.end());
  CHECK(all == reachable(pushes.folder / "r", {pushes.tip.hex()}));
  const auto id_of = [&](const char* path) {
    return stock_git(pushes.folder / "r", {"rev-parse", pushes.tip.hex() + ":" + path});
  };
  CHECK(skeleton.contains(id_of(".pod/metamodel/0/sqs/us-east-1.json")));
  CHECK(skeleton.contains(id_of("assets/db")));
  CHECK_FALSE(skeleton.contains(id_of("assets/db/main.sqlite.chunks")));
  CHECK_FALSE(skeleton.contains(id_of("api_states/0/sqs/us-east-1/backend.state")));
}

TEST_CASE("the same packs are joined to the same bytes") {
  Pushes pushes(6, 3);
  const auto once = pushes.compact();
  const auto twice = pushes.compact();
  REQUIRE(once.size() == twice.size());
  for (std::size_t i = 0; i < once.size(); ++i) CHECK(once[i].info == twice[i].info);
}

TEST_CASE("a damaged pack is not joined") {
  Pushes pushes(4, 0);
  std::string bytes = read_file(pushes.packs[1].file);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_file(pushes.packs[1].file, bytes);
  const auto error = error_of([&] { pushes.compact(); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::corrupt);
  CHECK(fs::is_empty(pushes.folder / "spool"));
}
