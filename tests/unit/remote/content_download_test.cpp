// What a fetch of a part of the content keeps, and goes on with.
#include "remote/content_download.hpp"

#include "git/deflate.hpp"
#include "objects/counting_store.hpp"
#include "objects/fault_store.hpp"
#include "remote/intake.hpp"
#include "remote/kept_stretches.hpp"

#include "pod_history.hpp"
#include "small_remote.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>

using namespace pod;
using namespace pod::remote;
using namespace pod::remote::test;
using namespace pod::git::test;
using objects::Call;
using objects::CountingStore;
using objects::Fault;
using objects::FaultStore;
namespace fs = std::filesystem;

namespace {

/// Two versions in one content pack at a remote, and a store that has the skeleton.
struct Parts {
  SmallRemote remote;
  Folder folder;
  git::Repository sender = git::Repository::init(folder / "r");
  git::Repository store = git::Repository::init(folder / "store");
  Files files = pod_files(1, 200, 8000);
  Oid before;
  std::vector<PackInfo> contents;
  CountingStore counted{remote.store};

  Parts() {
    Files second = pod_files(2, 200, 8000);
    before = commit_files(sender, files, {}, 1700000000);
    const Oid tip = commit_files(sender, second, {before}, 1700000001);
    const auto packs = push(sender, tip, {}, folder / "out", {.folder = {}, .whole_limit = 1});
    fs::create_directories(folder / "store/pod/tmp");
    Intake intake(store.objects_folder(), store.objects(), folder / "store/pod/tmp", {});
    std::vector<Upload> uploads;
    for (const OutgoingPack& pack : packs) {
      uploads.push_back(remote::upload_of(pack));
      if (pack.info.kind == PackKind::skeleton) intake.add(pack.pack, "skeleton");
    }
    intake.check({.tips = {tip}, .known_tips = {}, .depth = 0});
    intake.install();
    for (const PackInfo& pack : upload(remote.store, remote.now(), uploads, {}, {}).packs)
      if (pack.kind == PackKind::content) contents.push_back(pack);
    REQUIRE(contents.size() == 1);
  }

  IncomingFolder incoming() const { return {folder / "incoming", std::chrono::seconds(1), {}}; }

  std::optional<DownloadedContent> download(objects::ObjectStore& through) {
    const fs::path work = folder / "work";
    fs::remove_all(work);
    fs::create_directories(work);
    return download_content(through, contents, store.objects(), {before}, incoming(), work, 1, {});
  }

  void take(const DownloadedContent& content) {
    Intake intake(store.objects_folder(), store.objects(), folder / "store/pod/tmp", {});
    for (const OutgoingPack& pack : content.packs) intake.add(pack.pack, "content", pack.info.objects);
    intake.check({.tips = {before}, .known_tips = {}, .depth = 1});
    intake.install();
    for (const auto& [path, bytes] : files) {
      const std::string id = stock_git(folder / "store", {"rev-parse", before.hex() + ":" + path});
      CHECK(store.objects()->read(Oid::parse(id), git::ObjectType::blob) == bytes);
    }
  }
};

}  // namespace

TEST_CASE("what a broken fetch of stretches has brought is not asked for again") {
  Parts parts;
  const auto whole = parts.download(parts.counted);
  REQUIRE(whole);
  const std::uint64_t calls = parts.counted.calls();
  const std::uint64_t bytes = parts.counted.bytes_read();
  CHECK(whole->received == bytes);
  REQUIRE(calls > 6);
  for (std::uint64_t broken = 1; broken <= calls; ++broken) {
    parts.incoming().remove(parts.contents);
    parts.counted.reset();
    FaultStore bad(parts.counted, objects::nth(Call::get, broken, {.effect = Fault::Effect::lost_request}));
    CHECK(code_of([&] { parts.download(bad); }) == ErrorCode::unreachable);
    const auto again = parts.download(bad);
    REQUIRE(again);
    CHECK(parts.counted.calls() == calls);
    CHECK(parts.counted.bytes_read() == bytes);
  }
  parts.take(*parts.download(parts.counted));
}

