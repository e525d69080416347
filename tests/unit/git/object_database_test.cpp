#include "git/object_database.hpp"
#include "git/libgit2.hpp"
#include "git/pack_writer.hpp"
#include "git/repository.hpp"

#include "stock_git.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

using namespace pod;
using namespace pod::git;
using namespace pod::git::test;
namespace fs = std::filesystem;

namespace {

/// A repository that stock git made: 40 versions of a file that changes a little, a second file, a tag; all loose.
void make_history(const fs::path& path) {
  fs::create_directories(path);
  stock_git(path, {"init", "-q", "--bare", "-b", "main", "."});
  std::string stream;
  std::string content = text(40'000);
  for (int i = 0; i < 40; ++i) {
    content.replace(static_cast<std::size_t>(i) * 900, 20, "changed in version " + std::to_string(i % 10));
    const std::string message = "version " + std::to_string(i);
    stream += "commit refs/heads/main\ncommitter a <a@example.org> " + std::to_string(1700000000 + i) +
              " +0100\ndata " + std::to_string(message.size()) + '\n' + message + "\nM 100644 inline state\ndata " +
              std::to_string(content.size()) + '\n' + content + "\nM 100644 inline deep/er/" + std::to_string(i) +
              "\ndata " + std::to_string(message.size()) + '\n' + message + '\n';
  }
  stock_git(path, {"-c", "fastimport.unpackLimit=10000", "fast-import", "--quiet"}, stream);
  stock_git(path, {"tag", "-a", "-m", "a tag", "first", "main~39"});
}

/// What stock git says is there, read by us: the same objects with the same content.
void check_same(const fs::path& path) {
  const auto database = ObjectDatabase::open(path / "objects");
  std::map<std::string, std::string> kinds;
  const std::string list =
      stock_git(path, {"cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype) %(objectsize)"});
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find('\n', at), list.size());
    kinds[list.substr(at, 40)] = list.substr(at + 41, end - at - 41);
    at = end + 1;
  }
  std::set<std::string> seen;
  database->for_each([&](const Oid& id) { seen.insert(id.hex()); });
  REQUIRE(seen.size() == kinds.size());
  for (const auto& entry : kinds) {
    const std::string& hex = entry.first;
    const std::string& kind = entry.second;
    CAPTURE(hex);
    const Oid id = Oid::parse(hex);
    CHECK(seen.contains(hex));
    CHECK(database->contains(id));
    const ObjectHeader header = database->header(id).value();
    CHECK(std::string(type_name(header.type)) + ' ' + std::to_string(header.size) == kind);
    const Object object = database->read_any(id);  // verifies the id
    CHECK(object.type == header.type);
    CHECK(object.content.size() == header.size);
    CHECK(base::read_all(*database->stream(id), 1 << 20) == object.content);
    CHECK(database->with_prefix(id, 40) == std::vector{id});
  }
  CHECK(database->problems().empty());
}

std::size_t deltas_in(const fs::path& path) {
  std::size_t count = 0;
  for (const fs::path& index : files_below(path / "objects/pack", ".idx")) {
    const std::string list = stock_git(path, {"verify-pack", "-s", index.string()});
    for (std::size_t at = list.find("chain length"); at != std::string::npos; at = list.find("chain length", at + 1))
      count += static_cast<std::size_t>(std::stoul(list.substr(list.find(": ", at) + 2)));
  }
  return count;
}

}  // namespace

TEST_CASE("loose objects that stock git wrote are read") {
  Folder folder;
  make_history(folder / "r");
  REQUIRE(files_below(folder / "r/objects/pack", ".pack").empty());
  check_same(folder / "r");
}

TEST_CASE("packs that stock git made with deltas are read") {
  Folder folder;
  make_history(folder / "r");
  stock_git(folder / "r", {"gc", "-q", "--aggressive", "--prune=now"});
  REQUIRE(deltas_in(folder / "r") > 20);
  check_same(folder / "r");
}

TEST_CASE("deltas that name their base by its id are read") {
  Folder folder;
  make_history(folder / "r");
  stock_git(folder / "r",
            {"-c", "repack.useDeltaBaseOffset=false", "repack", "-q", "-a", "-d", "-f", "--depth=200", "--window=50"});
  stock_git(folder / "r", {"prune-packed"});
  REQUIRE(deltas_in(folder / "r") > 20);
  check_same(folder / "r");
}

TEST_CASE("an object that is not there is not found, of the wrong type is corrupt, too large is refused") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  const std::string content = text(5000);
  PackWriter writer(repository.objects(), repository.objects_folder(), {});
  const Oid id = writer.add(ObjectType::blob, base::bytes_of(content));
  writer.finish();
  const auto& objects = repository.objects();
  const Oid missing = Oid::parse("1234567890123456789012345678901234567890");
  CHECK_FALSE(objects->contains(missing));
  CHECK_FALSE(objects->header(missing));
  CHECK(error_of([&] { objects->read(missing, ObjectType::blob); }).value().code() == ErrorCode::not_found);
  CHECK(error_of([&] { objects->stream(missing); }).value().code() == ErrorCode::not_found);
  CHECK(error_of([&] { objects->read(id, ObjectType::tree); }).value().code() == ErrorCode::corrupt);
  CHECK(error_of([&] { objects->read(id, ObjectType::blob, 4999); }).value().code() == ErrorCode::refused);
  CHECK(objects->read(id, ObjectType::blob, 5000) == content);
}

TEST_CASE("packs that came since are found") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  const auto other = ObjectDatabase::open(repository.objects_folder());
  for (int i = 0; i < 20; ++i) {
    const Oid commit = write_version(repository, {{"f", text(100, static_cast<std::uint64_t>(i))}});
    CHECK(other->contains(commit));
    CHECK(other->read(commit, ObjectType::commit).size() > 100);
  }
}

