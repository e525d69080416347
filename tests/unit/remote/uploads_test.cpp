#include "remote/uploads.hpp"

#include "base/files.hpp"
#include "objects/counting_store.hpp"
#include "objects/fault_store.hpp"
#include "remote/parallel.hpp"
#include "remote/small_remote.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <numeric>

using namespace pod::remote;
using namespace pod::remote::test;
namespace objects = pod::objects;
using objects::Call;
using objects::Fault;
using objects::FaultStore;
using pod::ErrorCode;

namespace {

constexpr std::int64_t one_day = 86400;

/// A store in which nothing goes wrong, and that tells in which order it was asked.
class Watched {
 public:
  explicit Watched(objects::ObjectStore& inner)
      : store(inner, [this](std::uint64_t, Call call, const std::string& key) {
          const std::lock_guard lock(mutex_);
          if (call == Call::create) puts.push_back(key);
          return Fault{};
        }) {}

 private:
  std::mutex mutex_;

 public:
  std::vector<std::string> puts;
  FaultStore store;
};

class Bytes final : public pod::Progress {
 public:
  std::atomic<std::uint64_t> bytes{0};
  void begin(std::string_view, std::optional<std::uint64_t>) override {}
  void advance(std::uint64_t count) override { bytes += count; }
  void end() override {}
  void warn(std::string_view) override {}
};

}  // namespace

TEST_CASE("a pack is there before its index") {
  SmallRemote remote;
  Watched watched(remote.store);
  const auto result =
      upload(watched.store, remote.now(), {upload_of("one", "i1"), upload_of("two", "i2")}, {.connections = 1}, {});
  const Day day = Day::of(remote.now());
  const auto& packs = result.packs;
  CHECK(watched.puts == std::vector<std::string>{
                            pack_key(day, packs[0].pack.sha256).str(), index_key(day, packs[0].index->sha256).str(),
                            pack_key(day, packs[1].pack.sha256).str(), index_key(day, packs[1].index->sha256).str()});
  CHECK(packs[0].day == day);
  CHECK(result.sent == 10);
  CHECK(result.found == 0);
}

TEST_CASE("many packs go side by side, and come back in their order") {
  SmallRemote remote;
  std::vector<Upload> uploads;
  for (int i = 0; i < 50; ++i) uploads.push_back(upload_of("pack " + std::to_string(i), "index " + std::to_string(i)));
  Bytes progress;
  pod::Context context;
  context.progress = &progress;
  const auto result = upload(remote.store, remote.now(), uploads, {.connections = 8}, context);
  REQUIRE(result.packs.size() == 50);
  for (std::size_t i = 0; i < 50; ++i) {
    CHECK(result.packs[i].pack == uploads[i].info.pack);
    CHECK(remote.has(pack_key(result.packs[i].day, result.packs[i].pack.sha256)));
    CHECK(remote.has(index_key(result.packs[i].day, result.packs[i].index->sha256)));
  }
  CHECK(progress.bytes == result.sent);
}

TEST_CASE("after a break only what is lacking is sent") {
  SmallRemote remote;
  const std::vector<Upload> uploads{upload_of("one", "i1"), upload_of("two", "i2"), upload_of("three", "i3")};
  FaultStore bad(remote.store, objects::nth(Call::create, 4, {.effect = Fault::Effect::lost_request}));
  CHECK(code_of([&] { upload(bad, remote.now(), uploads, {.connections = 1}, {}); }) == ErrorCode::unreachable);
  const auto result = upload(remote.store, remote.now(), uploads, {}, {});
  CHECK(result.found == 8);
  CHECK(result.sent == 9);
}

