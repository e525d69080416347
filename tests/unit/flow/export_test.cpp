#include "archive/archive.hpp"
#include "tiny_instance.hpp"
#include "workbench.hpp"

#include <doctest/doctest.h>

using namespace pod;
using namespace pod::test;

namespace {

struct Exporting : Workbench {
  Exporting() {
    write_file(path() / "state" / sqs_file, std::string("queue\0\x80", 7));
    write_file(path() / "state/assets/s3/a b.bin", std::string(300000, 'x'));
    first = commit(store(), shop, Source::parse((path() / "state").string()), {.author = ada});
  }
  /// What a folder holds besides the store and the state.
  std::vector<std::string> beside() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path())) {
      const std::string name = entry.path().filename().string();
      if (name != "store" && name != "state") names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  CommitResult first;
};

/// Ends an archive's life in the middle.
void cut(const fs::path& file) { fs::resize_file(file, fs::file_size(file) / 2); }

}  // namespace

TEST_CASE_FIXTURE(Exporting, "an export gives the same bytes each time and imports to the same state") {
  for (const std::string name : {"a.zip", "a.tar.zst"}) {
    const auto one = export_version(store(), PodRef::parse("shop"), path() / name, false);
    CHECK(one.files >= 2);
    CHECK(one.bytes == fs::file_size(path() / name));
    export_version(store(), PodRef::parse("shop"), path() / ("second-" + name), false);
    CHECK(read_text(path() / name) == read_text(path() / ("second-" + name)));

    const PodName copy = PodName::parse("copy" + std::to_string(name.size()));
    const auto imported =
        commit(store(), copy, Source::parse((path() / name).string()), {.author = ada, .verb = "import"});
    CHECK(imported.created);
    const auto again = export_version(store(), PodRef::latest(copy), path() / ("third-" + name), false);
    CHECK(again.files == one.files);
    for (const auto& [file, content] : content("shop")) CHECK(this->content(copy.str())[file] == content);
  }
  CHECK(store().operations(1).front().verb == "import");
}

