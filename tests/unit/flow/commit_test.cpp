#include "digest/digest.hpp"
#include "tiny_instance.hpp"
#include "workbench.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace pod;
using namespace pod::test;

namespace {

std::string blob_path(const std::string& content) {
  const std::string name = digest::hex(digest::sha256(content));
  return "assets/s3/blobs/" + name.substr(0, 2) + "/" + name;
}

}  // namespace

TEST_CASE("committing a folder keeps its files byte for byte") {
  Workbench bench;
  write_file(bench.path() / "state" / sqs_file, std::string("queue\0one", 9));
  write_file(bench.path() / "state/metadata.yaml", "name: x\n");
  const auto result = commit(bench.store(), shop, Source::parse((bench.path() / "state").string()), {.author = ada});
  CHECK(result.created);
  CHECK(result.version->number == 1);
  CHECK(result.files == 2);
  CHECK(result.bytes == 17);
  CHECK(result.bytes_added > 0);
  CHECK(result.changes.size() == 2);
  CHECK(result.changes[0].kind == FileChange::Kind::added);
  CHECK(bench.content("shop:1")[sqs_file] == std::string("queue\0one", 9));
  CHECK(bench.content("shop:1")["metadata.yaml"] == "name: x\n");
  CHECK(bench.history()[0].message.find("Files of ") == 0);
  CHECK(bench.tidy());
  CHECK(bench.sound());
}

TEST_CASE("nothing changed makes no version and keeps nothing") {
  Workbench bench;
  write_file(bench.path() / "state" / sqs_file, "queue");
  const Source source = Source::parse((bench.path() / "state").string());
  commit(bench.store(), shop, source, {.author = ada});
  const std::size_t packs = bench.packs();
  const auto again = commit(bench.store(), shop, source, {.author = ada});
  CHECK_FALSE(again.created);
  CHECK(again.version->number == 1);
  CHECK(again.bytes_added == 0);
  CHECK(again.changes.empty());
  CHECK(bench.packs() == packs);
  CHECK(bench.store().operations(10).size() == 1);
  CHECK(bench.tidy());
}

TEST_CASE("a change makes a version that names what changed") {
  Workbench bench;
  const fs::path state = bench.path() / "state";
  write_file(state / sqs_file, "queue");
  write_file(state / s3_file, "bucket");
  commit(bench.store(), shop, Source::parse(state.string()), {.author = ada});
  write_file(state / sqs_file, "longer queue");
  fs::remove_all(state / "api_states/000000000000/s3");
  const auto result = commit(bench.store(), shop, Source::parse(state.string()), {.message = "second", .author = ada});
  CHECK(result.created);
  CHECK(result.version->number == 2);
  CHECK(result.version->subject() == "second");
  REQUIRE(result.changes.size() == 2);
  CHECK(result.changes[0].path.str() == s3_file);
  CHECK(result.changes[0].kind == FileChange::Kind::removed);
  CHECK(result.changes[1].kind == FileChange::Kind::changed);
  CHECK(result.changes[1].old_size == 5);
  CHECK(result.changes[1].new_size == 12);
  CHECK(bench.sound());
}

TEST_CASE("a dry run of a commit tells the changes and keeps nothing") {
  Workbench bench;
  const fs::path state = bench.path() / "state";
  write_file(state / sqs_file, "queue");
  const auto first = commit(bench.store(), shop, Source::parse(state.string()), {.dry_run = true});
  CHECK_FALSE(first.created);
  CHECK_FALSE(first.version);
  CHECK(first.changes.size() == 1);
  CHECK(bench.store().pods().empty());

  commit(bench.store(), shop, Source::parse(state.string()), {.author = ada});
  const std::size_t packs = bench.packs();
  write_file(state / sqs_file, "other");
  const auto second = commit(bench.store(), shop, Source::parse(state.string()), {.dry_run = true});
  REQUIRE(second.changes.size() == 1);
  CHECK(second.changes[0].kind == FileChange::Kind::changed);
  CHECK(bench.history().size() == 1);
  CHECK(bench.packs() == packs);
  CHECK(bench.tidy());
}

