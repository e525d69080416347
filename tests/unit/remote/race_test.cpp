#include "base/files.hpp"
#include "objects/directory_store.hpp"
#include "remote/collection.hpp"
#include "remote/small_remote.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

using namespace pod::remote;
using namespace pod::remote::test;
namespace objects = pod::objects;

// What the simulation does by chance in one thread, threads do here on stores that are used.

namespace {

/// Everybody's versions, as tips: the nonce of the one that was published says who was told so.
void push_side_by_side(objects::ObjectStore& store, int threads, int pushes) {
  std::mutex mutex;
  std::set<std::string> acknowledged;
  std::atomic<int> failed{0};
  std::vector<std::thread> people;
  for (int who = 0; who < threads; ++who)
    people.emplace_back([&, who] {
      try {
        PublishOptions options;
        options.wait = [](std::chrono::milliseconds) { std::this_thread::yield(); };
        for (int i = 0; i < pushes;) {
          const auto state = read_state(store, shop);
          const std::int64_t since = store.now();
          const std::string mine = std::to_string(who) + '-' + std::to_string(i);
          const auto packs =
              upload(store, since, {upload_of("of all"), upload_of("of " + std::to_string(who))}, {}, {});
          std::string hex = pod::digest::hex(pod::digest::sha256(mine)).substr(0, 40);
          const std::vector<ManifestRef> refs{{shop.branch(), pod::Oid::parse(hex)}};
          const auto result =
              publish(store, shop, state, {.refs = refs, .packs = packs.packs, .since = since}, options, {});
          if (result.outcome != Outcome::published) continue;
          const std::lock_guard lock(mutex);
          acknowledged.insert(hex);
          ++i;
        }
      } catch (const std::exception& error) {
        ++failed;
        MESSAGE(error.what());
      }
    });
  std::thread collector([&] {
    for (int i = 0; i < 5; ++i) collect_garbage(store, {}, {});
  });
  for (std::thread& one : people) one.join();
  collector.join();
  CHECK(failed == 0);

  std::multiset<std::string> history;
  const auto last = read_state(store, shop).value();
  for (auto name = last.head.manifest; name;) {
    const auto manifest = find_manifest(store, shop, *name).value().manifest;
    history.insert(manifest.refs.front().target.hex());
    name = manifest.previous;
  }
  CHECK(last.head.generation == threads * pushes);
  CHECK(acknowledged.size() == static_cast<std::size_t>(threads * pushes));
  CHECK(std::equal(history.begin(), history.end(), acknowledged.begin(), acknowledged.end()));
}

}  // namespace

TEST_CASE("of eight who push at once to memory, each acknowledged version is in the history once") {
  objects::MemoryStore store;
  push_side_by_side(store, 8, 10);
}

TEST_CASE("of eight who push at once to a folder, each acknowledged version is in the history once") {
  const pod::base::TempFolder folder(std::filesystem::temp_directory_path());
  objects::DirectoryStore store(folder.path());
  push_side_by_side(store, 8, 4);
}
