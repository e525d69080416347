#include "metamodel/metamodel.hpp"

#include "json/json.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <chrono>

using pod::ErrorCode;
using pod::Resource;
using pod::StatePath;
using pod::StateReading;
using pod::metamodel::decode;
using pod::metamodel::encode;
using pod::metamodel::ModelFile;

namespace {

const StatePath queues = StatePath::parse("api_states/123456789012/sqs/us-east-1/backend.state");
const std::string digest64(64, 'a');
const std::string digest32(32, 'b');

StateReading reading_of(std::vector<Resource> resources) {
  StateReading reading{.path = queues, .account = "123456789012", .region = "us-east-1", .service = "sqs"};
  reading.format = "pickle";
  reading.digest = digest64;
  reading.bytes = 6830;
  reading.resources = std::move(resources);
  return reading;
}

Resource queue(std::string id) {
  Resource resource;
  resource.type = "queue";
  resource.arn = "arn:aws:sqs:us-east-1:123456789012:" + id;
  resource.path = "/queues/" + id;
  resource.id = std::move(id);
  resource.digest = digest32;
  resource.attributes = {{"fifo", "false"}, {"visibility_timeout", "30"}};
  resource.counts = {{"in_flight", 0}, {"messages", 3}};
  return resource;
}

ErrorCode code_of(std::string_view file) {
  try {
    decode(file, queues);
  } catch (const pod::Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

std::string with(std::string_view text, std::string_view old, std::string_view now) {
  std::string changed(text);
  const std::size_t at = changed.find(old);
  REQUIRE(at != std::string::npos);
  changed.replace(at, old.size(), now);
  return changed;
}

bool same(const Resource& a, const Resource& b) {
  return a.type == b.type && a.id == b.id && a.arn == b.arn && a.path == b.path && a.digest == b.digest &&
         a.bytes == b.bytes && a.attributes == b.attributes && a.counts == b.counts && a.tags == b.tags &&
         a.references == b.references;
}

}  // namespace

TEST_CASE("a model's file is canonical JSON, byte for byte as the format says") {
  StateReading reading = reading_of({queue("orders")});
  reading.resources[0].bytes = 18;
  reading.resources[0].tags = {{"env", "test"}};
  reading.resources[0].references = {"arn:aws:sqs:us-east-1:123456789012:dead"};
  reading.unmapped = {{"deleted", 2}};
  reading.verdict = pod::Verdict::review;
  CHECK(
      encode(reading, 7) ==
      R"({"bytes":6830,"digest":")" + digest64 + R"(","format":1,"kind":"pickle","resources":{"queue":{"orders":)" +
          R"({"arn":"arn:aws:sqs:us-east-1:123456789012:orders","attrs":{"fifo":"false","visibility_timeout":"30"},"bytes":18,)" +
          R"("counts":{"in_flight":0,"messages":3},"digest":")" + digest32 +
          R"(","path":"/queues/orders","refs":["arn:aws:sqs:us-east-1:123456789012:dead"],"tags":{"env":"test"}}}},)" +
          R"("rules":7,"unmapped":{"deleted":2},"verdict":"review"})" + "\n");
}

TEST_CASE("what was encoded decodes to the same model") {
  StateReading reading = reading_of({queue("a\"quoted\"\\ \n\x01 name"), queue("orders"), queue("träume"), queue("💤")});
  reading.not_read = "cut at 7";
  const std::string file = encode(reading, 3);
  CHECK(pod::json::canonical(pod::json::parse(file, "model")) == file);
  const ModelFile model = decode(file, queues);
  CHECK(model.rules == 3);
  CHECK(model.reading.path == queues);
  CHECK(model.reading.account == "123456789012");
  CHECK(model.reading.region == "us-east-1");
  CHECK(model.reading.service == "sqs");
  CHECK(model.reading.format == "pickle");
  CHECK(model.reading.digest == digest64);
  CHECK(model.reading.bytes == 6830);
  CHECK(model.reading.verdict == pod::Verdict::accept);
  CHECK(model.reading.not_read == "cut at 7");
  REQUIRE(model.reading.resources.size() == 4);
  for (std::size_t at = 0; at < 4; ++at) CHECK(same(model.reading.resources[at], reading.resources[at]));
  CHECK(encode(model.reading, 3) == file);
}

TEST_CASE("a stranger's file is refused where it is not one") {
  const std::string good = encode(reading_of({queue("a"), queue("b")}), 1);
  REQUIRE(code_of(good) == ErrorCode::internal);
  CHECK(code_of("") == ErrorCode::corrupt);
  CHECK(code_of("{}") == ErrorCode::corrupt);
  CHECK(code_of(good.substr(0, good.size() / 2)) == ErrorCode::corrupt);
  CHECK(code_of(good + "x") == ErrorCode::corrupt);
  CHECK(code_of(with(good, R"("format":1)", R"("format":0)")) == ErrorCode::corrupt);
  CHECK(code_of(with(good, R"("format":1)", R"("format":2)")) == ErrorCode::incompatible);
  CHECK(code_of(with(good, R"("accept")", R"("fine")")) == ErrorCode::corrupt);
  CHECK(code_of(with(good, R"("a":{)", R"("c":{)")) == ErrorCode::corrupt);  // out of order
  CHECK(code_of(with(good, R"("a":{)", R"("b":{)")) == ErrorCode::corrupt);  // twice
  CHECK(code_of(with(good, digest32, "not a digest")) == ErrorCode::corrupt);
  CHECK(code_of(with(good, R"("bytes":6830)", R"("bytes":-1)")) == ErrorCode::corrupt);
  CHECK(code_of(with(good, R"("bytes":6830)", R"("bytes":18446744073709551616)")) == ErrorCode::corrupt);
  CHECK(code_of(with(good, R"("path")", R"("pith")")) == ErrorCode::corrupt);
  CHECK(code_of(with(good, R"({"bytes")", R"({"aaa":[1,{}],"bytes")")) == ErrorCode::corrupt);  // nobody knows it
  CHECK(code_of(with(with(good, R"({"bytes")", R"({"aaa":[1,{}],"bytes")"), R"("format":1)", R"("format":2)")) ==
        ErrorCode::incompatible);
  CHECK(code_of(with(good, R"("/queues/a")", "\"\xff\"")) == ErrorCode::corrupt);
}

TEST_CASE("a hundred thousand resources decode in a fraction of a second") {
  std::vector<Resource> resources;
  for (int at = 0; at < 100'000; ++at) {
    std::string name = std::to_string(at);
    name = "/service/parameter-" + std::string(6 - name.size(), '0') + name;
    resources.push_back(queue(name));
  }
  const std::string file = encode(reading_of(std::move(resources)), 1);
  const auto start = std::chrono::steady_clock::now();
  const ModelFile model = decode(file, queues);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  CHECK(model.reading.resources.size() == 100'000);
  MESSAGE("decoded " << file.size() << " bytes in " << taken.count() * 1000 << " ms");
  CHECK(taken.count() < 5);  // a slow machine, a sanitizer; the figure is what counts
}
