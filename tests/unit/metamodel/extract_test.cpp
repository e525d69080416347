#include "document/document.hpp"
#include "metamodel/metamodel.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using pod::Resource;
using pod::document::Format;
using pod::document::Graph;
using pod::document::Tree;
using pod::metamodel::extract;
using pod::metamodel::Place;
using pod::metamodel::Rules;
using pod::metamodel::StateModel;

namespace {

StateModel model_of(std::string document, std::string_view rules, std::string_view service = "sqs",
                    Format format = Format::json) {
  const Graph graph = pod::document::read(std::move(document), format, "test");
  const Tree tree(graph);
  return extract(tree, {"123456789012", "us-east-1", std::string(service)},
                 Rules::parse("rules 1\n" + std::string(rules), "test"));
}

const Resource& only(const StateModel& model) {
  REQUIRE(model.resources.size() == 1);
  return model.resources.front();
}

using Texts = std::vector<std::pair<std::string, std::string>>;
using Sizes = std::vector<std::pair<std::string, std::uint64_t>>;

}  // namespace

TEST_CASE("a resource is what its rule says of it") {
  const StateModel model = model_of(
      R"({"account_id":"999999999999","queues":{"orders":{"name":"orders","url":"http://x/","delay":5,"messages":[{"body":"abc"},{"body":"de"}],
          "fifo":false,"owner":null,"tags":{"env":"test"},"created":1795678253.5,"policy":{"Statement":[1]},"zones":["a","b"]}}})",
      R"(
service sqs
  resource queue queues/*
    arn "arn:aws:sqs:{region}:{account}:{id}"
    show url delay fifo owner missing zones policy=has(policy) age=time(created) size=len(url) steps=count(zones/*) other=missing|delay
    count messages=messages/* nothing=nowhere/*
    bytes messages/*/body
    tags tags
)");
  const Resource& queue = only(model);
  CHECK(queue.type == "queue");
  CHECK(queue.id == "orders");
  CHECK(queue.arn == "arn:aws:sqs:us-east-1:123456789012:orders");
  CHECK(queue.path == "/queues/orders");
  CHECK(queue.digest.size() == 32);
  CHECK(queue.bytes == 5);
  CHECK(queue.attributes == Texts{{"age", "2026-11-26T07:30:53Z"},
                                  {"delay", "5"},
                                  {"fifo", "false"},
                                  {"other", "5"},
                                  {"policy", "yes"},
                                  {"size", "9 bytes"},
                                  {"steps", "2"},
                                  {"url", "http://x/"},
                                  {"zones", "a, b"}});
  CHECK(queue.counts == Sizes{{"messages", 2}, {"nothing", 0}});
  CHECK(queue.tags == Texts{{"env", "test"}});
  CHECK(model.unmapped.empty());
}

