#include "snapshot/snapshot_world.hpp"

#include "digest/digest.hpp"
#include "snapshot/archived.hpp"
#include "snapshot/folder.hpp"

#include <doctest/doctest.h>

using namespace pod::snapshot;
using namespace pod::snapshot::test;
namespace archive = pod::archive;
namespace base = pod::base;
namespace digest = pod::digest;
namespace git = pod::git;
namespace fs = std::filesystem;
using pod::ErrorCode;
using pod::FileEntry;
using pod::Oid;
using pod::SnapshotInfo;
using pod::StatePath;

namespace {

const fs::path real_pod = fs::path(TEST_DATA) / "pods/happy-new-year.zip";

Oid import(World& world, const fs::path& file, const std::function<bool(const StatePath&)>& wanted = {}) {
  archive::Reader reader(file, {}, world.context);
  const SnapshotInfo info = read_info(reader);
  return world.build([&](TreeBuilder& builder) { capture_archive(reader, builder, world.context, wanted); }, info);
}

std::uint64_t export_to(World& world, const Oid& tree, const fs::path& file,
                        const std::function<bool(const FileEntry&)>& wanted = {}) {
  archive::Writer writer(file, archive::format_for(file), world.context);
  const auto files = write_archive(world.view(tree), writer, {"happy-new-year"}, wanted, world.context);
  writer.finish();
  return files;
}

void write_zip(const fs::path& file, const std::vector<std::pair<std::string, std::string>>& entries) {
  archive::Writer writer(file, archive::Format::zip, {});
  for (const auto& [path, content] : entries) writer.add(StatePath::parse(path), content);
  writer.finish();
}

std::vector<std::string> names_in(const fs::path& file) {
  archive::Reader reader(file, {}, {});
  std::vector<std::string> names;
  for (const auto& entry : reader.entries()) names.push_back(entry.path.str() + (entry.folder ? "/" : ""));
  return names;
}

std::string text_in(const fs::path& file, const char* path) {
  archive::Reader reader(file, {}, {});
  return reader.read(path, 1 << 20).value();
}

}  // namespace

TEST_CASE("a real pod is imported byte for byte, and what it says of itself is believed") {
  World world;
  const Oid tree = import(world, real_pod);
  const TreeView view = world.view(tree);
  CHECK(paths(view) == std::vector<std::string>{"api_states/000000000000/s3/global/backend.state",
                                                "api_states/000000000000/s3/us-east-1/store.state", "metadata.yaml"});
  CHECK(digest::hex(digest::sha256(world.content(view, "api_states/000000000000/s3/global/backend.state"))) ==
        "b6ee8ece06df63b0131e2e95873b7f741a49666a9e9cdeb3e19676c8e8d598d1");
  CHECK(world.content(view, "metadata.yaml").starts_with("localstack_ext_version: ''\nlocalstack_version: 2.0.1\n"));
  CHECK(view.info() == SnapshotInfo{1, {"localstack", "2.0.1", ""}, {"s3"}, {}, {}});
  CHECK(tree.hex() == "71079ad377788004ee0575ad0ba99789ee44053a");
  world.check_with_git(tree);
}

TEST_CASE(
    "the export of a real pod holds the same files, each time in the same bytes, and its import is the same tree") {
  World world;
  const Oid tree = import(world, real_pod);
  for (const char* name : {"out.zip", "out.tar.zst"}) {
    const Folder folder;
    CHECK(export_to(world, tree, folder / name) == 3);
    CHECK(export_to(world, tree, folder.path() / (std::string("again-") + name)) == 3);
    CHECK(read_file(folder / name) == read_file(folder.path() / (std::string("again-") + name)));
    for (const char* path : {"api_states/000000000000/s3/global/backend.state",
                             "api_states/000000000000/s3/us-east-1/store.state", "metadata.yaml"})
      CHECK(text_in(folder / name, path) == text_in(real_pod, path));
    CHECK(import(world, folder / name) == tree);
  }
}

TEST_CASE("a version of our own survives an export and an import, with its folders, modes and claims") {
  World world;
  const SnapshotInfo info{1, {"moto", "5.2.1", "3.11"}, {"s3", "sqs"}, {"sns"}, {{"kms", "no"}}};
  const Oid tree = world.build(
      [](TreeBuilder& builder) {
        add(builder, "api_states/0/s3/global/backend.state", git::test::noise(2 << 20));
        add(builder, "api_states/0/sqs/us-east-1/backend.state", "");
        add(builder, "assets/lambda/run.chunks", "#!", 0755);
        builder.add_empty_folder(StatePath::parse("assets/s3/none"));
      },
      info);
  for (const char* name : {"out.zip", "out.tar.zst"}) {
    const Folder folder;
    CHECK(export_to(world, tree, folder / name) == 3);
    CHECK(names_in(folder / name) == std::vector<std::string>{".pod/info.json", "api_states/0/s3/global/backend.state",
                                                              "api_states/0/sqs/us-east-1/backend.state",
                                                              "assets/lambda/run.chunks", "assets/s3/none/",
                                                              "metadata.yaml"});
    CHECK(text_in(folder / name, "metadata.yaml").starts_with("# made by podgit"));
    CHECK(import(world, folder / name) == tree);
  }
}

