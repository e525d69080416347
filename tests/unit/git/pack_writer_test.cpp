#include "git/pack_writer.hpp"
#include "git/index_rebuild.hpp"
#include "git/repository.hpp"

#include "stock_git.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <atomic>
#include <thread>

using namespace pod;
using namespace pod::git;
using namespace pod::git::test;
namespace fs = std::filesystem;

namespace {

/// Gives the same content again and again in pieces of its own choice.
class PieceSource final : public base::ByteSource {
 public:
  PieceSource(std::string_view text, std::size_t piece) : rest_(text), piece_(piece) {}
  std::size_t read(std::span<std::byte> buffer) override {
    const std::size_t count = std::min({buffer.size(), piece_, rest_.size()});
    std::copy_n(reinterpret_cast<const std::byte*>(rest_.data()), count, buffer.data());
    rest_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view rest_;
  std::size_t piece_;
};

class FailingSource final : public base::ByteSource {
 public:
  explicit FailingSource(std::size_t good) : good_(good) {}
  std::size_t read(std::span<std::byte> buffer) override {
    if (good_ == 0) throw Error(ErrorCode::io, "the source broke");
    const std::size_t count = std::min(buffer.size(), good_);
    std::fill_n(buffer.data(), count, std::byte{'x'});
    good_ -= count;
    return count;
  }

 private:
  std::size_t good_;
};

std::vector<std::string> contents_of_many_kinds() {
  std::vector<std::string> out{"", "x", std::string(1, '\0'), "hello\n", std::string(100, 'a')};
  for (const std::size_t size :
       {15u, 16u, 127u, 128u, 2047u, 2048u, 65534u, 65535u, 65536u, 65537u, 200000u, 1048575u}) {
    out.push_back(text(size, size));
    out.push_back(noise(size, size));
  }
  // Starts as noise and goes on as text, and the other way round: the first 64 KiB decide.
  out.push_back(noise(70000) + text(70000));
  out.push_back(text(70000) + noise(70000));
  return out;
}

}  // namespace

TEST_CASE("objects have the ids that stock git gives them, and read back as they were") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  const std::vector<std::string> contents = contents_of_many_kinds();
  std::vector<Oid> ids;
  {
    PackWriter writer(repository.objects(), repository.objects_folder(), {});
    for (const std::string& content : contents) ids.push_back(writer.add(ObjectType::blob, base::bytes_of(content)));
    const PackResult result = writer.finish();
    REQUIRE(result.pack);
    CHECK(result.objects == contents.size());
    CHECK(result.bytes ==
          fs::file_size(*result.pack) + fs::file_size(fs::path(*result.pack).replace_extension(".idx")));
  }
  std::string list;
  for (std::size_t i = 0; i < contents.size(); ++i) {
    const fs::path file = folder.path() / std::to_string(i);
    write_file(file, contents[i]);
    list += file.string() + '\n';
    CHECK(repository.objects()->read(ids[i], ObjectType::blob) == contents[i]);
    CHECK(base::read_all(*repository.objects()->stream(ids[i]), 1 << 30) == contents[i]);
    CHECK(repository.objects()->header(ids[i])->size == contents[i].size());
  }
  std::string expected;
  for (const Oid& id : ids) expected += id.hex() + '\n';
  CHECK(stock_git(folder.path(), {"hash-object", "--no-filters", "--stdin-paths"}, list) + '\n' == expected);
  check_fsck(repository.path());
}

