#include "policy/manifest.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

using pod::policy::Base;
using pod::policy::Hides;
using pod::policy::Manifest;

TEST_CASE("the committed manifest knows the classes of moto by what they are") {
  const Manifest& manifest = Manifest::committed();
  CHECK(manifest.size() > 1800);
  REQUIRE(manifest.find("moto.sqs.models", "Queue"));
  CHECK(manifest.find("moto.sqs.models", "Queue")->base == Base::object);
  CHECK(manifest.find("moto.batch.models", "Job")->base == Base::thread);
  CHECK(manifest.find("moto.s3.models", "TransitionDefaultMinimumObjectSize")->base == Base::enumeration);
  CHECK(manifest.find("moto.s3.models", "FakeKey")->setstate);
  CHECK(manifest.has_service("cognito-idp"));
  CHECK_FALSE(manifest.has_service("os"));
}

TEST_CASE("the committed manifest holds neither backends nor what a module imports nor dotted names") {
  const Manifest& manifest = Manifest::committed();
  CHECK(manifest.find("moto.sqs.models", "SQSBackend") == nullptr);
  CHECK(manifest.find("moto.sqs.models", "BaseModel") == nullptr);
  CHECK(manifest.find("moto.s3.models", "os") == nullptr);
  CHECK(manifest.find("moto.sqs", "models:Queue") == nullptr);
  CHECK(manifest.find("moto.sqs.models:Queue", "") == nullptr);
  CHECK(manifest.find(std::string(1 << 20, 'x'), "Queue") == nullptr);
}

TEST_CASE("an attribute hides what the class or one of its bases defines") {
  const Manifest& manifest = Manifest::committed();
  const auto* queue = manifest.find("moto.sqs.models", "Queue");
  CHECK(queue->hides("add_message") == Hides::method);
  CHECK(queue->hides("create_from_cloudformation_json") == Hides::method);  // of CloudFormationModel
  CHECK(queue->hides("mro") == Hides::method);                              // of every class
  CHECK(queue->hides("messages") == Hides::property);
  CHECK(queue->hides("tags") == Hides::nothing);
}

TEST_CASE("a manifest that contradicts itself is corrupt") {
  const auto made = [](std::string_view text) {
    const std::string_view texts[] = {text};
    return Manifest(texts).size();
  };
  CHECK(made(R"({"format":1,"services":[],"bases":{},"classes":{"m":{"A":{"kind":"object"}}}})") == 1);
  CHECK_THROWS_AS(made("{"), pod::Error);
  CHECK_THROWS_AS(made(R"({"format":2,"services":[],"bases":{},"classes":{}})"), pod::Error);
  CHECK_THROWS_AS(made(R"({"format":1,"services":[],"bases":{},"classes":{"m":{"A":{"kind":"thing"}}}})"), pod::Error);
  CHECK_THROWS_AS(
      made(R"({"format":1,"services":[],"bases":{},"classes":{"m":{"A":{"kind":"object","bases":["m:B"]}}}})"),
      pod::Error);
  CHECK_THROWS_AS(
      made(R"({"format":1,"services":[],"bases":{},"classes":{"m":{"A":{"kind":"object","bases":["m:A"]}}}})"),
      pod::Error);
}