TEST_CASE("of a pack that lies there whole only the index is asked for") {
  Parts parts;
  REQUIRE(download_packs(parts.remote.store, parts.contents, parts.incoming(), 1, {}));
  const auto content = parts.download(parts.counted);
  REQUIRE(content);
  CHECK(parts.counted.calls() == 1);
  parts.take(*content);
}

TEST_CASE("a whole pack that went bad since is fetched again") {
  Parts parts;
  const IncomingFolder incoming = parts.incoming();
  REQUIRE(download_packs(parts.counted, parts.contents, incoming, 1, {}));
  const fs::path file = incoming.file_of(parts.contents[0]);
  const std::string sound = read_file(file);
  SUBCASE("nothing of it") {
    CHECK(download_packs(parts.counted, parts.contents, incoming, 1, {})->received == 0);
    CHECK(parts.counted.calls() == 1);
  }
  SUBCASE("bytes") {
    write_file(file, std::string(sound.size(), '\0'));
    CHECK(download_packs(parts.counted, parts.contents, incoming, 1, {})->received == sound.size());
  }
  SUBCASE("all of it") {
    write_file(file, "");
    CHECK(download_packs(parts.counted, parts.contents, incoming, 1, {})->received == sound.size());
  }
  CHECK(read_file(file) == sound);
}

TEST_CASE("what was kept and went bad since is fetched again") {
  Parts parts;
  REQUIRE(parts.download(parts.remote.store));
  const fs::path kept = parts.incoming().stretches_of(parts.contents[0]);
  std::string bytes = read_file(kept);
  SUBCASE("bytes") {
    for (std::size_t i = 0; i < bytes.size(); i += 1000) bytes[i] = static_cast<char>(bytes[i] ^ 1);
    write_file(kept, bytes);
  }
  SUBCASE("the end of the file") { write_file(kept, bytes.substr(0, bytes.size() / 2)); }
  SUBCASE("the note") { write_file(kept.native() + "-note", "0 12"); }
  const auto again = parts.download(parts.remote.store);
  REQUIRE(again);
  CHECK(again->received > 100'000);
  parts.take(*again);
}

TEST_CASE("a pack that is gone is said so") {
  Parts parts;
  parts.remote.store.remove(pack_key(parts.contents[0].day, parts.contents[0].pack.sha256));
  CHECK_FALSE(parts.download(parts.remote.store));
}

TEST_CASE("stretches that meet are one, and a note that was cut off is gone on with") {
  Folder folder;
  const fs::path file = folder / "x.stretches";
  const auto put = [](KeptStretches& kept, std::uint64_t begin, const std::string& text) {
    kept.write(begin, base::bytes_of(text));
    kept.note({begin, begin + text.size()}, git::crc32_of(0, base::bytes_of(text)));
  };
  using Ranges = std::vector<KeptStretches::Range>;
  {
    KeptStretches kept(file, 100);
    CHECK(kept.lacking(0, 100) == Ranges{{0, 100}});
    put(kept, 10, "0123456789");
    put(kept, 30, "0123456789");
    CHECK(kept.lacking(0, 100) == Ranges{{0, 10}, {20, 30}, {40, 100}});
    CHECK(kept.lacking(12, 18).empty());
    CHECK(kept.lacking(15, 35) == Ranges{{20, 30}});
    put(kept, 20, "0123456789");
    CHECK(kept.lacking(5, 45) == Ranges{{5, 10}, {40, 45}});
  }
  const std::string note = read_file(file.native() + "-note");
  write_file(file.native() + "-note", note.substr(0, note.size() - 3));
  {
    KeptStretches kept(file, 100);
    CHECK(kept.lacking(0, 100) == Ranges{{0, 10}, {20, 30}, {40, 100}});
    put(kept, 90, "0123456789");
  }
  CHECK(KeptStretches(file, 100).lacking(0, 100) == Ranges{{0, 10}, {20, 30}, {40, 90}});
}