TEST_CASE("packs that stock git replaced meanwhile are no obstacle") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  std::vector<Oid> commits;
  for (std::uint64_t i = 0; i < 8; ++i)
    commits.push_back(write_version(repository, {{"f", text(3000, i)}},
                                    commits.empty() ? std::vector<Oid>{} : std::vector{commits.back()}));
  CHECK(repository.update_ref("refs/heads/shop", {}, commits.back(), "") == RefUpdate::updated);
  const auto used = ObjectDatabase::open(repository.objects_folder());
  const auto mapped = ObjectDatabase::open(repository.objects_folder());
  const auto unused = ObjectDatabase::open(repository.objects_folder());
  used->read(commits[0], ObjectType::commit);
  CHECK(mapped->knows(commits[1]));
  auto half_read = used->stream(repository.commit(commits[7]).tree);
  stock_git(repository.path(), {"repack", "-a", "-d", "-q"});
  REQUIRE(files_below(repository.objects_folder() / "pack", ".pack").size() == 1);
  for (const auto& database : {used, mapped, unused})
    for (const Oid& commit : commits) CHECK(database->read(commit, ObjectType::commit).starts_with("tree "));
  CHECK_FALSE(base::read_all(*half_read, 1000).empty());
}

TEST_CASE("a store may have more packs than a process may open files") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  std::vector<Oid> commits;
  for (std::uint64_t i = 0; i < 150; ++i) commits.push_back(write_version(repository, {{"f", std::to_string(i)}}));
  const auto open_files = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  const auto before = open_files();
  const auto database = ObjectDatabase::open(repository.objects_folder());
  for (const Oid& commit : commits) CHECK(database->contains(commit));
  for (const Oid& commit : commits) CHECK(database->read(commit, ObjectType::commit).starts_with("tree "));
  CHECK(open_files() - before <= 70);
}

TEST_CASE("several threads read at once") {
  Folder folder;
  make_history(folder / "r");
  stock_git(folder / "r", {"gc", "-q", "--aggressive", "--prune=now"});
  const auto database = ObjectDatabase::open(folder / "r/objects");
  std::vector<Oid> ids;
  database->for_each([&](const Oid& id) { ids.push_back(id); });
  std::atomic<std::size_t> read{0};
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      try {
        for (std::size_t i = 0; i < ids.size(); ++i) {
          database->read_any(ids[(i + t * 31) % ids.size()]);
          if (i % 50 == 0) database->refresh();
          ++read;
        }
      } catch (...) {
        ++failures;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(read == 4 * ids.size());
}

TEST_CASE("short ids are found, and told apart") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  PackWriter writer(repository.objects(), repository.objects_folder(), {});
  std::vector<Oid> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(writer.add(ObjectType::blob, base::bytes_of(std::to_string(i))));
  writer.finish();
  for (const std::size_t digits : {2u, 3u, 4u, 7u, 39u}) {
    for (const Oid& id : ids) {
      std::set<Oid> expected;
      for (const Oid& other : ids)
        if (other.hex().substr(0, digits) == id.hex().substr(0, digits)) expected.insert(other);
      const std::vector<Oid> found = repository.objects()->with_prefix(id, digits, 1000);
      CHECK(std::set<Oid>(found.begin(), found.end()) == expected);
    }
  }
  CHECK(repository.objects()->with_prefix(ids[0], 2, 1).size() == 1);
}

TEST_CASE("libgit2 reads through it and cannot write") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  const Oid commit = write_version(repository, {{"f", "content"}});
  const OdbHandle odb(make_libgit2_odb(repository.objects()));
  const git_oid id = to_git(commit);
  git_odb_object* object = nullptr;
  REQUIRE(git_odb_read(&object, odb.get(), &id) == 0);
  CHECK(std::string_view(static_cast<const char*>(git_odb_object_data(object)), git_odb_object_size(object)) ==
        repository.objects()->read(commit, ObjectType::commit));
  git_odb_object_free(object);
  CHECK(git_odb_exists(odb.get(), &id) == 1);
  git_oid made{};
  CHECK(git_odb_write(&made, odb.get(), "x", 1, GIT_OBJECT_BLOB) < 0);
  const git_oid none = to_git(Oid::parse("1234567890123456789012345678901234567890"));
  CHECK(git_odb_read(&object, odb.get(), &none) == GIT_ENOTFOUND);
  int count = 0;
  CHECK(git_odb_foreach(
            odb.get(), [](const git_oid*, void* into) { return ++*static_cast<int*>(into), 0; }, &count) == 0);
  CHECK(count == 3);
}

TEST_CASE("what deflates to almost nothing is read in small pieces, also where its file ends") {
  const base::TempFolder temp("/tmp", "odb-");
  Repository repository = Repository::init(temp.path() / "store");
  std::string content;
  for (int i = 0; i < 5'000; ++i) content += "a cat";
  const auto check = [&](const Oid& id) {
    const auto database = ObjectDatabase::open(repository.objects_folder());
    for (const std::size_t piece : {1u, 7u, 1'000u, 4'096u}) {
      const auto stream = database->stream(id);
      std::string got;
      std::string room(piece, '\0');
      while (const std::size_t count = stream->read(std::as_writable_bytes(std::span(room))))
        got.append(room, 0, count);
      CHECK(got == content);
    }
  };
  SUBCASE("of a pack") {
    PackWriter pack(repository.objects(), repository.objects_folder(), {});
    const Oid id = pack.add(ObjectType::blob, base::bytes_of(content));
    pack.finish();
    check(id);
  }
  SUBCASE("loose") { check(Oid::parse(stock_git(repository.path(), {"hash-object", "-w", "--stdin"}, content))); }
}
