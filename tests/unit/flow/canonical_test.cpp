#include "flow/state_models.hpp"
#include "metamodel/metamodel.hpp"
#include "snapshot/tree_view.hpp"
#include "tiny_instance.hpp"
#include "workbench.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace pod;
using namespace pod::test;

namespace {

struct Capturing : Workbench {
  CommitResult capture() { return commit(store(), shop, Source::parse(instance.url()), {.author = ada}); }
  CommitResult import_files(const std::string& content, const std::string& file = sqs_file) {
    fs::remove_all(path() / "files");
    write_file(path() / "files" / file, content);
    return commit(store(), shop, Source::parse((path() / "files").string()), {.author = ada});
  }
  std::string stored(const std::string& ref, const std::string& file = sqs_file) {
    return store().snapshot(store().resolve(PodRef::parse(ref))).read(StatePath::parse(file));
  }
  std::optional<StateReading> model(const std::string& ref, const std::string& file = sqs_file) {
    const Snapshot snapshot = store().snapshot(store().resolve(PodRef::parse(ref)));
    const StatePath state = StatePath::parse(file);
    const auto text = snapshot.view().own_file(metamodel::model_path(state).value(), 1 << 20);
    if (!text) return std::nullopt;
    return metamodel::decode(*text, state).reading;
  }
  TinyInstance instance;
};

}  // namespace

TEST_CASE_FIXTURE(Capturing,
                  "what an instance wrote is stored in libpod's writing, and the same state is no new version") {
  instance.set(sqs_file, "queue");
  CHECK(capture().created);
  CHECK(stored("shop") == canonical("queue"));
  instance.locked()->noise = 5;  // another process: other bytes, the same state
  CHECK_FALSE(capture().created);
  instance.set(sqs_file, "another queue");
  CHECK(capture().created);
  CHECK(stored("shop:2") == canonical("another queue"));
  CHECK(sound());
}

TEST_CASE_FIXTURE(Capturing, "a capture that says what the import before it says is no new version") {
  import_files(pickled("queue", 3));
  CHECK(stored("shop") == pickled("queue", 3));
  instance.set(sqs_file, "queue");
  CHECK_FALSE(capture().created);
  instance.set(s3_file, "bucket");
  CHECK(capture().created);
  CHECK(stored("shop:2") == pickled("queue", 3));
  CHECK(stored("shop:2", s3_file) == canonical("bucket"));
}

TEST_CASE_FIXTURE(Capturing, "what cannot be read is stored as it came and marked") {
  const std::string cut = pickled("queue").substr(0, 12);
  instance.set(sqs_file, cut);
  const auto result = capture();
  CHECK(stored("shop") == cut);
  CHECK(result.verdict == Verdict::refuse);
  REQUIRE(model("shop"));
  CHECK_FALSE(model("shop")->not_read.empty());
  CHECK(model("shop")->verdict == Verdict::refuse);
}

TEST_CASE_FIXTURE(Capturing, "each version says what its state files hold, imports too") {
  import_files(pickled("queue", 3));
  const auto reading = model("shop");
  REQUIRE(reading);
  CHECK(reading->service == "sqs");
  CHECK(reading->region == "us-east-1");
  CHECK(reading->format == "pickle");
  CHECK(reading->bytes == pickled("queue", 3).size());
  CHECK(reading->not_read.empty());
  CHECK(reading->verdict == Verdict::accept);
  instance.set(sqs_file, "queue");
  instance.set(s3_file, "bucket");
  capture();
  CHECK(model("shop:2")->digest == reading->digest);
  CHECK(model("shop:2", s3_file)->service == "s3");
  SUBCASE("in files of their own under one triple") {
    const std::string other = "api_states/000000000000/sqs/us-east-1/messages.state";
    import_files(pickled("messages"), other);
    CHECK(model("shop:3", other)->digest != reading->digest);
    const Snapshot snapshot = store().snapshot(store().resolve(PodRef::parse("shop")));
    CHECK(
        snapshot.view().own_file(StatePath::parse(".pod/metamodel/000000000000/sqs/us-east-1.messages.json"), 1 << 20));
  }
  SUBCASE("which are no files of the snapshot") {
    CHECK(store().snapshot(store().resolve(PodRef::parse("shop"))).files().size() == 2);
  }
}

TEST_CASE_FIXTURE(Capturing, "a snapshot of a source lies in no store and lives as long as its copies") {
  instance.set(sqs_file, "queue");
  const auto inner = [&] {
    const Snapshot snapshot = snapshot_of(Source::parse(instance.url()));
    return Snapshot(snapshot);
  }();
  CHECK(word_in(inner.read(StatePath::parse(sqs_file))) == "queue");
  CHECK(inventory(inner).files.size() == 1);
  CHECK(store().pods().empty());
}

TEST_CASE_FIXTURE(Capturing, "whether a file has the bytes at hand is told without reading it, a large one's too") {
  std::string content;
  SUBCASE("a blob") { content.resize(300'000); }
  SUBCASE("a file of chunks") { content.resize(3'000'000); }
  std::mt19937 random(7);
  for (char& byte : content) byte = static_cast<char>(random());
  import_files(content, s3_file);
  for (const auto& [name, pack] : files_below(path() / "store/objects/pack"))
    if (name.ends_with(".pack")) {
      std::string damaged = pack;
      damaged[pack.size() / 2] ^= 1;
      fs::remove(path() / "store/objects/pack" / name);
      write_file(path() / "store/objects/pack" / name, damaged);
    }
  Store again = open_again();
  const Snapshot snapshot = again.snapshot(again.resolve(PodRef::parse("shop")));
  const FileEntry file = snapshot.view().find(StatePath::parse(s3_file)).value();
  CHECK(file.chunked == (content.size() > 1'000'000));
  CHECK_THROWS_AS((void)flow::load(snapshot.view(), file), Error);
  CHECK(flow::has_bytes(snapshot.view(), file, content));
  CHECK_FALSE(flow::has_bytes(snapshot.view(), file, content.substr(1)));
  CHECK_FALSE(flow::has_bytes(snapshot.view(), file, content + "."));
  content.back() ^= 1;
  CHECK_FALSE(flow::has_bytes(snapshot.view(), file, content));
}
