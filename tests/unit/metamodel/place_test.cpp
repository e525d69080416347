#include "metamodel/metamodel.hpp"

#include <doctest/doctest.h>

using pod::StatePath;
using pod::metamodel::model_path;
using pod::metamodel::Place;
using pod::metamodel::place_of;

namespace {

Place place(std::string_view path) { return place_of(StatePath::parse(path)); }

std::string model(std::string_view path) {
  const auto made = model_path(StatePath::parse(path));
  return made ? made->str() : "";
}

}  // namespace

TEST_CASE("a pod's layout says account, region and service") {
  CHECK(place("api_states/123456789012/sqs/us-east-1/backend.state") == Place{"123456789012", "us-east-1", "sqs"});
  CHECK(place("api_states/000000000000/s3/global/backend.state") == Place{"000000000000", "global", "s3"});
  CHECK(place("api_states/nobody/s3/global/backend.state") == Place{});
}

TEST_CASE("a folder of one file a service says the service") {
  CHECK(place("lambda/store.json") == Place{"", "", "lambda"});
  CHECK(place("acm/backend.pkl") == Place{"", "", "acm"});
  CHECK(place("acm/other.pkl") == Place{});
}

TEST_CASE("a database of DynamoDB Local says its region, and its account where its name is one") {
  CHECK(place("dynamodb/assets/000000000000_us-east-1.db") == Place{"000000000000", "us-east-1", "dynamodb"});
  CHECK(place("assets/dynamodb/000000000000useast1_us-east-1.db") == Place{"", "us-east-1", "dynamodb"});
  CHECK(place("cloudwatch/assets/metrics.db") == Place{"", "", "cloudwatch"});
}

TEST_CASE("every state file has a model of its own") {
  CHECK(model("api_states/123456789012/sqs/us-east-1/backend.state") ==
        ".pod/metamodel/123456789012/sqs/us-east-1.json");
  CHECK(model("api_states/123456789012/sqs/us-east-1/store.state") ==
        ".pod/metamodel/123456789012/sqs/us-east-1.store.json");
  CHECK(model("lambda/store.json") == ".pod/metamodel/files/lambda/store.json.json");
  CHECK(model("api_states/files/sqs/us-east-1/backend.state") ==
        ".pod/metamodel/files/api_states/files/sqs/us-east-1/backend.state.json");
  CHECK(model("a/" + std::string(253, 'x')) == "");
}
