#include "store/store_world.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace pod;
using namespace pod::store::test;
using By = Usage::By;

namespace {

const std::string sqs = "api_states/000000000000/sqs/us-east-1/backend.state";
const std::string large = "assets/s3/large";

struct World {
  Folder folder;
  Store store = Store::init(folder / "store");
  World() {
    const Ticking clock(1'700'000'000);
    Context context;
    context.clock = &clock;
    commit(store, "shop", {{sqs, git::test::noise(3000, 1)}, {large, git::test::noise(2 << 20, 2)}}, "m", context);
    commit(store, "shop", {{sqs, git::test::noise(5000, 3)}, {large, git::test::noise(2 << 20, 2)}}, "m", context);
    commit(store, "copy", {{sqs, git::test::noise(5000, 3)}, {"own", git::test::noise(700, 4)}}, "m", context);
  }
};

std::uint64_t all_of(const Usage& usage) {
  std::uint64_t sum =
      usage.shared.stored + usage.history.stored + usage.undo.stored + usage.stray.stored + usage.indexes;
  for (const Usage::Row& row : usage.rows) sum += row.stored;
  return sum;
}

const Usage::Row& row(const Usage& usage, std::string_view name) {
  const auto found =
      std::find_if(usage.rows.begin(), usage.rows.end(), [&](const auto& one) { return one.name == name; });
  REQUIRE(found != usage.rows.end());
  return *found;
}

}  // namespace

TEST_CASE("every byte of a store is counted once, however it is asked, before and after a gc") {
  World world;
  for (const bool packed : {false, true}) {
    if (packed) world.store.gc();
    for (const By by : {By::pod, By::version, By::service, By::file}) {
      const Usage usage = world.store.usage(by, std::nullopt);
      CHECK(all_of(usage) == usage.total);
      CHECK(std::is_sorted(usage.rows.begin(), usage.rows.end(),
                           [](const auto& a, const auto& b) { return a.stored > b.stored; }));
    }
  }
}

TEST_CASE("a pod has what no other has, a version what no older one has") {
  World world;
  const Usage pods = world.store.usage(By::pod, std::nullopt);
  CHECK(row(pods, "shop").content > 2 << 20);
  CHECK(row(pods, "copy").content < 2500);
  CHECK(pods.shared.content > 5000);
  const Usage versions = world.store.usage(By::version, std::nullopt);
  CHECK(versions.rows.front().name == "shop:1");
  CHECK(row(versions, "shop:2").content < 7000);
  CHECK(row(versions, "shop:2").content > 5000);
  CHECK(versions.shared.objects == 0);
  const Usage of_one = world.store.usage(By::version, PodName::parse("copy"));
  CHECK(of_one.rows.size() == 1);
  CHECK(of_one.total > 5700);
  CHECK(code_of([&] { world.store.usage(By::pod, PodName::parse("none")); }) == ErrorCode::not_found);
}

TEST_CASE("services and files have their contents, large ones with their chunks") {
  World world;
  const Usage services = world.store.usage(By::service, std::nullopt);
  CHECK(row(services, "s3").content > 2 << 20);
  CHECK(row(services, "sqs").content > 8000);
  const Usage files = world.store.usage(By::file, std::nullopt);
  CHECK(row(files, large).content > 2 << 20);
  CHECK(row(files, sqs).content == 8000);
  CHECK(row(files, "own").content == 700);
}

TEST_CASE("what is kept for undo, and what nothing refers to, has lines of its own") {
  World world;
  commit(world.store, "gone", {{"file", git::test::noise(900, 9)}});
  world.store.remove(PodName::parse("gone"));
  CHECK(world.store.usage(By::pod, std::nullopt).undo.content > 900);
  git::test::stock_git(world.store.path(), {"hash-object", "-w", "--stdin"}, "a stray");
  CHECK(world.store.usage(By::pod, std::nullopt).stray.objects == 1);
}
