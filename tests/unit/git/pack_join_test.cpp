#include "git/pack_join.hpp"

#include "git/pack_file.hpp"
#include "git/repository.hpp"

#include "stock_git.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

using namespace pod;
using namespace pod::git;
using namespace pod::git::test;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> indexes_of(const fs::path& repository) {
  std::vector<fs::path> found = files_below(repository / "objects/pack", ".idx");
  std::sort(found.begin(), found.end());
  return found;
}

/// Every object's whole content, by its id.
std::map<std::string, std::string> contents_of(const fs::path& repository) {
  std::map<std::string, std::string> contents;
  const auto database = ObjectDatabase::open(repository / "objects");
  database->for_each([&](const Oid& id) { contents[id.hex()] = database->read_any(id).content; });
  return contents;
}

/// A bare repository of stock git's with packs of `versions` of a file, each pack with deltas inside, and each with
/// the objects of the pack before once more.
void make_overlapping_packs(const fs::path& path, const std::vector<std::string>& pack_options) {
  fs::create_directories(path);
  stock_git(path, {"init", "-q", "--bare", "-b", "main", "."});
  std::string content = text(30'000);
  std::string before;
  for (int pack = 0; pack < 4; ++pack) {
    std::string ids;
    for (int i = 0; i < 10; ++i) {
      content.replace(static_cast<std::size_t>(pack * 10 + i) * 700, 20, "changed in version " + std::to_string(i));
      ids += stock_git(path, {"hash-object", "-w", "--stdin"}, content) + "\n";
    }
    std::vector<std::string> command{"pack-objects", "-q", "--window=50"};
    command.insert(command.end(), pack_options.begin(), pack_options.end());
    command.push_back((path / "objects/pack/pack").string());
    stock_git(path, command, ids + before);
    before = ids;
  }
  stock_git(path, {"prune-packed", "-q"});
}

}  // namespace

TEST_CASE("joined packs hold the same objects in one pack that stock git finds sound") {
  const Folder folder;
  Repository repository = Repository::init(folder / "r");
  Oid tip;
  for (int i = 0; i < 9; ++i)
    tip = write_version(repository, {{"a", text(3000, 1)}, {"b" + std::to_string(i), text(5000, 2 + unsigned(i))}},
                        i == 0 ? std::vector<Oid>{} : std::vector{tip});
  repository.update_ref("refs/heads/main", Oid(), tip, "");
  const auto before = contents_of(folder / "r");
  const auto packs = indexes_of(folder / "r");
  REQUIRE(packs.size() == 9);

  const auto joined = join_packs(folder / "r/objects", packs, {});
  REQUIRE(joined);
  CHECK(joined->objects == before.size());
  for (const fs::path& index : packs) remove_pack(index);
  CHECK(indexes_of(folder / "r").size() == 1);
  CHECK(contents_of(folder / "r") == before);
  stock_git(folder / "r", {"index-pack", "--verify", joined->pack.string()});
  check_fsck(folder / "r");
}

TEST_CASE("deltas stay deltas when packs with the same objects are joined") {
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"--delta-base-offset"}, std::vector<std::string>{}}) {
    CAPTURE(options.size());
    const Folder folder;
    make_overlapping_packs(folder / "r", options);
    const auto before = contents_of(folder / "r");
    REQUIRE(before.size() == 40);
    const auto packs = indexes_of(folder / "r");
    REQUIRE(packs.size() == 4);
    const auto joined = join_packs(folder / "r/objects", packs, {});
    REQUIRE(joined);
    CHECK(joined->objects == 40);
    // Whole, each version has more than 10,000 bytes.
    CHECK(joined->bytes < 100'000);
    for (const fs::path& index : packs) remove_pack(index);
    CHECK(contents_of(folder / "r") == before);
    stock_git(folder / "r", {"index-pack", "--verify", joined->pack.string()});
  }
}

