#include "snapshot/chunk_tree.hpp"

#include "snapshot/chunk_cutter.hpp"
#include "snapshot/chunk_data.hpp"
#include "snapshot/snapshot_world.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace pod::snapshot;
using namespace pod::snapshot::test;
namespace base = pod::base;
namespace git = pod::git;
using pod::Error;
using pod::ErrorCode;
using pod::FileChange;
using pod::Oid;
using pod::Snapshot;
using pod::StatePath;

namespace {

constexpr unsigned folder_mode = 040000;

Oid build_one(World& world, std::string_view path, std::string_view content, unsigned mode = 0644) {
  return world.build([&](TreeBuilder& builder) { add(builder, path, content, mode); });
}

/// What stock git's users see: every entry below the tree, put together by `cat`.
std::string cat(World& world, const Oid& tree, const std::string& folder) {
  std::string file;
  const std::string listing =
      git::test::stock_git(world.repository.path(), {"ls-tree", "-r", "--format=%(objectname)", tree.hex(), folder});
  for (std::size_t at = 0; at < listing.size(); at += 41) file += listing.substr(at, 40) + '\n';
  const std::string batch =
      git::test::run({"git", "-C", world.repository.path().native(), "cat-file", "--batch=%(objectsize)"}, file).out;
  std::string whole;
  for (std::size_t at = 0; at < batch.size();) {
    const std::size_t line = batch.find('\n', at);
    const std::size_t size = std::stoull(batch.substr(at, line - at));
    whole += batch.substr(line + 1, size);
    at = line + size + 2;
  }
  return whole;
}

std::vector<Chunk> chunks_of(World& world, const Oid& tree) {
  ChunkWalk walk(*world.repository.objects(), tree);
  std::vector<Chunk> chunks;
  while (auto chunk = walk.next()) chunks.push_back(*chunk);
  return chunks;
}

std::uint64_t added_by(World& world, const std::string& before, const std::string& after) {
  build_one(world, "file", before);
  git::PackWriter pack(world.repository.objects(), world.repository.objects_folder(), world.context);
  TreeBuilder builder(pack);
  add(builder, "file", after);
  builder.finish({});
  return pack.finish().bytes;
}

std::optional<ErrorCode> code_of(const std::function<void()>& action) {
  const auto error = error_of(action);
  return error ? std::optional(error->code()) : std::nullopt;
}

}  // namespace

TEST_CASE("chunk trees of three kinds of files are the golden ones, and cat gives the files back") {
  const std::map<std::string, std::string> golden{{"database", "b2b22696ea74de65368c4a469d4899329e6be07b"},
                                                  {"other", "8f163aaf1b606ffb98508b6793a14aaf3ea8b5e4"},
                                                  {"pickle", "ff5003b545148d36e089e828e2d2370e34d270b5"}};
  const std::map<std::string, std::string> files{{"database", seeded_database(5'000'001, 1)},
                                                 {"pickle", seeded_pickle(5'000'001, 2)},
                                                 {"other", seeded(12'000'001, 3)}};
  World world;
  const Oid tree = world.build([&](TreeBuilder& builder) {
    for (const auto& [name, content] : files) add(builder, "assets/s/" + name, content);
  });
  world.check_with_git(tree);
  const TreeView view = world.view(tree);
  for (const auto& [path, content] : files) {
    const std::string& name = path;  // clang 14 captures no structured binding
    CAPTURE(name);
    const auto file = view.find(StatePath::parse("assets/s/" + name));
    REQUIRE(file);
    CHECK(file->chunked);
    CHECK(file->size == content.size());
    CHECK(file->id.hex() == golden.at(name));
    const std::string folder = "assets/s/" + name + ".chunks";
    CHECK(git::test::stock_git(world.repository.path(), {"rev-parse", tree.hex() + ":" + folder}) == golden.at(name));
    CHECK((cat(world, tree, folder + "/") == content));
    CHECK((world.content(view, "assets/s/" + name) == content));
  }
}

