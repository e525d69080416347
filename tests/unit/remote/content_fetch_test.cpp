#include "remote/content_fetch.hpp"

#include "git/pack_output.hpp"
#include "remote/intake.hpp"

#include "pod_history.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <algorithm>

using namespace pod;
using namespace pod::remote;
using namespace pod::remote::test;
using namespace pod::git::test;
namespace fs = std::filesystem;

namespace {

/// A pod in a remote, as the packs of its pushes, and a store that has its skeletons.
struct Remote {
  Folder folder;
  git::Repository sender = git::Repository::init(folder / "r");
  git::Repository store = git::Repository::init(folder / "store");
  fs::path spool = folder / "store/pod/tmp";
  std::vector<OutgoingPack> skeletons;
  std::vector<OutgoingPack> contents;
  std::vector<Oid> line;

  Remote() { fs::create_directories(spool); }

  void push(const Files& files) {
    const std::vector<Oid> before = line.empty() ? std::vector<Oid>{} : std::vector{line.back()};
    line.push_back(commit_files(sender, files, before, 1700000000 + static_cast<std::int64_t>(line.size())));
    add(test::push(sender, line.back(), before, folder / "out", {.folder = {}, .whole_limit = 1}));
  }
  void add(const std::vector<OutgoingPack>& packs) {
    for (const OutgoingPack& pack : packs)
      (pack.info.kind == PackKind::skeleton ? skeletons : contents).push_back(pack);
  }
  void take_skeletons() {
    Intake intake(store.objects_folder(), store.objects(), spool, {});
    for (const OutgoingPack& pack : skeletons) intake.add(pack.pack, "skeleton");
    intake.check({.tips = {line.back()}, .known_tips = {}, .depth = 0});
    intake.install();
  }
  /// Where what is fetched of the pack is written.
  fs::path stretches_of(const OutgoingPack& pack) const { return folder / digest::hex(pack.info.pack.sha256).c_str(); }
  /// All rounds; the bytes that were fetched.
  std::uint64_t fetch(const Oid& commit) {
    ContentFetch fetch(folder / "stretches", store.objects(), {commit}, {});
    for (const OutgoingPack& pack : contents) fetch.add_pack(pack.info, *pack.index, stretches_of(pack));
    for (auto stretches = fetch.next(); !stretches.empty(); stretches = fetch.next()) {
      ++rounds;
      for (const Stretch& stretch : stretches) {
        const std::string bytes = read_file(contents[stretch.pack].pack);
        REQUIRE(stretch.end <= bytes.size());
        REQUIRE(stretch.begin < stretch.end);
        const base::Fd fd = base::open_file(fetch.file(stretch.pack), O_WRONLY);
        git::write_at(fd.get(), std::string_view(bytes).substr(stretch.begin, stretch.end - stretch.begin),
                      stretch.begin, fetch.file(stretch.pack));
      }
    }
    fs::create_directories(folder / "taken");
    Intake intake(store.objects_folder(), store.objects(), spool, {});
    for (const OutgoingPack& pack : fetch.finish({.folder = folder / "taken"}))
      intake.add(pack.pack, "content", pack.info.objects);
    intake.check({.tips = {commit}, .known_tips = {}, .depth = 1});
    intake.install();
    return fetch.bytes();
  }
  void check_whole(const Oid& commit, const Files& files) {
    for (const auto& [path, content] : files) {
      const std::string id = stock_git(folder / "store", {"rev-parse", commit.hex() + ":" + path});
      CHECK(store.objects()->read(Oid::parse(id), git::ObjectType::blob) == content);
    }
  }
  std::size_t rounds = 0;
};

}  // namespace

TEST_CASE("of a long history only what one version needs is fetched") {
  Remote remote;
  for (unsigned i = 1; i <= 10; ++i) remote.push(pod_files(i, 40, 8000));
  remote.take_skeletons();
  std::uint64_t all = 0;
  for (const OutgoingPack& pack : remote.contents) all += pack.info.pack.size;
  SUBCASE("the newest") {
    const std::uint64_t bytes = remote.fetch(remote.line.back());
    CHECK(bytes > 40 * 8000);
    CHECK(bytes * 8 < all);
    remote.check_whole(remote.line.back(), pod_files(10, 40, 8000));
  }
  SUBCASE("one in the middle") {
    CHECK(remote.fetch(remote.line[4]) * 8 < all);
    remote.check_whole(remote.line[4], pod_files(5, 40, 8000));
  }
}

