#include "git/history_pack.hpp"

#include "git/repository.hpp"
#include "stock_git.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <sstream>

using namespace pod;
using namespace pod::git;
using namespace pod::git::test;
namespace fs = std::filesystem;

namespace {

/// Versions of one file in which a little changes each time.
std::string content_of(std::size_t version) {
  std::string content = text(20'000);
  for (std::size_t i = 0; i <= version; ++i) content.replace(100 * i % 19'000, 8, std::to_string(10'000'000 + i));
  return content;
}

Oid write_history(Repository& repository, std::size_t versions) {
  Oid tip;
  for (std::size_t version = 0; version < versions; ++version)
    tip = write_version(repository,
                        {{"changing", content_of(version)}, {"staying", text(5000, 9)}, {"noise", noise(3000)}},
                        tip.is_zero() ? std::vector<Oid>{} : std::vector<Oid>{tip}, std::to_string(version));
  repository.update_ref("refs/heads/shop", repository.find_ref("refs/heads/shop").value_or(Oid()), tip, "");
  return tip;
}

struct Made {
  HistoryPackResult result;
  fs::path path;
};

Made pack_all(Repository& repository, std::string_view preferred = {},
              HistoryPack::Mode mode = HistoryPack::Mode::write) {
  repository.objects()->refresh();
  const ObjectTable table = ObjectTable::read(repository.objects_folder(), preferred, {});
  HistoryWalk walk(table, *repository.objects(), {});
  for (const Ref& ref : repository.refs("refs/")) walk.add(ref.target, ref.name);
  HistoryPack pack(table, *repository.objects(), repository.objects_folder(), mode, {});
  pack.add(walk.lines());
  Made made{pack.seal(), {}};
  if (mode == HistoryPack::Mode::write) made.path = pack.publish();
  return made;
}

void leave_only(const Repository& repository, const fs::path& pack) {
  for (const fs::path& file : files_below(repository.objects_folder() / "pack"))
    if (file.stem() != pack.stem()) fs::remove(file);
  repository.objects()->refresh();
}

/// The longest chain of deltas, as stock git counts it.
std::size_t deepest(const fs::path& repository, const fs::path& pack) {
  std::istringstream lines(
      stock_git(repository, {"verify-pack", "-v", fs::path(pack).replace_extension(".idx").string()}));
  std::size_t longest = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, type, size, packed, offset;
    std::size_t depth = 0;
    if (words >> id >> type >> size >> packed >> offset >> depth && type != "=" && id.size() == 40)
      longest = std::max(longest, depth);
  }
  return longest;
}

}  // namespace

TEST_CASE("a history becomes one small pack that stock git and we read") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  write_history(repository, 130);
  const std::uint64_t measured = pack_all(repository, {}, HistoryPack::Mode::measure).result.bytes;
  const Made made = pack_all(repository);
  CHECK(made.result.bytes == measured);
  CHECK(made.result.objects == 130 * 3 + 2);
  CHECK(made.result.deltas > 200);
  CHECK(made.result.bytes < 130'000);
  leave_only(repository, made.path);
  check_fsck(repository.path());
  CHECK(deepest(repository.path(), made.path) <= deepest_delta);
  Oid at = *repository.find_ref("refs/heads/shop");
  for (std::size_t version = 130; version-- > 0;) {
    const Commit commit = repository.commit(at);
    const auto entries = parse_tree(commit.tree, repository.objects()->read(commit.tree, ObjectType::tree));
    CHECK(repository.objects()->read(entries.front().id, ObjectType::blob) == content_of(version));
    if (version > 0) at = commit.parents.front();
  }
}

TEST_CASE("a pack that continues another one copies its deltas, and no chain becomes too long") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  Oid tip = write_history(repository, 20);
  Made made = pack_all(repository);
  leave_only(repository, made.path);
  std::uint64_t last = made.result.bytes;
  for (std::size_t version = 20; version < 90; ++version) {
    const Oid next = write_version(
        repository, {{"changing", content_of(version)}, {"staying", text(5000, 9)}, {"noise", noise(3000)}}, {tip},
        std::to_string(version));
    repository.update_ref("refs/heads/shop", tip, next, "");
    tip = next;
    made = pack_all(repository, made.path.stem().native());
    leave_only(repository, made.path);
    CHECK(made.result.bytes < last + 8000);
    last = made.result.bytes;
  }
  check_fsck(repository.path());
  CHECK(deepest(repository.path(), made.path) <= deepest_delta);
  CHECK(last < 150'000);
}

TEST_CASE("an object that changed on the disk is refused with its id") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  write_history(repository, 2);
  for (const fs::path& pack : files_below(repository.objects_folder() / "pack", ".pack")) {
    std::string bytes = read_file(pack);
    for (std::size_t at = bytes.size() / 4; at < bytes.size() - 40; at += 400)
      bytes[at] = static_cast<char>(bytes[at] ^ 1);
    fs::permissions(pack, fs::perms::owner_all);
    write_file(pack, bytes);
  }
  const auto error = error_of([&] { pack_all(repository); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::corrupt);
  CHECK(files_below(repository.objects_folder() / "pack", ".pack").size() == 2);
}

TEST_CASE("objects too large for deltas are copied, loose and packed") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  const std::string large = noise(9 << 20);
  std::string other = large;
  other[100] = 'x';
  const Oid first = write_version(repository, {{"large", large}});
  const Oid tip = write_version(repository, {{"large", other}}, {first});
  const Oid loose = Oid::parse(stock_git(repository.path(), {"hash-object", "-w", "--stdin"}, large + "loose"));
  repository.update_ref("refs/heads/shop", {}, tip, "");
  repository.update_ref("refs/other/loose", {}, loose, "");
  const Made made = pack_all(repository);
  leave_only(repository, made.path);
  fs::remove_all(repository.objects_folder() / loose.hex().substr(0, 2));
  repository.objects()->refresh();
  check_fsck(repository.path());
  CHECK(repository.objects()->read(loose, ObjectType::blob) == large + "loose");
}

TEST_CASE("what is missing is named with the ref that needs it") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  const Oid tip = write_version(repository, {{"file", "text"}});
  repository.update_ref("refs/heads/shop", {}, tip, "");
  const ObjectTable table = ObjectTable::read(repository.objects_folder(), {}, {});
  for (const fs::path& file : files_below(repository.objects_folder() / "pack")) fs::remove(file);
  repository.objects()->refresh();
  const ObjectTable empty = ObjectTable::read(repository.objects_folder(), {}, {});
  HistoryWalk walk(empty, *repository.objects(), {});
  const auto error = error_of([&] { walk.add(tip, "the ref \"refs/heads/shop\""); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::corrupt);
  CHECK(error->message().find(tip.hex()) != std::string::npos);
  CHECK(error->message().find("shop") != std::string::npos);
}