TEST_CASE("what two services mean by a name, and what a list lists, is found by id") {
  const StateModel model = model_of(
      R"({"apis":{"a1":{"stages":{"live":{"n":1}}},"a2":{"stages":{"live":{"n":2}}}},"machines":[{"arn":"arn:x:y/m1"},{"arn":"arn:x:y/m2"}]})",
      R"(
service sqs
  resource stage apis/*/stages/*
    id "{1}/{2}"
  resource machine machines/*
    id "{arn:tail}"
)");
  REQUIRE(model.resources.size() == 4);
  CHECK(model.resources[0].id == "m1");
  CHECK(model.resources[0].path == "/machines/0");
  CHECK(model.resources[1].id == "m2");
  CHECK(model.resources[2].id == "a1/live");
  CHECK(model.resources[3].id == "a2/live");
}

TEST_CASE("two of a name are told apart by their place") {
  const StateModel model =
      model_of(R"({"m":[{"name":"a"},{"name":"a"},{"name":"a"}]})", "service sqs\n resource machine m/*\n  id name\n");
  REQUIRE(model.resources.size() == 3);
  CHECK(model.resources[0].id == "a");
  CHECK(model.resources[1].id == "a at /m/1");
  CHECK(model.resources[2].id == "a at /m/2");
}

TEST_CASE("the emulator's own is marked or counted, not listed among the user's") {
  const StateModel model = model_of(
      R"({"images":{"i1":{"owner":"amazon"},"i2":{"owner":"123456789012"}},"vpcs":{"v1":{"default":true},"v2":{"default":false}},
                                        "policies":{"arn:aws:iam::aws:policy/Admin":{},"arn:aws:iam::1:policy/Mine":{}}})",
      R"(
service sqs
  resource image images/*
    keep owner={account}
  resource policy policies/*
    skip :key=arn:aws:iam::aws:*
  resource vpc vpcs/*
    stock default=true
)");
  REQUIRE(model.resources.size() == 4);
  CHECK(model.resources[0].id == "i2");
  CHECK(model.resources[1].id == "arn:aws:iam::1:policy/Mine");
  CHECK(model.resources[2].attributes == Texts{{"stock", "true"}});
  CHECK(model.resources[3].attributes.empty());
  CHECK(model.unmapped == Sizes{{"image (stock)", 1}, {"policy (stock)", 1}});
}

TEST_CASE("collections without a rule are listed with their size, but for hidden ones") {
  const char* document = R"({"queues":{},"region":"x","things":[1,2,3],"tagger":{"a":1},"empty":{}})";
  CHECK(model_of(document, "service sqs\n resource queue queues/*\nservice *\n hide tag*\n").unmapped ==
        Sizes{{"things", 3}});
  CHECK(model_of(document, "", "unheard-of").unmapped == Sizes{{"tagger", 1}, {"things", 3}});
}

TEST_CASE("references are the ARNs that a resource holds, but neither its own nor secrets") {
  const StateModel model = model_of(
      R"({"functions":{"f":{"arn":"arn:aws:lambda:r:a:function:f","version_arn":"arn:aws:lambda:r:a:function:f:3","role":"arn:aws:iam::a:role/r",
          "deep":[{"key":"arn:aws:kms:r:a:key/k"}],"password":"arn:aws:s3:::hidden","broken":"arn:aws","template":"arn:{0}:a:b:c:d"}}})",
      "service *\n secret-names password\nservice sqs\n resource function functions/*\n  arn arn\n");
  CHECK(only(model).references == std::vector<std::string>{"arn:aws:iam::a:role/r", "arn:aws:kms:r:a:key/k"});
}

TEST_CASE("a tag called like a secret is masked") {
  const StateModel model =
      model_of(R"({"q":{"a":{"tags":[{"Key":"password","Value":"swordfish"},{"Key":"env","Value":"test"}]}}})",
               "service *\n secret-names password\nservice sqs\n resource queue q/*\n  tags tags\n");
  CHECK(only(model).tags == Texts{{"env", "test"}, {"password", "•••• (9 bytes)"}});
}

TEST_CASE("text out of a document is one clean line") {
  const StateModel model =
      model_of(R"({"q":{"a\u001b[31m\n":{"text":")" + std::string(1000, 'x') + R"(","turned":"\u202eabc"}}})",
               "service sqs\n resource queue q/*\n  show text turned\n");
  CHECK(only(model).id == "a\\x1b[31m\\x0a");
  CHECK(only(model).attributes == Texts{{"text", std::string(256, 'x') + "…"}, {"turned", "\\xe2\\x80\\xaeabc"}});
}

TEST_CASE("the order of a document leaves no trace in its model") {
  const char* rules = "service sqs\n resource queue queues/*\n  show a b\n  tags tags\n";
  const auto encoded = [&](const char* document) {
    StateModel model = model_of(document, rules);
    pod::StateReading reading{.path = pod::StatePath::parse("x")};
    reading.digest = std::string(64, '0');
    reading.resources = std::move(model.resources);
    reading.unmapped = std::move(model.unmapped);
    return pod::metamodel::encode(reading, 1);
  };
  CHECK(encoded(R"({"queues":{"x":{"a":1,"b":2,"tags":{"m":"1","n":"2"}},"y":{}},"u":[1],"v":[1]})") ==
        encoded(R"({"v":[1],"u":[1],"queues":{"y":{},"x":{"tags":{"n":"2","m":"1"},"b":2,"a":1}}})"));
}

TEST_CASE("a resource's digest changes with it and with nothing else") {
  const char* rules = "service sqs\n resource queue queues/*\n";
  const auto digests = [&](const char* document) {
    std::vector<std::string> found;
    for (const Resource& resource : model_of(document, rules).resources) found.push_back(resource.digest);
    return found;
  };
  const auto before = digests(R"({"queues":{"a":{"n":1},"b":{"n":1}}})");
  const auto after = digests(R"({"queues":{"b":{"n":2},"a":{"n":1}},"more":1})");
  CHECK(before[0] == after[0]);
  CHECK(before[1] != after[1]);
}

TEST_CASE("no document makes a model without bound") {
  std::string many = R"({"q":{)";
  for (int at = 0; at < 500'002; ++at) many += (at == 0 ? "\"" : ",\"") + std::to_string(at) + "\":[]";
  const StateModel model = model_of(many + "}}", "service sqs\n resource queue q/*\n");
  CHECK(model.resources.size() == 500'000);
  CHECK(model.unmapped == Sizes{{"queue (more)", 2}});
}

TEST_CASE("resources that lie in one another over and over are refused") {
  std::string rules = "service sqs\n";
  for (int at = 0; at < 200; ++at) rules += " resource t" + std::to_string(at) + " a\n";
  std::string document = R"({"a":[)";
  for (int at = 0; at < 50'000; ++at) document += at == 0 ? "1" : ",1";
  try {
    model_of(document + "]}", rules);
    FAIL("it was listed");
  } catch (const pod::Error& error) {
    CHECK(error.code() == pod::ErrorCode::refused);
  }
}