TEST_CASE("a pack is one that stock git would have indexed the same") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  const std::string large = text(3 << 20);
  PackWriter writer(repository.objects(), repository.objects_folder(), {});
  std::vector<TreeEntry> entries;
  for (int i = 0; i < 3000; ++i)
    entries.push_back({"f" + std::to_string(i), 0100644,
                       writer.add(ObjectType::blob, base::bytes_of(text(static_cast<std::size_t>(i), 7)))});
  base::MemorySource source(large);
  entries.push_back({"large", 0100755, writer.add_blob(large.size(), source)});
  const Oid tree = writer.add(ObjectType::tree, base::bytes_of(encode_tree(entries)));
  const Oid commit = writer.add(ObjectType::commit, base::bytes_of(encode_commit(commit_of(tree))));
  const fs::path pack = *writer.finish().pack;
  CHECK(repository.update_ref("refs/heads/shop", {}, commit, "") == RefUpdate::updated);

  check_fsck(repository.path());
  stock_git(repository.path(), {"verify-pack", "-v", pack.string()});
  fs::path copy = folder / "copy.pack";
  fs::copy_file(pack, copy);
  stock_git(folder.path(), {"index-pack", "--strict", copy.string()});
  CHECK(read_file(folder / "copy.idx") == read_file(fs::path(pack).replace_extension(".idx")));
  CHECK(pack.filename() == "pack-" + stock_git(folder.path(), {"index-pack", copy.string()}) + ".pack");
  CHECK(stock_git(repository.path(), {"log", "--format=%T", "shop"}) == tree.hex());
  for (const char* extension : {".pack", ".idx"}) {
    struct stat status {};
    REQUIRE(::stat(fs::path(pack).replace_extension(extension).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0444);
  }
  CHECK(files_below(repository.objects_folder()).size() == 2);
}

TEST_CASE("a pack that lost its index gets the same one again, one with deltas too, a damaged one gets none") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  PackWriter writer(repository.objects(), repository.objects_folder(), {});
  for (const std::string& content : contents_of_many_kinds()) writer.add(ObjectType::blob, base::bytes_of(content));
  const std::string large = text(3 << 20);
  base::MemorySource source(large);
  writer.add_blob(large.size(), source);
  const fs::path pack = *writer.finish().pack;
  const fs::path index = fs::path(pack).replace_extension(".idx");
  const std::string before = read_file(index);
  fs::remove(index);
  CHECK(rebuild_index(pack));
  CHECK(read_file(index) == before);

  const std::string bytes = read_file(pack);
  fs::remove(index);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{31}, std::size_t{32}, bytes.size() / 2, bytes.size() - 1}) {
    fs::permissions(pack, fs::perms::owner_all);
    write_file(pack, bytes.substr(0, size));
    CHECK_FALSE(rebuild_index(pack));
  }
  std::string more = bytes;
  more.insert(more.size() - 20, "x");
  write_file(pack, more);
  CHECK_FALSE(rebuild_index(pack));
  CHECK_FALSE(fs::exists(index));

  const fs::path work = folder / "work";
  fs::create_directory(work);
  stock_git(work, {"init", "-q"});
  std::string list;
  for (const std::string& content : {text(50'000) + "a", text(50'000) + "b"})
    list += stock_git(work, {"hash-object", "-w", "--stdin"}, content) + '\n';
  const fs::path deltas = work / ("p-" + stock_git(work, {"pack-objects", "-q", "p"}, list) + ".pack");
  const fs::path of_deltas = fs::path(deltas).replace_extension(".idx");
  const std::string by_git = read_file(of_deltas);
  fs::remove(of_deltas);
  CHECK(rebuild_index(deltas));
  CHECK(read_file(of_deltas) == by_git);
}

TEST_CASE("a large blob is streamed, whatever pieces it comes in") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  PackWriter writer(repository.objects(), repository.objects_folder(), {});
  std::vector<std::pair<Oid, std::string>> added;
  for (const std::size_t size : {std::size_t{1} << 20, (std::size_t{1} << 20) + 1, std::size_t{5} << 20}) {
    for (const std::string& content : {text(size, size), noise(size, size), std::string(size, '\0')}) {
      PieceSource source(content, 100'003);
      added.emplace_back(writer.add_blob(size, source), content);
      writer.add(ObjectType::blob, base::bytes_of(text(1000, added.size())));
    }
  }
  writer.finish();
  for (const auto& [id, content] : added) {
    CHECK(base::read_all(*repository.objects()->stream(id), 1 << 30) == content);
    CHECK(id.hex() == stock_git(folder.path(), {"hash-object", "--stdin"}, content));
  }
  check_fsck(repository.path());
}