TEST_CASE_FIXTURE(Exporting, "a file that is there stays, unless it shall be replaced") {
  write_file(path() / "a.zip", "precious");
  const auto error = error_of([&] { export_version(store(), PodRef::parse("shop"), path() / "a.zip", false); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::already_exists);
  CHECK(read_text(path() / "a.zip") == "precious");
  export_version(store(), PodRef::parse("shop"), path() / "a.zip", true);
  CHECK(read_text(path() / "a.zip").starts_with("PK"));
  CHECK(beside() == std::vector<std::string>{"a.zip"});
}

TEST_CASE_FIXTURE(Exporting, "an export that is stopped leaves nothing") {
  CancelToken stop;
  stop.cancel();
  Context context;
  context.cancel = &stop;
  write_file(path() / "a.zip", "precious");
  CHECK_THROWS_AS(export_version(store(), PodRef::parse("shop"), path() / "a.zip", true, context), Error);
  CHECK(read_text(path() / "a.zip") == "precious");
  CHECK(beside() == std::vector<std::string>{"a.zip"});
}

TEST_CASE_FIXTURE(Exporting, "an export goes to a regular file only") {
  fs::create_directory(path() / "folder");
  const auto error = error_of([&] { export_version(store(), PodRef::parse("shop"), path() / "folder", true); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::refused);
}

TEST_CASE_FIXTURE(Exporting, "what a killed export left is swept by the next one") {
  fs::create_directories(path() / ".a.zip.podgit-abcdefghijkl");
  write_file(path() / ".a.zip.podgit-abcdefghijkl/file", "half");
  export_version(store(), PodRef::parse("shop"), path() / "a.zip", false);
  CHECK(beside() == std::vector<std::string>{"a.zip"});
}

TEST_CASE_FIXTURE(Exporting, "checkout writes the files of a version, all or some") {
  const auto all = checkout(store(), PodRef::parse("shop"), path() / "out", {});
  CHECK(all.files == 2);
  CHECK(files_below(path() / "out") == files_below(path() / "state"));
  const auto some = checkout(store(), PodRef::parse("shop"), path() / "some", {.services = {"sqs"}});
  CHECK(some.files == 1);
  CHECK(files_below(path() / "some").contains(sqs_file));
  const auto dry = checkout(store(), PodRef::parse("shop"), path() / "dry", {.dry_run = true});
  CHECK(dry.files == 2);
  CHECK(dry.bytes == all.bytes);
  CHECK_FALSE(fs::exists(path() / "dry"));
}

TEST_CASE_FIXTURE(Exporting, "checkout replaces a folder only when told to, and says so in a dry run too") {
  write_file(path() / "out/mine.txt", "mine");
  for (const bool dry_run : {true, false}) {
    const auto error =
        error_of([&] { checkout(store(), PodRef::parse("shop"), path() / "out", {.dry_run = dry_run}); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::already_exists);
    CHECK(read_text(path() / "out/mine.txt") == "mine");
  }
  checkout(store(), PodRef::parse("shop"), path() / "out", {.force = true});
  CHECK(files_below(path() / "out") == files_below(path() / "state"));
}

TEST_CASE_FIXTURE(Exporting, "the state of an instance goes to a file and back without a store") {
  TinyInstance instance;
  instance.set(sqs_file, "queue 1");
  instance.set(s3_file, "bucket 1");
  const auto before = instance.files();
  for (const std::string name : {"state.zip", "state.tar.zst"}) {
    const auto exported = export_state(Source::parse(instance.url()), {}, path() / name, false);
    CHECK(exported.files == 2);
    CHECK(exported.bytes == fs::file_size(path() / name));
    CHECK(archive::Reader(path() / name, {}, {}).format() ==
          (name == "state.zip" ? archive::Format::zip : archive::Format::tar_zst));
    instance.set(sqs_file, "queue 2");
    instance.erase(s3_file);
    for (const auto& outcome :
         import_state(path() / name, Source::parse(instance.url()), Strategy::overwrite, false, false))
      CHECK(outcome.ok);
    CHECK(instance.files() == before);
  }
  CHECK(beside() == std::vector<std::string>{"state.tar.zst", "state.zip"});
}

TEST_CASE_FIXTURE(Exporting, "a failed export of an instance leaves the earlier file alone") {
  TinyInstance instance;
  instance.set(sqs_file, "queue 1");
  export_state(Source::parse(instance.url()), {}, path() / "state.zip", false);
  const std::string earlier = read_text(path() / "state.zip");
  instance.locked()->before_capture = [] { throw std::runtime_error("the instance fell over"); };
  CHECK_THROWS_AS(export_state(Source::parse(instance.url()), {}, path() / "state.zip", true), Error);
  CHECK(read_text(path() / "state.zip") == earlier);
  CHECK(beside() == std::vector<std::string>{"state.zip"});
}

TEST_CASE_FIXTURE(Exporting, "a bad archive does not touch the instance") {
  TinyInstance instance;
  instance.set(sqs_file, "queue 1");
  export_state(Source::parse(instance.url()), {}, path() / "state.zip", false);
  instance.set(sqs_file, "queue 2");
  SUBCASE("cut") {
    cut(path() / "state.zip");
    const auto error = error_of(
        [&] { import_state(path() / "state.zip", Source::parse(instance.url()), Strategy::overwrite, false, false); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::corrupt);
  }
  SUBCASE("not an archive") {
    write_file(path() / "state.zip", "<html>not here</html>");
    const auto error = error_of(
        [&] { import_state(path() / "state.zip", Source::parse(instance.url()), Strategy::overwrite, false, false); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::corrupt);
  }
  SUBCASE("without any state") {
    {
      archive::Writer writer(path() / "other.zip", archive::Format::zip, {});
      writer.add(StatePath::parse("readme.txt"), "hello");
      writer.finish();
    }
    const auto error = error_of(
        [&] { import_state(path() / "other.zip", Source::parse(instance.url()), Strategy::overwrite, false, false); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::incompatible);
  }
  SUBCASE("of another emulator") {
    instance.locked()->emulator_version = "9.9.9";
    const auto error = error_of(
        [&] { import_state(path() / "state.zip", Source::parse(instance.url()), Strategy::overwrite, false, false); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::incompatible);
  }
  CHECK(instance.locked()->posted_versions.empty());
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 2"}});
}

TEST_CASE_FIXTURE(Exporting, "reset empties an instance or one of its services") {
  TinyInstance instance;
  instance.set(sqs_file, "queue");
  instance.set(s3_file, "bucket");
  reset_state(Source::parse(instance.url()), {"s3"});
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue"}});
  const auto error = error_of([&] { reset_state(Source::parse(instance.url()), {"nonsense"}); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::not_found);
  reset_state(Source::parse(instance.url()), {});
  CHECK(instance.files().empty());
}

TEST_CASE_FIXTURE(Exporting, "what needs an instance says so when it gets a folder") {
  const Source folder = Source::parse((path() / "state").string());
  CHECK(error_of([&] { reset_state(folder, {}); })->code() == ErrorCode::invalid_argument);
  CHECK(error_of([&] { export_state(folder, {}, path() / "x.zip", false); })->code() == ErrorCode::invalid_argument);
  CHECK(error_of([&] { inject(store(), PodRef::parse("shop"), folder, {}); })->code() == ErrorCode::invalid_argument);
}