TEST_CASE("a reader that knows the old packs goes on when they were joined") {
  const Folder folder;
  Repository repository = Repository::init(folder / "r");
  std::vector<Oid> blobs;
  for (unsigned i = 0; i < 9; ++i) {
    write_version(repository, {{"large", noise(300'000, i)}, {"small", text(100, i)}});
    repository.objects()->refresh();
  }
  repository.objects()->for_each([&](const Oid& id) { blobs.push_back(id); });
  // Begun before, ended after.
  const Oid large = *std::find_if(blobs.begin(), blobs.end(),
                                  [&](const Oid& id) { return repository.objects()->header(id)->size == 300'000; });
  const auto stream = repository.objects()->stream(large);
  std::string begun(1000, '\0');
  REQUIRE(base::read_fully(*stream, std::as_writable_bytes(std::span(begun))) == 1000);

  const auto packs = indexes_of(folder / "r");
  REQUIRE(join_packs(folder / "r/objects", packs, {}));
  for (const fs::path& index : packs) remove_pack(index);
  CHECK(begun.size() + base::read_all(*stream, 1 << 20).size() == 300'000);
  for (const Oid& id : blobs) CHECK(repository.objects()->contains(id));
  for (const Oid& id : blobs) CHECK_NOTHROW(repository.objects()->read_any(id));
}

TEST_CASE("packs of which one is damaged are not joined, and nothing is left behind") {
  const Folder folder;
  Repository repository = Repository::init(folder / "r");
  for (unsigned i = 0; i < 3; ++i) write_version(repository, {{"file", text(5000, i)}});
  const auto packs = indexes_of(folder / "r");
  const fs::path victim = fs::path(packs[1]).replace_extension(".pack");
  const std::string sound = read_file(victim);
  for (std::size_t at = 12; at + 20 < sound.size(); at += 97) {
    CAPTURE(at);
    std::string bytes = sound;
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    fs::permissions(victim, fs::perms::owner_all);
    write_file(victim, bytes);
    CHECK_FALSE(join_packs(folder / "r/objects", packs, {}));
    CHECK(files_below(folder / "r/objects/pack").size() == 6);
  }
}

TEST_CASE("few packs, kept packs and packs of unreachable objects are left as they are") {
  const Folder folder;
  Repository repository = Repository::init(folder / "r");
  for (unsigned i = 0; i < 7; ++i) write_version(repository, {{"file", text(500, i)}});
  CHECK(packs_to_join(folder / "r/objects").empty());
  write_version(repository, {{"file", text(500, 7)}});
  CHECK(packs_to_join(folder / "r/objects").size() == 8);
  const fs::path one = indexes_of(folder / "r").front();
  for (const char* mark : {".keep", ".mtimes"}) {
    write_file(fs::path(one).replace_extension(mark), "");
    CHECK(packs_to_join(folder / "r/objects").empty());
    fs::remove(fs::path(one).replace_extension(mark));
  }
  CHECK(packs_to_join(folder / "r/objects").size() == 8);
}

TEST_CASE("the number of packs grows with the logarithm of their bytes, and so do the bytes that are copied") {
  const Folder folder;
  fs::create_directories(folder / "objects/pack");
  // Sizes are all that the choice looks at.
  const auto make = [&](const std::string& name, std::uint64_t size) {
    for (const char* extension : {".pack", ".idx"}) {
      const fs::path path = folder / "objects/pack" / (name + extension);
      write_file(path, "");
      fs::resize_file(path, size);
    }
  };
  std::uint64_t copied = 0;
  std::size_t most = 0;
  for (int i = 0; i < 2000; ++i) {
    make("pack-" + std::to_string(i), 1000 + static_cast<std::uint64_t>(i * 37 % 500));
    const auto chosen = packs_to_join(folder / "objects");
    std::uint64_t size = 0;
    for (const fs::path& index : chosen) {
      size += fs::file_size(index);
      remove_pack(index);
    }
    if (size > 0) make("pack-joined-" + std::to_string(i), size);
    copied += size;
    most = std::max(most, files_below(folder / "objects/pack", ".pack").size());
  }
  MESSAGE("most packs: " << most << ", copied: " << copied / 1'250 << " for 2,000 written");
  CHECK(most <= 20);
  CHECK(copied < std::uint64_t{2000} * 1'250 * 11);
}
