#include "instance/capture.hpp"

#include "base/files.hpp"
#include "instance/state_archive.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

using namespace pod::test;
using pod::Error;
using pod::ErrorCode;
using pod::instance::Capture;
using pod::json::Value;

namespace {

Capture check(const std::string& bytes, const std::vector<std::string>& have = {}) {
  const pod::base::TempFolder folder(std::filesystem::temp_directory_path(), "pod-unit-");
  write_bytes(folder.path() / "a.zip", bytes);
  return pod::instance::check_archive(folder.path() / "a.zip", have, {});
}

/// The code and message with which an archive is refused.
Error refusal(const std::string& bytes, const std::vector<std::string>& have = {}) {
  try {
    check(bytes, have);
  } catch (const Error& error) {
    return error;
  }
  FAIL("accepted");
  throw std::logic_error("not reached");
}

bool corrupt_with(const Error& error, std::string_view part) {
  INFO(error.message());
  CHECK(error.code() == ErrorCode::corrupt);
  return error.message().find(part) != std::string::npos;
}

/// What is said of the shop's archive when its listing was changed.
bool corrupt_when(const std::function<void(Value&)>& change, std::string_view part) {
  return corrupt_with(refusal(archive_of(shop(), change)), part);
}

/// Makes the digest right again after entries were changed.
void sign(Value& listing) {
  std::string lines;
  for (const Value& entry : listing["entries"])
    lines += entry["sha256"].get<std::string>() + " " + entry["path"].get<std::string>() + "\n";
  listing["digest"] = sha256_of(lines);
}

}  // namespace

TEST_CASE("an archive that is what it says is taken with its entries, services and digest") {
  const Capture capture = check(archive_of(shop()));
  CHECK(capture.from_agent);
  CHECK(capture.info.emulator == pod::Emulator{"moto", "5.2.1", "3.11"});
  CHECK(capture.info.captured == std::vector<std::string>{"s3", "sqs"});
  CHECK(capture.info.empty == std::vector<std::string>{"sns"});
  REQUIRE(capture.entries.size() == 3);
  CHECK(capture.entries[0].path.str() == "api_states/000000000000/s3/global/backend.state");
  CHECK(capture.entries[0].size == 7);
  CHECK(capture.entries[0].sha256 == sha256_of("buckets"));
  CHECK(capture.digest == listing_of(shop())["digest"]);
}

TEST_CASE("a state of nothing is a state") {
  const Capture capture = check(archive_of({}));
  CHECK(capture.from_agent);
  CHECK(capture.entries.empty());
  CHECK(capture.digest == sha256_of(""));
}

TEST_CASE("a service that failed is named with its reason") {
  const Capture capture = check(archive_of(shop(), [](Value& listing) {
    listing["services"]["failed"] = Value::array({{{"service", "kms"}, {"reason", "a key that cannot be written"}}});
  }));
  CHECK(capture.info.failed == std::vector<pod::ServiceFailure>{{"kms", "a key that cannot be written"}});
}

TEST_CASE("a blob may be left out where the caller has it") {
  auto files = shop();
  files[2].omitted = true;
  const Capture capture = check(archive_of(files), {"other", sha256_of(files[2].content)});
  CHECK(capture.entries[2].omitted);
  CHECK(capture.digest == listing_of(shop())["digest"]);
}

TEST_CASE("a blob may not be left out where the caller does not have it") {
  auto files = shop();
  files[2].omitted = true;
  CHECK(corrupt_with(refusal(archive_of(files)), "was not to be left out"));
  CHECK(corrupt_with(refusal(archive_of(files), {sha256_of("buckets")}), "was not to be left out"));
}

