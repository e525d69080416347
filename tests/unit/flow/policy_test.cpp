#include "archive/archive.hpp"
#include "tiny_instance.hpp"
#include "workbench.hpp"

#include <doctest/doctest.h>

using namespace pod;
using namespace pod::test;

namespace {

/// posix.system("touch /tmp/x")
const std::string hostile = std::string("\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x0ctouch /tmp/x\x85R.");
/// An instance of a class of moto that no manifest holds.
const std::string unknown = std::string("\x80\x04\x8c\x0fmoto.sqs.models\x8c\x0cNoSuchThing_\x93)\x81.");

struct Judged : Workbench {
  Judged() { instance.set(sqs_file, "queue"); }
  Source source() const { return Source::parse(instance.url()); }
  void import_files(const std::string& content) {
    write_file(path() / "files" / sqs_file, content);
    commit(store(), shop, Source::parse((path() / "files").string()), {.author = ada});
  }
  std::optional<Error> inject(InjectOptions options = {}) {
    options.author = ada;
    options.strategy = Strategy::overwrite;
    return error_of([&] { pod::inject(store(), PodRef::parse("shop"), source(), options); });
  }
  TinyInstance instance;
};

}  // namespace

TEST_CASE_FIXTURE(Judged, "what is posted is what libpod wrote again") {
  import_files(pickled("from elsewhere", 7));
  CHECK_FALSE(inject());
  CHECK(instance.locked()->posted_states == std::vector<std::string>{canonical("from elsewhere")});
}

TEST_CASE_FIXTURE(Judged, "a version that is refused does not touch the instance, trusted or not") {
  import_files(hostile);
  bool asked = false;
  instance.locked()->before_capture = [&] { asked = true; };
  for (const bool trust : {false, true})
    for (const bool dry_run : {false, true}) {
      const auto error = inject({.dry_run = dry_run, .force = true, .trust = trust});
      REQUIRE(error);
      CHECK(error->code() == ErrorCode::refused);
      REQUIRE_FALSE(error->causes().empty());
      CHECK(error->causes()[0].find(sqs_file) != std::string::npos);
      CHECK(error->causes()[0].find("offset ") != std::string::npos);
      CHECK(error->causes()[0].find("system") != std::string::npos);
      CHECK(error->next().find("podgit verify shop:1") != std::string::npos);
      CHECK(error->kept() == "the instance was not changed");
    }
  CHECK(instance.locked()->posted_versions.empty());
  CHECK(store().operations(10).size() == 1);
  CHECK(tidy());
  if (!asked) return;
  FAIL_CHECK("the instance was asked for its state before the verdict");
}

TEST_CASE_FIXTURE(Judged, "what nobody vouches for needs the user's word") {
  import_files(unknown);
  const auto error = inject();
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::refused);
  CHECK(error->next().find("--trust") != std::string::npos);
  CHECK(error->causes().at(0).find("NoSuchThing_") != std::string::npos);
  CHECK(instance.locked()->posted_versions.empty());
  CHECK_FALSE(inject({.trust = true}));
  CHECK(instance.locked()->posted_states.size() == 1);
}

TEST_CASE_FIXTURE(Judged, "a capture of one's own instance needs no word, its import into another store does") {
  instance.set(sqs_file, unknown);
  CHECK(commit(store(), shop, source(), {.author = ada}).verdict == Verdict::review);
  instance.set(sqs_file, "since then");
  CHECK_FALSE(inject());
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, instance.locked()->posted_states.at(0)}});
  // What it held goes back, and what went away by that comes back, without a word.
  pod::undo(store(), ada, {}, false);
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "since then"}});
  pod::undo(store(), ada, {}, false);
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, instance.locked()->posted_states.at(0)}});

  export_version(store(), PodRef::parse("shop"), path() / "shop.zip", false);
  Store second = Store::init(path() / "second");
  CHECK(commit(second, shop, Source::parse((path() / "shop.zip").string()), {.author = ada}).verdict ==
        Verdict::review);
  const auto error = error_of([&] { pod::inject(second, PodRef::parse("shop"), source(), {.author = ada}); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::refused);
}

TEST_CASE_FIXTURE(Judged, "an archive is judged and written again where there is no store") {
  const auto write_archive = [&](const std::string& content) {
    archive::Writer writer(path() / "state.zip", archive::Format::zip, {});
    writer.add(StatePath::parse(sqs_file), content);
    writer.finish();
  };
  const auto import = [&](bool trust) {
    return error_of([&] { import_state(path() / "state.zip", source(), Strategy::overwrite, false, trust); });
  };
  write_archive(pickled("from elsewhere", 2));
  CHECK_FALSE(import(false));
  CHECK(instance.locked()->posted_states == std::vector<std::string>{canonical("from elsewhere")});
  write_archive(hostile);
  REQUIRE(import(true));
  CHECK(import(true)->code() == ErrorCode::refused);
  write_archive(unknown);
  REQUIRE(import(false));
  CHECK_FALSE(import(true));
}

TEST_CASE_FIXTURE(Judged, "state that is no pickle goes as it is") {
  const std::string json_file = "api_states/000000000000/sqs/us-east-1/store.json";
  write_file(path() / "files" / json_file, "{\"b\": 1, \"a\": 2}");
  commit(store(), shop, Source::parse((path() / "files").string()), {.author = ada});
  CHECK_FALSE(inject());
  CHECK(instance.files() == TinyInstance::Files{{json_file, "{\"b\": 1, \"a\": 2}"}});
}

TEST_CASE_FIXTURE(Judged, "changes that clients make between safety version and post are not lost") {
  commit(store(), shop, source(), {.author = ada});
  instance.set(sqs_file, "later");
  int posts = 0;
  instance.locked()->before_post = [&] {
    if (++posts <= 2) instance.set(sqs_file, "even later " + std::to_string(posts));
  };
  CHECK_FALSE(inject());
  CHECK(posts == 3);
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue"}});
  CHECK(store().operations(10).size() == 2);
  pod::undo(store(), ada, {}, false);
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "even later 2"}});
  CHECK(sound());
  CHECK(tidy());
}

TEST_CASE_FIXTURE(Judged, "an instance that never rests is left alone") {
  commit(store(), shop, source(), {.author = ada});
  instance.set(sqs_file, "later");
  const std::string refs_before = refs();
  int posts = 0;
  instance.locked()->before_post = [&] { instance.set(sqs_file, "even later " + std::to_string(++posts)); };
  const auto error = inject();
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::busy);
  CHECK(posts == 5);
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "even later 5"}});
  CHECK(store().operations(10).size() == 1);
  CHECK(refs() == refs_before);
  CHECK(tidy());
}
