#include "tiny_instance.hpp"
#include "workbench.hpp"

#include <doctest/doctest.h>

using namespace pod;
using namespace pod::test;

namespace {

/// Version 1 holds a queue in us-east-1; the instance goes on from there.
struct Injecting : Workbench {
  Injecting() {
    instance.set(sqs_file, "queue 1");
    commit(store(), shop, source(), {.author = ada});
  }
  Source source() const { return Source::parse(instance.url()); }
  InjectResult inject(InjectOptions options, const std::string& ref = "shop:1", const Context& context = {}) {
    options.author = ada;
    return pod::inject(store(), PodRef::parse(ref), source(), options, context);
  }
  UndoResult undo() { return pod::undo(store(), ada, {}, false); }
  TinyInstance instance;
};

const ServiceOutcome& outcome_of(const std::vector<ServiceOutcome>& outcomes, const std::string& service) {
  for (const ServiceOutcome& outcome : outcomes)
    if (outcome.service == service) return outcome;
  throw std::runtime_error("no outcome for " + service);
}

}  // namespace

TEST_CASE_FIXTURE(Injecting, "overwrite makes the instance the version and undo brings back what it held") {
  instance.set(sqs_file, "queue 2");
  instance.set(s3_file, "a bucket made since");
  const auto before = instance.files();
  const auto result = inject({.strategy = Strategy::overwrite});
  CHECK(result.version.number == 1);
  CHECK(result.safety_version);
  CHECK_FALSE(result.partial());
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 1"}});
  CHECK(instance.locked()->posted_versions.back() == "shop:1");
  CHECK(tidy());
  CHECK(sound());

  const auto undone = undo();
  CHECK(undone.undone.verb == "inject");
  CHECK(undone.operation.undoes == undone.undone.id);
  CHECK(instance.files() == before);

  SUBCASE("and undo again injects again") {
    undo();
    CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 1"}});
    undo();
    CHECK(instance.files() == before);
    CHECK(sound());
  }
}

TEST_CASE_FIXTURE(Injecting, "account-region-merge leaves other accounts and regions and empty services alone") {
  instance.set(sqs_file, "queue 2");
  instance.set(sqs_west, "western queue");
  instance.set(s3_file, "bucket");
  const auto before = instance.files();
  inject({.strategy = Strategy::account_region_merge});
  CHECK(instance.files() ==
        TinyInstance::Files{{sqs_file, "queue 1"}, {sqs_west, "western queue"}, {s3_file, "bucket"}});
  undo();
  CHECK(instance.files() == before);
}