TEST_CASE("only the services that were asked for are committed from files") {
  Workbench bench;
  const fs::path state = bench.path() / "state";
  write_file(state / sqs_file, "queue");
  write_file(state / s3_file, "bucket");
  commit(bench.store(), shop, Source::parse(state.string()), {.author = ada, .services = {"s3"}});
  CHECK(bench.content("shop").size() == 1);
  CHECK(bench.content("shop").contains(s3_file));
  const auto error =
      error_of([&] { commit(bench.store(), shop, Source::parse(state.string()), {.services = {"iam"}}); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::not_found);
}

TEST_CASE("an instance is committed with what it says of itself") {
  Workbench bench;
  TinyInstance instance;
  instance.set(sqs_file, "queue");
  const auto result = commit(bench.store(), shop, Source::parse(instance.url()), {.author = ada});
  CHECK(result.created);
  CHECK(result.info.captured == std::vector<std::string>{"sqs"});
  CHECK(result.info.empty == std::vector<std::string>{"s3", "sns"});
  CHECK(result.info.emulator.name == "moto");
  const Snapshot snapshot = bench.store().snapshot(*result.version);
  CHECK(snapshot.info() == result.info);
  CHECK(bench.content("shop") == TinyInstance::Files{{sqs_file, "queue"}});
  CHECK(result.version->message.find("State of " + instance.url()) == 0);
  CHECK(bench.tidy());
  CHECK(bench.sound());
}

TEST_CASE("blobs that the latest version has are not sent again and stay in the tree") {
  Workbench bench;
  TinyInstance instance;
  const std::string body(10000, 'b');
  instance.set(s3_file, "bucket");
  instance.set(blob_path(body), body);
  commit(bench.store(), shop, Source::parse(instance.url()), {.author = ada});
  CHECK(instance.locked()->omitted == 0);
  instance.set(s3_file, "bucket with a new object");
  const std::string more(20000, 'c');
  instance.set(blob_path(more), more);
  const auto second = commit(bench.store(), shop, Source::parse(instance.url()), {.author = ada});
  CHECK(instance.locked()->omitted == 1);
  CHECK(second.changes.size() == 2);
  CHECK(bench.content("shop:2") == instance.files());
  CHECK(bench.sound());
}

TEST_CASE("a service that fails is named and the others make a version") {
  Workbench bench;
  TinyInstance instance;
  instance.set(sqs_file, "queue");
  instance.set(s3_file, "bucket");
  instance.locked()->unsavable = {"s3"};
  const auto result = commit(bench.store(), shop, Source::parse(instance.url()), {.author = ada});
  CHECK(result.created);
  CHECK(result.partial());
  REQUIRE(result.info.failed.size() == 1);
  CHECK(result.info.failed[0].service == "s3");
  CHECK(bench.content("shop").size() == 1);
}

TEST_CASE("an instance that can save nothing makes no version") {
  Workbench bench;
  TinyInstance instance;
  instance.set(sqs_file, "queue");
  instance.locked()->unsavable = {"s3", "sns", "sqs"};
  const auto error = error_of([&] { commit(bench.store(), shop, Source::parse(instance.url()), {.author = ada}); });
  REQUIRE(error);
  CHECK(error->causes().size() == 3);
  CHECK(bench.store().pods().empty());
  CHECK(bench.tidy());
}

TEST_CASE("what another commits during the capture becomes the parent") {
  Workbench bench;
  TinyInstance instance;
  instance.set(sqs_file, "queue");
  const fs::path other = bench.path() / "other";
  write_file(other / sqs_file, "other queue");
  bool once = false;
  instance.locked()->before_capture = [&] {
    if (once) return;
    once = true;
    Store second = bench.open_again();
    commit(second, shop, Source::parse(other.string()), {.message = "other", .author = ada});
  };
  const auto result = commit(bench.store(), shop, Source::parse(instance.url()), {.author = ada});
  CHECK(result.version->number == 2);
  CHECK(bench.history().size() == 2);
  CHECK(bench.history()[1].subject() == "other");
  CHECK(bench.content("shop") == instance.files());
  CHECK(bench.tidy());
  CHECK(bench.sound());
}

TEST_CASE("the same state committed by another during the capture makes no second version") {
  Workbench bench;
  TinyInstance instance;
  instance.set(sqs_file, "queue");
  const fs::path other = bench.path() / "other";
  write_file(other / sqs_file, canonical("queue"));
  bool once = false;
  instance.locked()->before_capture = [&] {
    if (std::exchange(once, true)) return;
    Store second = bench.open_again();
    commit(second, shop, Source::parse(other.string()), {.author = ada});
  };
  const auto result = commit(bench.store(), shop, Source::parse(instance.url()), {.author = ada});
  CHECK_FALSE(result.created);
  CHECK(bench.history().size() == 1);
  CHECK(bench.tidy());
}

TEST_CASE("many commits at once all succeed in some order") {
  Workbench bench;
  constexpr int writers = 6;
  std::vector<std::thread> threads;
  for (int i = 0; i < writers; ++i) {
    const fs::path state = bench.path() / ("state" + std::to_string(i));
    write_file(state / sqs_file, "queue " + std::to_string(i));
    threads.emplace_back([&bench, state] {
      Store store = bench.open_again();
      commit(store, shop, Source::parse(state.string()), {.author = ada});
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto history = bench.history();
  REQUIRE(history.size() == writers);
  CHECK(history[0].number == writers);
  CHECK(bench.tidy());
  CHECK(bench.sound());
}

TEST_CASE("a commit that is stopped during the capture keeps nothing") {
  Workbench bench;
  TinyInstance instance;
  instance.set(sqs_file, "queue");
  CancelToken stop;
  Context context;
  context.cancel = &stop;
  instance.locked()->before_capture = [&] { stop.cancel(); };
  const auto error =
      error_of([&] { commit(bench.store(), shop, Source::parse(instance.url()), {.author = ada}, context); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::cancelled);
  CHECK(bench.store().pods().empty());
  CHECK(bench.store().operations(1).empty());
  CHECK(bench.tidy());
}

namespace {

/// A folder with state files, whose times are old enough to be believed.
Source settled_folder(const Workbench& bench) {
  write_file(bench.path() / "state" / sqs_file, pickled("queue"));
  write_file(bench.path() / "state" / s3_file, pickled("bucket"));
  write_file(bench.path() / "state/assets/s3/notes.txt", "an asset");
  write_file(bench.path() / "state/evil.pkl", "cos\nsystem\n(S'true'\ntR.");
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  return Source::parse((bench.path() / "state").string());
}

std::vector<fs::path> caches(const fs::path& store) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(store / "pod/stat")) found.push_back(entry.path());
  return found;
}

}  // namespace

TEST_CASE("files that did not change are not read again, and their models and verdicts stay") {
  Workbench bench;
  const Source source = settled_folder(bench);
  CommitResult first = commit(bench.store(), shop, source, {.author = ada});
  CHECK(first.verdict == Verdict::refuse);
  const CommitResult same = commit(bench.store(), shop, source, {.author = ada});
  CHECK_FALSE(same.created);
  CHECK(same.files == 4);
  CHECK(same.bytes == first.bytes);
  CHECK(same.verdict == Verdict::refuse);

  write_file(bench.path() / "state" / sqs_file, pickled("another queue"));
  const CommitResult second = commit(bench.store(), shop, source, {.author = ada});
  CHECK(second.created);
  CHECK(second.changes.size() == 1);
  CHECK(second.verdict == Verdict::refuse);
  // A store that knows nothing of the folder makes the same tree.
  Store other = Store::init(bench.path() / "other");
  CHECK(commit(other, shop, source, {.author = ada}).version->tree == second.version->tree);
  CHECK(bench.sound());
}

TEST_CASE("what another store, or nobody, wrote about a folder does no harm") {
  Workbench bench;
  const Source source = settled_folder(bench);
  const Oid tree = commit(bench.store(), shop, source, {.author = ada}).version->tree;
  REQUIRE(caches(bench.path() / "store").size() == 1);
  const fs::path cache = caches(bench.path() / "store")[0];

  SUBCASE("its objects are not here") {}
  SUBCASE("it is cut") { fs::resize_file(cache, fs::file_size(cache) / 2); }
  SUBCASE("it is noise") { write_file(cache, std::string(5000, 'x')); }
  SUBCASE("it is empty") { write_file(cache, ""); }
  Workbench other;
  fs::create_directories(other.path() / "store/pod/stat");
  fs::copy_file(cache, other.path() / "store/pod/stat" / cache.filename());
  const CommitResult result = commit(other.store(), shop, source, {.author = ada});
  CHECK(result.version->tree == tree);
  CHECK(other.content("shop:1")[sqs_file] == "queue");
  CHECK(other.sound());
}

TEST_CASE("a pod of its own is made of a folder that another pod knows") {
  Workbench bench;
  const Source source = settled_folder(bench);
  const CommitResult first = commit(bench.store(), shop, source, {.author = ada});
  const CommitResult second = commit(bench.store(), PodName::parse("other"), source, {.author = ada});
  CHECK(second.created);
  CHECK(second.version->tree == first.version->tree);
  CHECK(second.resources_added == first.resources_added);
  CHECK(second.changes.size() == 4);
}