TEST_CASE("what was changed, added, left out or cut is found") {
  auto changed = shop();
  const Value listing = listing_of(changed);
  const auto as_listed = [&](Value& value) { value = listing; };
  changed[1].content = "Queues";
  CHECK(corrupt_with(refusal(archive_of(changed, as_listed)), "another SHA-256"));
  changed[1].content = "queue";
  CHECK(corrupt_with(refusal(archive_of(changed, as_listed)), "5 bytes of "));
  changed = shop();
  changed.erase(changed.begin() + 1);
  CHECK(corrupt_with(refusal(archive_of(changed, as_listed)),
                     "it lacks \"api_states/000000000000/sqs/us-east-1/backend.state\""));
  changed = shop();
  changed.pop_back();
  CHECK(corrupt_with(refusal(archive_of(changed, as_listed)), "it lacks"));
  for (const char* path : {"api_states/000000000000/a/global/backend.state", "zzz"}) {
    changed = shop();
    changed.push_back({path, "more"});
    CHECK(corrupt_with(refusal(archive_of(changed, as_listed)), "does not list"));
  }
  const std::string whole = archive_of(shop());
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, whole.size() / 2, whole.size() - 1})
    CHECK(refusal(whole.substr(0, size)).code() == ErrorCode::corrupt);
}

TEST_CASE("a listing that lies is found") {
  CHECK(corrupt_when([](Value& v) { v["digest"] = std::string(64, '0'); }, "digest"));
  CHECK(corrupt_when([](Value& v) { v.erase("digest"); }, "digest"));
  CHECK(corrupt_when([](Value& v) { v["entries"][2]["omitted"] = true; }, "says was left out"));
  CHECK(corrupt_when([](Value& v) { v["entries"][0]["size"] = 8; }, "7 bytes of "));
  CHECK(corrupt_when([](Value& v) { v["entries"][0]["size"] = -1; }, "size"));
  CHECK(corrupt_when([](Value& v) { v["entries"][0]["sha256"] = "ABC"; }, "no SHA-256"));
  CHECK(corrupt_when(
      [](Value& v) {
        std::swap(v["entries"][0], v["entries"][1]);
        sign(v);
      },
      "out of order"));
  CHECK(corrupt_when(
      [](Value& v) {
        v["entries"].insert(v["entries"].begin(), v["entries"][0]);
        sign(v);
      },
      "twice"));
  CHECK(corrupt_when([](Value& v) { v["entries"][0]["path"] = "../../etc/passwd"; }, "lists the path"));
  CHECK(corrupt_when([](Value& v) { v["entries"][0]["path"] = ".pod/info.json"; }, "no state"));
  CHECK(corrupt_when([](Value& v) { v["entries"] = "none"; }, "entries"));
  CHECK(corrupt_when([](Value& v) { v["services"]["empty"].push_back("s3"); }, "two lists"));
  CHECK(corrupt_when([](Value& v) { v["services"]["captured"] = Value::array({"s3"}); }, "as captured"));
  CHECK(corrupt_when([](Value& v) { v["services"]["captured"].push_back("a b"); }, "a b"));
  CHECK(corrupt_when([](Value& v) { v.erase("services"); }, "services"));
  CHECK(corrupt_when([](Value& v) { v = Value::array(); }, "object"));
}

TEST_CASE("a listing of a newer format is incompatible, not damaged") {
  CHECK(refusal(archive_of(shop(), [](Value& v) { v["format"] = 2; })).code() == ErrorCode::incompatible);
}

TEST_CASE("unknown members are ignored") {
  CHECK(check(archive_of(shop(), [](Value& v) {
          v["new"] = 1;
          v["entries"][0]["new"] = 1;
        })).from_agent);
}

TEST_CASE("an archive without a listing is told from one with it, and its entries are read all the same") {
  const Capture capture = check(plain_archive_of(shop()));
  CHECK(!capture.from_agent);
  CHECK(capture.digest.empty());
  REQUIRE(capture.entries.size() == 3);
  CHECK(capture.entries[1].sha256 == sha256_of("queues"));
  CHECK(capture.info.captured == std::vector<std::string>{"s3", "sqs"});
}

TEST_CASE("what is no archive is corrupt") { CHECK(refusal("<html>not found</html>").code() == ErrorCode::corrupt); }