TEST_CASE_FIXTURE(Injecting, "services that were not asked for stay as they are") {
  instance.set(s3_file, "bucket");
  commit(store(), shop, source(), {.author = ada});
  instance.set(sqs_file, "queue 3");
  instance.set(s3_file, "bucket 3");
  inject({.strategy = Strategy::overwrite, .services = {"s3"}}, "shop:2");
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 3"}, {s3_file, "bucket"}});
  const auto error = error_of([&] { inject({.services = {"kinesis"}}, "shop:2"); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::not_found);
}

TEST_CASE_FIXTURE(Injecting, "a service that a version does not speak for is never touched") {
  instance.set(s3_file, "bucket");
  instance.locked()->unsavable = {"s3"};
  instance.set(sqs_file, "queue 2");
  commit(store(), shop, source(), {.author = ada});
  instance.locked()->unsavable.clear();
  instance.set(sqs_file, "queue 3");
  inject({.strategy = Strategy::overwrite}, "shop:2");
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 2"}, {s3_file, "bucket"}});
}

TEST_CASE_FIXTURE(Injecting, "a dry run tells what would change and changes nothing") {
  instance.set(sqs_file, "queue 2");
  instance.set(s3_file, "bucket");
  const auto before = instance.files();
  const std::size_t operations = store().operations(10).size();

  const auto merged = inject({.strategy = Strategy::account_region_merge, .dry_run = true});
  REQUIRE(merged.changes.size() == 1);
  CHECK(merged.changes[0].path.str() == sqs_file);
  CHECK(merged.changes[0].kind == FileChange::Kind::changed);

  const auto overwritten = inject({.strategy = Strategy::overwrite, .dry_run = true});
  REQUIRE(overwritten.changes.size() == 2);
  CHECK(overwritten.changes[0].path.str() == s3_file);
  CHECK(overwritten.changes[0].kind == FileChange::Kind::removed);

  CHECK(instance.files() == before);
  CHECK(instance.locked()->posted_versions.empty());
  CHECK(store().operations(10).size() == operations);
  CHECK(tidy());
}

TEST_CASE_FIXTURE(Injecting, "another emulator version is refused unless forced") {
  instance.set(sqs_file, "queue 2");
  instance.locked()->emulator_version = "6.0.0";
  const auto error = error_of([&] { inject({}); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::incompatible);
  CHECK(error->causes().at(0).find("5.2.1") != std::string::npos);
  CHECK(error->causes().at(0).find("6.0.0") != std::string::npos);
  CHECK(error->next().find("--force") != std::string::npos);
  CHECK(instance.locked()->posted_versions.empty());
  inject({.force = true});
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 1"}});
}

TEST_CASE_FIXTURE(Injecting, "another format is refused") {
  instance.locked()->format = 2;
  const auto error = error_of([&] { inject({}); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::incompatible);
}

TEST_CASE_FIXTURE(Injecting, "files that do not say which emulator wrote them go in with a warning") {
  write_file(path() / "state" / sqs_file, pickled("from a folder"));
  commit(store(), PodName::parse("other"), Source::parse((path() / "state").string()), {.author = ada});
  Warnings warnings;
  Context context;
  context.progress = &warnings;
  inject({}, "other", context);
  CHECK(warnings.text.find("does not say") != std::string::npos);
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "from a folder"}});
}

