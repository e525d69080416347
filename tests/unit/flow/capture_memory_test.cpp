#include "flow/capture_memory.hpp"

#include "base/files.hpp"
#include "tiny_instance.hpp"
#include "workbench.hpp"

#include <doctest/doctest.h>

using namespace pod;
using namespace pod::flow;
using namespace pod::test;

namespace {

const std::string some_sha = std::string(64, 'a');

KnownCapture entry(const std::string& path, std::uint8_t number) {
  std::array<std::uint8_t, Oid::size> id{};
  id.fill(number);
  KnownCapture out;
  out.key = capture_key(StatePath::parse(path), some_sha);
  out.id = Oid(id);
  out.model = Oid(id);
  out.size = 100u + number;
  out.resources = 3;
  out.digest.fill(number);
  out.verdict = Verdict::review;
  return out;
}

struct Folder {
  Folder() { fs::create_directory(path() / "tmp"); }
  const fs::path& path() const { return folder.path(); }
  CaptureMemory memory(const std::string& maker = "this libpod") const { return {path(), maker}; }
  std::string text() const { return read_text(path() / "captures"); }
  base::TempFolder folder{"/tmp", "captures-"};
};

struct Capturing : Workbench {
  CommitResult capture(const PodName& pod = shop) {
    return commit(store(), pod, Source::parse(instance.url()), {.author = ada});
  }
  fs::path sidecar() const { return path() / "store/pod/captures"; }
  TinyInstance instance;
};

}  // namespace

TEST_CASE_FIXTURE(Folder, "what is remembered of a file is found again by its path and its bytes") {
  const KnownCapture one = entry("a/backend.state", 1);
  memory().save({one, entry("b/backend.state", 2)});
  const CaptureMemory again = memory();
  REQUIRE(again.find(one.key));
  CHECK(*again.find(one.key) == one);
  CHECK_FALSE(again.find(capture_key(StatePath::parse("c/backend.state"), some_sha)));
  CHECK_FALSE(again.find(capture_key(StatePath::parse("a/backend.state"), std::string(64, 'b'))));
  CHECK(again.digest_of(one.id).substr(0, 4) == "0101");
  CHECK(again.digest_of(entry("c", 3).id).empty());
  CHECK(again.made(one.id, one.model));
  CHECK_FALSE(again.made(one.id, entry("b/backend.state", 2).model));
}

TEST_CASE_FIXTURE(Folder, "a newer word on the same file replaces the older one") {
  memory().save({entry("a/backend.state", 1)});
  memory().save({entry("a/backend.state", 2)});
  CHECK(memory().find(entry("a/backend.state", 0).key)->size == 102);
  CHECK_FALSE(memory().made(entry("a", 1).id, entry("a", 1).model));
}

TEST_CASE_FIXTURE(Folder, "it is forgotten where it is damaged, of another libpod or in another folder") {
  const KnownCapture one = entry("a/backend.state", 1);
  memory().save({one});
  REQUIRE(memory().find(one.key));
  CHECK_FALSE(memory("another libpod").find(one.key));
  const Folder other;
  fs::copy_file(path() / "captures", other.path() / "captures");
  CHECK_FALSE(other.memory().find(one.key));

  const std::string good = text();
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    write_file(path() / "captures", bad);
    CAPTURE(at);
    CHECK_FALSE(memory().find(one.key));
    write_file(path() / "captures", good.substr(0, at));
    CHECK_FALSE(memory().find(one.key));
  }
}

TEST_CASE_FIXTURE(Folder, "the oldest are forgotten where there are too many") {
  std::vector<KnownCapture> many;
  for (std::size_t at = 0; at <= CaptureMemory::most; ++at) many.push_back(entry("f" + std::to_string(at), 1));
  memory().save(many);
  CHECK_FALSE(memory().find(many.front().key));
  CHECK(memory().find(many.back().key));
}

TEST_CASE_FIXTURE(Capturing, "a file that an instance sends again is not read again, and the version is the same") {
  instance.set(sqs_file, "queue");
  instance.set(s3_file, "bucket");
  const CommitResult first = capture();
  REQUIRE(fs::exists(sidecar()));
  CHECK_FALSE(capture().created);
  const CommitResult other = capture(PodName::parse("other"));
  CHECK(other.created);
  CHECK(other.version->tree == first.version->tree);
  CHECK(other.resources_added == first.resources_added);
  CHECK(other.bytes_added < 1500);  // at most a commit and the index of its pack
  instance.set(sqs_file, "another queue");
  CHECK(capture().created);
  CHECK(sound());
  SUBCASE("nor with the sidecar gone") {
    const std::string tree = history().front().tree.hex();
    fs::remove(sidecar());
    CHECK_FALSE(capture().created);
    CHECK(history().front().tree.hex() == tree);
  }
  SUBCASE("and what it was before is known when it comes back") {
    instance.set(sqs_file, "queue");
    CHECK(capture().created);
    CHECK(history().front().tree == first.version->tree);
  }
}

TEST_CASE_FIXTURE(Capturing, "a file that is remembered and whose objects are gone is stored again") {
  instance.set(sqs_file, "queue");
  capture();
  const std::string remembered = read_text(sidecar());
  const fs::path elsewhere = path() / "kept";
  fs::rename(path() / "store/objects/pack", elsewhere);
  fs::create_directory(path() / "store/objects/pack");
  fs::remove_all(path() / "store/refs/heads");
  fs::create_directory(path() / "store/refs/heads");
  fs::remove(path() / "store/pod/journal");
  write_file(path() / "store/pod/journal", "");
  Store again = open_again();
  const CommitResult result = commit(again, shop, Source::parse(instance.url()), {.author = ada});
  CHECK(result.created);
  CHECK(read_text(sidecar()) == remembered);
  CHECK(word_in(again.snapshot(*result.version).read(StatePath::parse(sqs_file))) == "queue");
}

TEST_CASE_FIXTURE(Capturing, "where another file of the version before says the same, that one stays") {
  const PodName first = PodName::parse("first");
  instance.set(sqs_file, "queue");
  capture(first);  // remembered, in libpod's writing
  write_file(path() / "files" / sqs_file, pickled("queue", 3));
  commit(store(), shop, Source::parse((path() / "files").string()), {.author = ada});
  CHECK_FALSE(capture().created);
}