TEST_CASE("a file below 1 MiB is a blob, from there on it is a tree of chunks") {
  World world;
  const std::string large = seeded(chunked_size, 12);
  const std::string small = large.substr(1);
  const TreeView view = world.view(world.build([&](TreeBuilder& builder) {
    add(builder, "large", large);
    add(builder, "small", small);
  }));
  const auto files = view.files();
  REQUIRE(files.size() == 2);
  CHECK(files[0].chunked);
  CHECK(files[0].size == chunked_size);
  CHECK_FALSE(files[1].chunked);
  CHECK((world.content(view, "large") == large));
  CHECK((world.content(view, "small") == small));
}

TEST_CASE("a large file keeps its executable bit, and a change of it is a change of the state") {
  World world;
  const std::string content = seeded(1'200'000, 13);
  const Oid plain = build_one(world, "tool", content);
  const Oid executable = build_one(world, "tool", content, 0755);
  CHECK(world.view(plain).files().at(0).mode == 0644);
  CHECK(world.view(executable).files().at(0).mode == 0755);
  CHECK(world.view(executable).find(StatePath::parse("tool")).value().mode == 0755);
  CHECK_FALSE(same_state(*world.repository.objects(), plain, executable));
}

TEST_CASE("names that end in .chunks are not taken for large files") {
  World world;
  const std::string content = seeded(1'200'000, 14);
  const Oid tree = world.build([&](TreeBuilder& builder) {
    add(builder, "a.chunks/b", "small");
    add(builder, "c.chunks", content);
    add(builder, "c", "other");
  });
  world.check_with_git(tree);
  const TreeView view = world.view(tree);
  CHECK(paths(view) == std::vector<std::string>{"a.chunks/b", "c", "c.chunks"});
  CHECK((world.content(view, "c.chunks") == content));
  CHECK(world.content(view, "a.chunks/b") == "small");
  CHECK_FALSE(view.find(StatePath::parse("a")));
}

TEST_CASE("what differs between versions is a file, never its chunks") {
  World world;
  std::string content = seeded(3'000'000, 15);
  const auto snapshot = [&](const Oid& tree) {
    return Snapshot(std::make_shared<const TreeView>(world.repository.objects(), tree));
  };
  const Snapshot small = snapshot(build_one(world, "s/file", "small"));
  const Snapshot large = snapshot(build_one(world, "s/file", content));
  content += "more";
  const Snapshot larger = snapshot(build_one(world, "s/file", content));
  const auto changes = diff(large, larger);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].path.str() == "s/file");
  CHECK(changes[0].kind == FileChange::Kind::changed);
  CHECK(changes[0].old_size == 3'000'000);
  CHECK(changes[0].new_size == 3'000'004);
  const auto grown = diff(small, large);
  REQUIRE(grown.size() == 1);
  CHECK(grown[0].kind == FileChange::Kind::changed);
  CHECK(grown[0].old_size == 5);
  CHECK(grown[0].new_size == 3'000'000);
  std::string read;
  larger.read(StatePath::parse("s/file"), [&](base::ConstBytes piece) { read += base::text_of(piece); });
  CHECK((read == content));
}