TEST_CASE_FIXTURE(Injecting, "a folder that holds no state is refused") {
  write_file(path() / "notes/readme.txt", "hello");
  commit(store(), PodName::parse("notes"), Source::parse((path() / "notes").string()), {.author = ada});
  const auto error = error_of([&] { inject({}, "notes"); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::incompatible);
  CHECK(instance.locked()->posted_versions.empty());
}

TEST_CASE_FIXTURE(Injecting, "strategies that need a merge are refused") {
  for (const Strategy strategy : {Strategy::service_merge, Strategy::deep}) {
    const auto error = error_of([&] { inject({.strategy = strategy}); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::unsupported);
  }
}

TEST_CASE_FIXTURE(Injecting, "a refused inject leaves the instance and the journal as they were") {
  instance.set(sqs_file, "queue 2");
  instance.locked()->refuse_posts = true;
  const auto operations = store().operations(10).size();
  const std::string refs = this->refs();
  const auto error = error_of([&] { inject({}); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::refused);
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 2"}});
  CHECK(store().operations(10).size() == operations);
  CHECK(this->refs() == refs);
  CHECK(tidy());
  CHECK(sound());
}

TEST_CASE_FIXTURE(Injecting, "a refused inject leaves the safety version of the one before") {
  instance.set(sqs_file, "queue 2");
  inject({});
  instance.set(sqs_file, "queue 3");
  instance.locked()->refuse_posts = true;
  const std::string refs = this->refs();
  CHECK_THROWS_AS(inject({}), Error);
  CHECK(this->refs() == refs);
  instance.locked()->refuse_posts = false;
  undo();
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 2"}});
}

TEST_CASE_FIXTURE(Injecting, "a lost answer is told as unknown and can be undone") {
  instance.set(sqs_file, "queue 2");
  instance.locked()->lose_answer = true;
  const auto error = error_of([&] { inject({}); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::outcome_unknown);
  CHECK(error->kept().find("undo") != std::string::npos);
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 1"}});
  instance.locked()->lose_answer = false;
  undo();
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 2"}});
}

TEST_CASE_FIXTURE(Injecting, "a service that cannot be loaded is named and the others go on") {
  instance.set(s3_file, "bucket");
  commit(store(), shop, source(), {.author = ada});
  instance.set(sqs_file, "queue 3");
  instance.set(s3_file, "bucket 3");
  instance.locked()->unloadable = {"s3"};
  const auto result = inject({.strategy = Strategy::overwrite}, "shop:2");
  CHECK(result.partial());
  CHECK_FALSE(outcome_of(result.services, "s3").ok);
  CHECK(outcome_of(result.services, "sqs").ok);
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 1"}, {s3_file, "bucket 3"}});
}

TEST_CASE_FIXTURE(Injecting, "a service whose present state cannot be saved is left alone") {
  instance.set(s3_file, "bucket");
  commit(store(), shop, source(), {.author = ada});
  instance.set(sqs_file, "queue 3");
  instance.set(s3_file, "bucket 3");
  instance.locked()->unsavable = {"s3"};
  const auto result = inject({.strategy = Strategy::overwrite}, "shop:2");
  CHECK(result.partial());
  CHECK_FALSE(outcome_of(result.services, "s3").ok);
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 1"}, {s3_file, "bucket 3"}});

  SUBCASE("unless no safety version is wanted") {
    const auto forced = inject({.strategy = Strategy::overwrite, .keep_safety_version = false}, "shop:2");
    CHECK_FALSE(forced.partial());
    CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 1"}, {s3_file, "bucket"}});
  }
}

TEST_CASE_FIXTURE(Injecting, "without a safety version there is nothing to go back to") {
  instance.set(sqs_file, "queue 2");
  const auto result = inject({.keep_safety_version = false});
  CHECK_FALSE(result.safety_version);
  const auto error = error_of([&] { undo(); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::not_found);
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 1"}});
}

TEST_CASE_FIXTURE(Injecting, "an inject that is stopped before the post changes nothing") {
  instance.set(sqs_file, "queue 2");
  CancelToken stop;
  Context context;
  context.cancel = &stop;
  instance.locked()->before_capture = [&] { stop.cancel(); };
  const auto error = error_of([&] { inject({}, "shop:1", context); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::cancelled);
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 2"}});
  CHECK(store().operations(1).front().verb == "commit");
  CHECK(tidy());
}

TEST_CASE_FIXTURE(Injecting, "an inject that is stopped during the post can be undone") {
  instance.set(sqs_file, "queue 2");
  CancelToken stop;
  Context context;
  context.cancel = &stop;
  instance.locked()->before_post = [&] { stop.cancel(); };
  const auto error = error_of([&] { inject({}, "shop:1", context); });
  instance.locked()->before_post = {};
  if (error) CHECK(error->kept().find("undo") != std::string::npos);
  undo();
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 2"}});
}

TEST_CASE_FIXTURE(Injecting, "a version that is damaged in the store is not injected") {
  instance.set(sqs_file, "queue 2");
  for (const auto& entry : fs::directory_iterator(path() / "store/objects/pack")) {
    if (entry.path().extension() != ".pack") continue;
    fs::permissions(entry.path(), fs::perms::owner_write, fs::perm_options::add);
    const auto size = fs::file_size(entry.path());
    std::fstream file(entry.path(), std::ios::binary | std::ios::in | std::ios::out);
    for (std::uintmax_t at = 14; at + 20 < size; at += 3) {
      file.seekp(static_cast<std::streamoff>(at));
      file.put('\x5a');
    }
  }
  Store again = open_again();
  const auto error = error_of([&] { pod::inject(again, PodRef::parse("shop:1"), source(), {.author = ada}); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::corrupt);
  CHECK(instance.locked()->posted_versions.empty());
  CHECK(instance.files() == TinyInstance::Files{{sqs_file, "queue 2"}});
}