TEST_CASE("of a large pack stretches are fetched, chunk trees before chunks") {
  Remote remote;
  // Both versions in one push: the pack holds twice what the first one needs.
  Files first = pod_files(1, 200, 8000);
  Files second = pod_files(2, 200, 8000);
  second["assets/small"] = noise(5000, 7);
  const Oid before = commit_files(remote.sender, first, {}, 1700000000);
  remote.line = {before, commit_files(remote.sender, second, {before}, 1700000001)};
  remote.add(push(remote.sender, remote.line[1], {}, remote.folder / "out"));
  REQUIRE(remote.contents.size() == 1);
  remote.take_skeletons();
  ContentFetch fetch(remote.folder / "stretches", remote.store.objects(), {before}, {});
  fetch.add_pack(remote.contents[0].info, *remote.contents[0].index, remote.stretches_of(remote.contents[0]));
  const auto stretches = fetch.next();
  // Head, trailer, the tree of chunks, the state files: far from all of it.
  CHECK(stretches.size() >= 4);
  CHECK(fetch.bytes() < 30'000);
  fs::remove_all(remote.folder / "stretches");
  const std::uint64_t bytes = remote.fetch(before);
  CHECK(bytes < remote.contents[0].info.pack.size * 6 / 10 + 200'000);
  CHECK(remote.rounds <= 4);
  remote.check_whole(before, first);
}

TEST_CASE("deltas come with their bases, and an object that two packs hold is read from the one that was fetched") {
  Remote remote;
  Files files{{"assets/a", text(40'000)}, {"assets/b", noise(400'000, 3)}};
  std::vector<Oid> line;
  for (unsigned i = 0; i < 20; ++i) {
    files["assets/a"].replace(i * 1000, 20, "changed in version " + std::to_string(i % 10));
    line.push_back(commit_files(remote.sender, files, line.empty() ? std::vector<Oid>{} : std::vector{line.back()},
                                1700000000 + i));
  }
  remote.sender.update_ref("refs/heads/main", Oid(), line.back(), "");
  stock_git(remote.folder / "r", {"repack", "-q", "-a", "-d", "-f", "--window=50", "--depth=50"});
  git::Repository packed = git::Repository::open(remote.folder / "r");
  remote.add(push(packed, line.back(), {}, remote.folder / "out", {.folder = {}, .whole_limit = 1}));
  // Pushed by somebody who did not know of the others.
  remote.add(push(packed, line[3], {}, remote.folder / "out", {.folder = {}, .whole_limit = 1}));
  REQUIRE(remote.contents.size() == 2);
  remote.line = line;
  remote.take_skeletons();
  remote.fetch(line[3]);
  remote.check_whole(line[3], {{"assets/b", noise(400'000, 3)}});
  const std::string id = stock_git(remote.folder / "r", {"rev-parse", line[3].hex() + ":assets/a"});
  CHECK(remote.store.objects()->read(Oid::parse(id), git::ObjectType::blob) ==
        packed.objects()->read(Oid::parse(id), git::ObjectType::blob));
}

TEST_CASE("an index that lies is refused, or what it leads to is") {
  Remote remote;
  remote.push(pod_files(1, 40, 8000));
  remote.take_skeletons();
  const OutgoingPack& pack = remote.contents.at(0);
  const std::string sound = read_file(*pack.index);
  const auto refused = [&](const std::string& index, const PackInfo& info) {
    write_file(remote.folder / "x.idx", index);
    return error_of([&] {
      ContentFetch fetch(remote.folder / "stretches", remote.store.objects(), {remote.line.back()}, {});
      fetch.add_pack(info, remote.folder / "x.idx", remote.stretches_of(pack));
      for (auto stretches = fetch.next(); !stretches.empty(); stretches = fetch.next())
        for (const Stretch& stretch : stretches) {
          const std::string bytes = read_file(pack.pack);
          const base::Fd fd = base::open_file(fetch.file(stretch.pack), O_WRONLY);
          git::write_at(fd.get(), std::string_view(bytes).substr(stretch.begin, stretch.end - stretch.begin),
                        stretch.begin, fetch.file(stretch.pack));
        }
      fs::create_directories(remote.folder / "taken");
      fetch.finish({.folder = remote.folder / "taken"});
    });
  };
  const std::uint32_t count = pack.info.objects;
  const std::size_t offsets = 8 + 1024 + std::size_t{count} * 24;
  const auto resealed = [&](std::string index) {
    index.resize(index.size() - Oid::size);
    const Oid sum = digest::Sha1().update(index).finish();
    return index.append(reinterpret_cast<const char*>(sum.bytes().data()), Oid::size);
  };
  CHECK_FALSE(refused(sound, pack.info));
  fs::remove_all(remote.folder / "stretches");
  SUBCASE("an offset behind the pack") {
    std::string index = sound;
    index[offsets] = 0x7f;
    CHECK(refused(resealed(index), pack.info)->code() == ErrorCode::corrupt);
  }
  SUBCASE("two at one place") {
    std::string index = sound;
    for (std::size_t i = 0; i < 4; ++i) index[offsets + i] = index[offsets + 4 + i];
    CHECK(refused(resealed(index), pack.info)->code() == ErrorCode::corrupt);
  }
  SUBCASE("two that changed places") {
    std::string index = sound;
    for (std::size_t i = 0; i < 4; ++i) std::swap(index[offsets + i], index[offsets + 4 + i]);
    CHECK(refused(resealed(index), pack.info)->code() == ErrorCode::corrupt);
  }
  SUBCASE("another checksum, another count, another pack") {
    std::string index = sound;
    index[offsets] ^= 1;
    CHECK(refused(index, pack.info)->code() == ErrorCode::corrupt);
    PackInfo info = pack.info;
    ++info.objects;
    CHECK(refused(sound, info)->code() == ErrorCode::corrupt);
  }
  SUBCASE("an object that is in no pack") {
    CHECK(refused(read_file(*remote.skeletons.at(0).index), remote.skeletons.at(0).info)->code() == ErrorCode::corrupt);
  }
}