TEST_CASE("what is put into a large file costs what it changed") {
  World world;
  std::string file = seeded(20'000'000, 16);
  std::string longer = file;
  longer.insert(10'000'000, "inserted");
  CHECK(added_by(world, file, longer) < 700'000);
  CHECK(added_by(world, longer, longer + "appended") < 700'000);
  std::string pickle = seeded_pickle(20'000'000, 17);
  std::string edited = pickle;
  edited.insert(10'000'000, "inserted");
  CHECK(added_by(world, pickle, edited) < 100'000);
}

TEST_CASE("chunks of zeros are one blob") {
  World world;
  const Oid tree = build_one(world, "zeros", std::string(40'000'000, '\0'));
  std::map<std::string, int> ids;
  for (const Chunk& chunk : chunks_of(world, world.view(tree).files().at(0).id)) ++ids[chunk.id.hex()];
  CHECK(ids.size() <= 2);  // the last one is shorter
}

TEST_CASE("the chunks that differ from another version's are found, by folder and by chunk") {
  World world;
  const std::string before = seeded_database(9'000'000, 18);
  std::string after = before;
  after[5'000'000] = static_cast<char>(after[5'000'000] ^ 1);
  after.resize(9'100'000, 'x');
  for (const auto& [from, to] : {std::pair(before, after), std::pair(after, before), std::pair(before, before),
                                 std::pair(seeded(9'000'000, 19), before)}) {
    const Oid old_tree = world.view(build_one(world, "f", from)).files().at(0).id;
    const Oid new_tree = world.view(build_one(world, "f", to)).files().at(0).id;
    std::string patched = from;
    patched.resize(to.size());
    std::vector<Chunk> changed;
    for_each_other_chunk(*world.repository.objects(), old_tree, new_tree,
                         [&](const Chunk& chunk) { changed.push_back(chunk); });
    for (const Chunk& chunk : changed)
      patched.replace(chunk.offset, chunk.size, read_chunk(*world.repository.objects(), chunk));
    CHECK((patched == to));
    if (from == to) CHECK(changed.empty());
    if (from == before && to == after) CHECK(changed.size() <= 16);
  }
}

TEST_CASE("a source of another length is no file, and the next one is not mixed up with it") {
  World world;
  const std::string file = seeded_pickle(3'000'000, 20);
  git::PackWriter pack(world.repository.objects(), world.repository.objects_folder(), world.context);
  for (const std::uint64_t size : {file.size() - 1, file.size() + 1}) {
    base::MemorySource source(file);
    CHECK(code_of([&] { write_chunks(pack, size, source, false); }) == ErrorCode::corrupt);
  }
  base::MemorySource source(file);
  const Oid tree = write_chunks(pack, file.size(), source, false);
  pack.finish();
  world.repository.objects()->refresh();
  const auto read = read_chunks(world.repository.objects(), tree);
  CHECK((base::read_all(*read, 1 << 30) == file));
}

TEST_CASE("trees that are not of chunks are refused, whatever is wrong with them") {
  World world;
  const std::string part = seeded(200'000, 21);
  const Oid blob = world.blob(part);
  const Oid tiny = world.blob("tiny");
  const Oid none = world.blob("");
  using Entries = std::vector<git::TreeEntry>;
  const auto offset = [](std::size_t at, int digits) {
    char text[32];
    std::snprintf(text, sizeof text, "%0*zx", digits, at);
    return std::string(text);
  };
  Entries good;
  for (std::size_t i = 0; i < 6; ++i) good.push_back({offset(i * part.size(), 8), 0100644, blob});
  const auto in_folder = [&](const Entries& chunks) {
    return world.raw_tree({{offset(0, 12), folder_mode, world.raw_tree(chunks)}});
  };
  const auto code = [&](const Oid& chunks) {
    const Oid tree = world.raw_tree({{"f.chunks", folder_mode, chunks}});
    return code_of([&] {
      world.content(world.view(tree), "f");
      world.view(tree).files();
    });
  };
  const auto with = [&](std::size_t at, const git::TreeEntry& entry) {
    Entries entries = good;
    entries[at] = entry;
    return in_folder(entries);
  };
  CHECK_FALSE(code(in_folder(good)));
  CHECK(code(in_folder({good.begin(), good.begin() + 5})) == ErrorCode::corrupt);  // less than 1 MiB
  CHECK(code(world.raw_tree({})) == ErrorCode::corrupt);
  CHECK(code(in_folder({})) == ErrorCode::corrupt);
  CHECK(code(world.raw_tree(good)) == ErrorCode::corrupt);                                            // no folders
  CHECK(code(in_folder({{good[0].name, folder_mode, world.raw_tree(good)}})) == ErrorCode::corrupt);  // too deep
  CHECK(code(blob) == ErrorCode::corrupt);  // the entry says folder, the object blob
  CHECK(code(world.raw_tree({{offset(1, 12), folder_mode, world.raw_tree(good)}})) == ErrorCode::corrupt);
  CHECK(code(world.raw_tree({{offset(0, 11), folder_mode, world.raw_tree(good)}})) == ErrorCode::corrupt);
  CHECK(code(with(0, {offset(1, 8), 0100644, blob})) == ErrorCode::corrupt);
  CHECK(code(with(1, {offset(part.size() + 1, 8), 0100644, blob})) == ErrorCode::corrupt);  // a gap
  CHECK(code(with(1, {offset(part.size() - 1, 8), 0100644, blob})) == ErrorCode::corrupt);  // an overlap
  CHECK(code(with(0, {"0000000G", 0100644, blob})) == ErrorCode::corrupt);
  CHECK(code(with(0, {"0000000A", 0100644, blob})) == ErrorCode::corrupt);
  CHECK(code(with(2, {good[2].name, 0100755, blob})) == ErrorCode::corrupt);
  CHECK(code(with(2, {good[2].name, 0120000, blob})) == ErrorCode::corrupt);
  CHECK(code(with(5, {good[5].name, 0120000, blob})) == ErrorCode::corrupt);
  CHECK(code(with(2, {good[2].name, 0100644, tiny})) == ErrorCode::corrupt);
  CHECK(code(with(5, {good[5].name, 0100644, none})) == ErrorCode::corrupt);
  CHECK(code(with(2, {good[2].name, 0100644, Oid::parse(std::string(40, '1'))})).has_value());  // missing
  CHECK(code(with(5, {good[5].name, 0100644, Oid::parse(std::string(40, '1'))})) == ErrorCode::corrupt);
  const Oid far = world.raw_tree(
      {{offset(0, 12), folder_mode, world.raw_tree(good)}, {"fffffffffff0", folder_mode, world.raw_tree(good)}});
  CHECK(code(far) == ErrorCode::corrupt);
  const Oid shared = world.raw_tree(
      {{offset(0, 12), folder_mode, world.raw_tree(good)}, {offset(1'000'000, 12), folder_mode, world.raw_tree(good)}});
  CHECK(code(shared) == ErrorCode::corrupt);  // the first folder reaches into the second
}

TEST_CASE("a name that stands for a file both whole and in chunks is refused") {
  World world;
  const TreeView large = world.view(build_one(world, "f", seeded(1'200'000, 22)));
  const Oid chunks = large.files().at(0).id;
  const Oid blob = world.blob("x");
  for (const git::TreeEntry& other :
       {git::TreeEntry{"f", 0100644, blob}, git::TreeEntry{"f", folder_mode, world.raw_tree({{"x", 0100644, blob}})}}) {
    const Oid tree = world.raw_tree({other, {"f.chunks", folder_mode, chunks}});
    CHECK(code_of([&] { world.view(tree).files(); }) == ErrorCode::corrupt);
    CHECK(code_of([&] { world.view(tree).find(StatePath::parse("f")); }) == ErrorCode::corrupt);
    CHECK(code_of([&] {
            diff(Snapshot(std::make_shared<const TreeView>(large)),
                 Snapshot(std::make_shared<const TreeView>(world.view(tree))));
          }) == ErrorCode::corrupt);
  }
  const Oid file = world.raw_tree({{"f.chunks", 0100644, blob}});
  CHECK(code_of([&] { world.view(file).files(); }) == ErrorCode::corrupt);
  const Oid nameless = world.raw_tree({{".chunks", folder_mode, chunks}});
  CHECK(code_of([&] { world.view(nameless).files(); }) == ErrorCode::corrupt);
}
