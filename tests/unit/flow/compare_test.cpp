#include "tiny_instance.hpp"
#include "workbench.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace pod;
using namespace pod::test;

namespace {

const fs::path data = TEST_DATA;

std::string file_of(const std::string& service) {
  return "api_states/123456789012/" + service + "/us-east-1/backend.state";
}

/// The recorded states of one emulator, before and after something unrelated was added.
struct Comparing : Workbench {
  Snapshot take(const std::string& name) {
    const fs::path folder = path() / name;
    for (const char* service : {"dynamodb", "s3", "sqs"}) {
      fs::create_directories((folder / file_of(service)).parent_path());
      fs::copy_file(data / "states" / name / (std::string(service) + ".state"), folder / file_of(service));
    }
    return snapshot_of(Source::parse(folder.string()));
  }
};

}  // namespace

TEST_CASE_FIXTURE(Comparing, "what was added is named, and nothing else") {
  const Snapshot before = take("before");
  const Snapshot after = take("after");
  const ResourceDiff diff = compare(before, after);
  REQUIRE(diff.resources.size() == 3);
  std::vector<std::string> services;
  for (const ResourceChange& change : diff.resources) {
    CHECK(change.kind == ChangeKind::added);
    services.push_back(change.service);
  }
  CHECK(services == std::vector<std::string>{"dynamodb", "s3", "sqs"});
  // The bucket's empty tags are kept beside the buckets.
  REQUIRE(diff.others.size() == 1);
  CHECK(diff.others[0].path.str() == file_of("s3"));
  REQUIRE(diff.others[0].fields.size() == 1);
  CHECK(diff.others[0].fields[0].kind == ChangeKind::added);
  const ResourceDiff back = compare(after, before, {.fields = false});
  REQUIRE(back.resources.size() == 3);
  CHECK(back.resources[0].kind == ChangeKind::removed);
  CHECK(compare(after, after).empty());
}

TEST_CASE_FIXTURE(Comparing, "services that only one side captured are not compared") {
  TinyInstance instance;
  instance.set(sqs_file, "queue");
  const Snapshot whole = snapshot_of(Source::parse(instance.url()));
  instance.set(s3_file, "bucket");
  const Snapshot part = snapshot_of(Source::parse(instance.url()), {"s3", "sqs"});
  instance.locked()->unsavable = {"sqs"};
  const Snapshot failed = snapshot_of(Source::parse(instance.url()));
  CHECK(compare(whole, part).not_compared == std::vector<std::string>{"sns"});
  CHECK(compare(part, failed).not_compared == std::vector<std::string>{"sns", "sqs"});
}

TEST_CASE_FIXTURE(Comparing, "files that cannot be read are compared as bytes") {
  write_file(path() / "a" / sqs_file, "\x80\x04 broken");
  write_file(path() / "b" / sqs_file, "\x80\x04 broken otherwise");
  const ResourceDiff diff =
      compare(snapshot_of(Source::parse((path() / "a").string())), snapshot_of(Source::parse((path() / "b").string())));
  REQUIRE(diff.others.size() == 1);
  CHECK(diff.others[0].kind == ChangeKind::changed);
  CHECK(diff.others[0].fields.at(0).before == "9 bytes");
}

TEST_CASE_FIXTURE(Comparing, "an inventory is the same from a version's models and from the files") {
  const Snapshot outside = take("before");
  commit(store(), shop, Source::parse((path() / "before").string()), {.author = ada});
  const Inventory kept = inventory(store().snapshot(store().resolve(PodRef::parse("shop"))));
  const Inventory read = inventory(outside);
  REQUIRE(kept.files.size() == 3);
  REQUIRE(read.files.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(kept.files[i].path == read.files[i].path);
    CHECK(kept.files[i].digest == read.files[i].digest);
    CHECK(kept.files[i].resources.size() == read.files[i].resources.size());
    CHECK_FALSE(kept.files[i].resources.empty());
  }
}

TEST_CASE_FIXTURE(Comparing, "a document is walked by its paths, and written as JSON") {
  const Snapshot before = take("before");
  const Document queues = Document::read(before, StatePath::parse(file_of("sqs")));
  const auto top = queues.fields("");
  REQUIRE_FALSE(top.empty());
  const auto found = std::find_if(top.begin(), top.end(), [](const Field& field) { return field.children > 0; });
  REQUIRE(found != top.end());
  CHECK(queues.fields(found->path).size() == found->children);
  CHECK(queues.fields("", 0, 1).size() == 1);
  CHECK(queues.fields("", top.size()).empty());
  const std::string text = queues.json("");
  CHECK(text.size() > 100);
  CHECK(text.back() == '\n');
  CHECK(error_of([&] { queues.json("", false, 100); })->code() == ErrorCode::refused);
  CHECK(error_of([&] { queues.fields("/nothing/here"); })->code() == ErrorCode::not_found);
  CHECK(error_of([&] { Document::read(before, StatePath::parse("no/file")); })->code() == ErrorCode::not_found);
}

TEST_CASE_FIXTURE(Comparing, "every file is judged, whatever it is called") {
  write_file(path() / "files" / sqs_file, pickled("queue"));
  write_file(path() / "files/assets/s3/picture.png", "\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x01x\x85R.");
  write_file(path() / "files/notes.txt", "\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x01x\x85R.");
  const auto judgements = judge(snapshot_of(Source::parse((path() / "files").string())));
  REQUIRE(judgements.size() == 3);
  CHECK(judgements[0].verdict == Verdict::accept);
  CHECK(judgements[1].verdict == Verdict::accept);  // a body: no emulator unpickles it
  CHECK(judgements[2].verdict == Verdict::refuse);
  CHECK_FALSE(judgements[2].concerns.empty());
}