TEST_CASE("an export of some services speaks for no other") {
  World world;
  const Oid tree = world.build(
      [](TreeBuilder& builder) {
        add(builder, "api_states/0/s3/global/backend.state", "s3");
        add(builder, "api_states/0/sqs/us-east-1/backend.state", "sqs");
      },
      {1, {"moto", "5.2.1", "3.11"}, {"s3", "sqs"}, {"sns"}, {{"kms", "no"}}});
  const Folder folder;
  export_to(world, tree, folder / "out.zip", [](const FileEntry& file) { return pod::service_of(file.path) == "s3"; });
  CHECK(names_in(folder / "out.zip") ==
        std::vector<std::string>{".pod/info.json", "api_states/0/s3/global/backend.state", "metadata.yaml"});
  CHECK(parse_info(text_in(folder / "out.zip", ".pod/info.json")) ==
        SnapshotInfo{1, {"moto", "5.2.1", "3.11"}, {"s3"}, {}, {}});
}

TEST_CASE("an archive without any word of itself has the services of its files") {
  const Folder folder;
  World world;
  write_zip(folder / "a.zip", {{"api_states/0/sqs/us-east-1/store.state", "1"}, {"assets/s3/x", "2"}, {"README", "3"}});
  CHECK(world.view(import(world, folder / "a.zip")).info() == SnapshotInfo{1, {}, {"s3", "sqs"}, {}, {}});
  // Metadata that cannot be read changes nothing of that, and stays a file.
  write_zip(folder / "b.zip", {{"assets/s3/x", "2"}, {"metadata.yaml", "services: [[["}});
  const Oid tree = import(world, folder / "b.zip");
  CHECK(world.view(tree).info() == SnapshotInfo{1, {}, {"s3"}, {}, {}});
  CHECK(world.content(world.view(tree), "metadata.yaml") == "services: [[[");
}

TEST_CASE("only an export of ours has its metadata left out") {
  const Folder folder;
  World world;
  const std::string made = "# made by podgit from .pod/info.json\nservices: []\n";
  write_zip(folder / "a.zip", {{"metadata.yaml", made}});
  CHECK(paths(world.view(import(world, folder / "a.zip"))) == std::vector<std::string>{"metadata.yaml"});
  write_zip(folder / "b.zip", {{".pod/info.json", encode_info({})}, {"metadata.yaml", made}});
  CHECK(paths(world.view(import(world, folder / "b.zip"))).empty());
}

TEST_CASE("contents are checked against the list of entries where the archive has one") {
  const Folder folder;
  World world;
  const auto list = [](const std::string& entries) {
    return R"({"format":1,"emulator":{"name":"moto","version":"5.2.1","python":"3.11"},"process":"p","services":{"captured":["s3"],"empty":["sqs"],"failed":[]},"entries":[)" +
           entries + "]}";
  };
  const auto entry = [](const std::string& path, std::size_t size, const std::string& sha256, bool omitted = false) {
    return R"({"path":")" + path + R"(","size":)" + std::to_string(size) + R"(,"sha256":")" + sha256 +
           R"(","omitted":)" + (omitted ? "true}" : "false}");
  };
  const std::string path = "api_states/0/s3/global/backend.state";
  const std::string good = digest::hex(digest::sha256("state"));
  const auto code = [&](const std::string& capture, const std::string& content = "state") -> std::optional<ErrorCode> {
    write_zip(folder / "a.zip", {{path, content}, {".pod/capture.json", capture}});
    const auto error = error_of([&] { import(world, folder / "a.zip"); });
    return error ? std::optional(error->code()) : std::nullopt;
  };
  CHECK(code(list(entry(path, 5, good))) == std::nullopt);
  CHECK(code(list(entry(path, 5, good) + "," + entry("assets/s3/blobs/aa/x", 5, good, true))) == std::nullopt);
  CHECK(world.view(import(world, folder / "a.zip")).info() ==
        SnapshotInfo{1, {"moto", "5.2.1", "3.11"}, {"s3"}, {"sqs"}, {}});
  CHECK(code(list(entry(path, 5, good)), "STATE") == ErrorCode::corrupt);
  CHECK(code(list(entry(path, 6, good))) == ErrorCode::corrupt);
  CHECK(code(list(entry(path, 5, good) + "," + entry("missing", 1, good))) == ErrorCode::corrupt);
  CHECK(code(list(entry(path, 5, good) + "," + entry(path, 5, good))) == ErrorCode::corrupt);
  CHECK(code(list("")) == ErrorCode::corrupt);
  CHECK(code(list(entry(path, 5, good, true))) == ErrorCode::corrupt);
  CHECK(code("{}") == ErrorCode::corrupt);
}

TEST_CASE("only the files that are wanted are taken from an archive") {
  const Folder folder;
  World world;
  write_zip(folder / "a.zip", {{"assets/s3/x", "1"}, {"assets/sqs/x", "2"}, {"metadata.yaml", "x"}});
  const auto wanted = [](const StatePath& path) { return pod::service_of(path) == "sqs"; };
  CHECK(paths(world.view(import(world, folder / "a.zip", wanted))) == std::vector<std::string>{"assets/sqs/x"});
}

TEST_CASE("a blob that is not what its path says is refused in an archive, too") {
  const Folder folder;
  World world;
  const std::string digest(64, 'a');
  write_zip(folder / "a.zip", {{"assets/s3/blobs/aa/" + digest, "anything"}});
  CHECK(error_of([&] { import(world, folder / "a.zip"); }).value().code() == ErrorCode::corrupt);
}