TEST_CASE("what was uploaded in the last days counts as the own, and is not asked for where it is small") {
  for (const std::int64_t days : {1, 2}) {
    SmallRemote remote;
    const Day day = Day::of(remote.now());
    upload(remote.store, remote.now(), {upload_of("one", "i1")}, {}, {});
    remote.pass(days * one_day);
    objects::CountingStore counting(remote.store);
    const auto found = upload(counting, remote.now(), {upload_of("one", "i1")}, {.ask_from = 3}, {});
    CHECK(found.packs[0].day == day);
    CHECK(found.sent == 0);
    const auto sent = upload(remote.store, remote.now(), {upload_of("one", "i1")}, {.ask_from = 4}, {});
    CHECK(sent.packs[0].day == Day::of(remote.now()));
    CHECK(sent.sent == 5);
  }
}

TEST_CASE("what is older may be garbage, so it is sent again under another name") {
  SmallRemote remote;
  const Day day = Day::of(remote.now());
  upload(remote.store, remote.now(), {upload_of("one", "i1")}, {}, {});
  remote.pass(3 * one_day);
  const auto result = upload(remote.store, remote.now(), {upload_of("one", "i1")}, {.ask_from = 0}, {});
  CHECK(result.sent == 5);
  CHECK(result.packs[0].day.number == day.number + 3);
}

TEST_CASE("an object of another size under the name of a pack is an alarm") {
  SmallRemote remote;
  const Upload one = upload_of("one");
  const auto key = pack_key(Day::of(remote.now()), one.info.pack.sha256);
  remote.store.put_if_absent(key, objects::Content::of("longer"));
  for (const std::uint64_t ask_from : {std::uint64_t{0}, std::uint64_t{100}}) {
    const auto error =
        error_of([&] { upload(remote.store, remote.now(), {one}, {.connections = 1, .ask_from = ask_from}, {}); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::corrupt);
    CHECK(error->message().find(key.str()) != std::string::npos);
  }
}

TEST_CASE("the files of a push are sent as they lie") {
  SmallRemote remote;
  const pod::base::TempFolder folder(std::filesystem::temp_directory_path());
  std::string large(3'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); i += 1000) large[i] = static_cast<char>('a' + i % 26);
  pod::base::write_file_atomically(folder.path() / "pack", large);
  pod::base::write_file_atomically(folder.path() / "index", "its index");
  const OutgoingPack pack{upload_of(large, "its index").info, folder.path() / "pack", folder.path() / "index"};
  const auto result = upload(remote.store, remote.now(), {upload_of(pack)}, {}, {});
  const auto key = pack_key(result.packs[0].day, pack.info.pack.sha256);
  CHECK(objects::read_object(remote.store, key, 4'000'000)->first == large);
  CHECK(result.sent == large.size() + 9);

  const Upload again = upload_of(pack);
  CHECK(pod::base::read_all(*again.pack.open(1000, 26), 100) == large.substr(1000, 26));
  pod::base::write_file_atomically(folder.path() / "pack", "cut");
  CHECK(code_of([&] { pod::base::read_all(*again.pack.open(0, large.size()), 4'000'000); }) == ErrorCode::io);
}

TEST_CASE("an upload stops when it is cancelled") {
  SmallRemote remote;
  pod::CancelToken stop;
  pod::Context context;
  context.cancel = &stop;
  stop.cancel();
  CHECK(code_of([&] { upload(remote.store, remote.now(), {upload_of("one")}, {}, context); }) == ErrorCode::cancelled);
}

TEST_CASE("tasks run side by side, all of them or none after the first that fails") {
  std::vector<int> done(100, 0);
  in_parallel(done.size(), 4, [&](std::size_t i) { done[i] = 1; });
  CHECK(std::accumulate(done.begin(), done.end(), 0) == 100);
  in_parallel(0, 4, [](std::size_t) { FAIL("there is nothing to do"); });

  std::atomic<int> begun{0};
  CHECK(code_of([&] {
          in_parallel(1000, 4, [&](std::size_t i) {
            ++begun;
            if (i == 3) throw pod::Error(ErrorCode::denied, "no");
          });
        }) == ErrorCode::denied);
  CHECK(begun <= 1000);
}