TEST_CASE("what is there already is not written again") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  const std::string small = text(1000);
  const std::string large = noise(2 << 20);
  const auto add_both = [&](PackWriter& writer) {
    base::MemorySource source(large);
    writer.add(ObjectType::blob, base::bytes_of(small));
    writer.add_blob(large.size(), source);
  };
  PackWriter first(repository.objects(), repository.objects_folder(), {});
  add_both(first);
  add_both(first);
  const PackResult result = first.finish();
  CHECK(result.objects == 2);
  CHECK(fs::file_size(*result.pack) < large.size() + small.size() + 2000);

  PackWriter second(repository.objects(), repository.objects_folder(), {});
  add_both(second);
  CHECK_FALSE(second.finish().pack);
  CHECK(files_below(repository.objects_folder()).size() == 2);

  PackWriter third(repository.objects(), repository.objects_folder(), {});
  add_both(third);
  third.add(ObjectType::blob, base::bytes_of("new"));
  add_both(third);
  CHECK(third.finish().objects == 1);
  CHECK(files_below(repository.objects_folder()).size() == 4);
  check_fsck(repository.path());
}

TEST_CASE("two writers with the same content at once leave one sound pack") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  std::atomic<int> failures{0};
  const auto write = [&] {
    try {
      PackWriter writer(ObjectDatabase::open(repository.objects_folder()), repository.objects_folder(), {});
      for (std::uint64_t i = 0; i < 500; ++i) writer.add(ObjectType::blob, base::bytes_of(text(500 + i, i)));
      writer.finish();
    } catch (...) {
      ++failures;
    }
  };
  std::thread one(write);
  std::thread two(write);
  one.join();
  two.join();
  CHECK(failures == 0);
  CHECK(files_below(repository.objects_folder()).size() == 2);
  check_fsck(repository.path());
}

TEST_CASE("the same objects in the same order make the same pack, however the threads run") {
  Folder folder;
  std::string packs[2];
  for (std::string& pack : packs) {
    const fs::path objects = folder.path() / std::to_string(&pack - packs);
    fs::create_directories(objects);
    PackWriter writer(nullptr, objects, {});
    for (std::uint64_t i = 0; i < 400; ++i) writer.add(ObjectType::blob, base::bytes_of(text(10'000, i)));
    pack = read_file(*writer.finish().pack);
  }
  CHECK(packs[0] == packs[1]);
}

TEST_CASE("a writer that does not finish leaves nothing") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  {
    PackWriter writer(repository.objects(), repository.objects_folder(), {});
    for (std::uint64_t i = 0; i < 500; ++i) writer.add(ObjectType::blob, base::bytes_of(text(5000, i)));
    const std::string large = noise(2 << 20);
    base::MemorySource source(large);
    writer.add_blob(large.size(), source);
    CHECK(files_below(repository.objects_folder()).size() == 1);
  }
  CHECK(files_below(repository.objects_folder()).empty());
}

TEST_CASE("a source that lies about its size or breaks is refused, and the writer goes on") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  for (const std::size_t size : {std::size_t{5000}, std::size_t{3} << 20}) {
    CAPTURE(size);
    const std::string content = noise(size, size);
    PackWriter writer(repository.objects(), repository.objects_folder(), {});
    for (const std::size_t claimed : {size - 1, size + 1, size * 2}) {
      base::MemorySource source(content);
      CHECK(error_of([&] { writer.add_blob(claimed, source); }).value().code() == ErrorCode::corrupt);
    }
    FailingSource broken(size / 2);
    CHECK(error_of([&] { writer.add_blob(size, broken); }).value().message() == "the source broke");
    base::MemorySource source(content);
    const Oid id = writer.add_blob(size, source);
    CHECK(writer.finish().objects == 1);
    CHECK(base::read_all(*repository.objects()->stream(id), 1 << 30) == content);
  }
  check_fsck(repository.path());
}

TEST_CASE("a writer stops when it is told to, and leaves nothing") {
  Folder folder;
  Repository repository = Repository::init(folder / "store");
  CancelToken stop;
  Context context;
  context.cancel = &stop;
  {
    PackWriter writer(repository.objects(), repository.objects_folder(), context);
    for (std::uint64_t i = 0; i < 100; ++i) writer.add(ObjectType::blob, base::bytes_of(text(5000, i)));
    stop.cancel();
    CHECK(error_of([&] { writer.add(ObjectType::blob, base::bytes_of("x")); }).value().code() == ErrorCode::cancelled);
    CHECK(error_of([&] { writer.finish(); }).value().code() == ErrorCode::cancelled);
  }
  CHECK(files_below(repository.objects_folder()).empty());
}
