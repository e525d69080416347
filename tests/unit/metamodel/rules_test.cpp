#include "metamodel/rules.hpp"

#include "metamodel/rule_set.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

using pod::metamodel::mask;
using pod::metamodel::Rules;

namespace {

bool secret(std::string_view service, std::string_view path, std::string_view text = {}, bool leaf = true) {
  return Rules::built_in().is_secret({.service = service, .class_name = {}, .path = path, .text = text, .leaf = leaf});
}
bool secret_of(std::string_view service, std::string_view class_name, std::string_view path) {
  return Rules::built_in().is_secret(
      {.service = service, .class_name = class_name, .path = path, .text = "x", .leaf = true});
}
std::string refusal(std::string_view text) {
  try {
    Rules::parse(text, "my.rules");
  } catch (const pod::Error& error) {
    CHECK(error.code() == pod::ErrorCode::invalid_argument);
    return error.message() + (error.causes().empty() ? "" : ": " + error.causes().front());
  }
  return "";
}

}  // namespace

TEST_CASE("the built-in rules read, and cover the services of every day") {
  const Rules::Impl& rules = Rules::built_in().impl();
  CHECK(rules.number == 1);
  for (const char* service : {"s3",
                              "sqs",
                              "sns",
                              "dynamodb",
                              "kinesis",
                              "lambda",
                              "iam",
                              "secretsmanager",
                              "ssm",
                              "kms",
                              "apigateway",
                              "cloudformation",
                              "stepfunctions",
                              "logs",
                              "ec2",
                              "route53",
                              "ecr",
                              "ecs",
                              "events",
                              "acm",
                              "cognito-idp",
                              "cloudwatch",
                              "rds",
                              "opensearch",
                              "elbv2",
                              "autoscaling",
                              "firehose",
                              "glue",
                              "ses",
                              "batch"}) {
    CAPTURE(service);
    REQUIRE(rules.find(service) != nullptr);
    CHECK_FALSE(rules.find(service)->resources.empty());
  }
}

TEST_CASE("what a program calls a secret is one, with all that lies in it") {
  CHECK(secret("rds", "/databases/@_store/db/1/@_master_user_password"));
  CHECK(secret("iam", "/users/alice/@access_keys/0/@secret_access_key"));
  CHECK(secret("kms", "/keys/k/@key_material"));
  CHECK(secret("kms", "/keys/k/@private_key/@private_key"));
  CHECK(secret("lambda", "/_lambdas/@_functions/f/latest/@environment_vars/STAGE"));
  CHECK(secret("sts", "/assumed_roles/0/@session_token"));
  CHECK(secret("any", "/@config/@clientSecret"));
  CHECK_FALSE(secret("iam", "/users/alice/@password_last_used"));
  CHECK_FALSE(secret("iam", "/users/alice/@access_keys/0/@access_key_id"));
  CHECK_FALSE(secret("rds", "/clusters/@_store/c/1/@manage_master_user_password"));
}

TEST_CASE("a user's word for a thing is no secret, unless it names a leaf") {
  CHECK_FALSE(secret("s3", "/buckets/password", {}, false));
  CHECK_FALSE(secret("s3", "/buckets/password/@name"));
  CHECK(secret("glue", "/connections/c/@properties/PASSWORD"));
}

TEST_CASE("a rule of a service names the rest") {
  CHECK(secret("secretsmanager", "/secrets/db/@versions/v1/secret_string"));
  CHECK(secret("events", "/connections/c/@auth_parameters/BasicAuthParameters/Password"));
  CHECK(secret("ecs", "/task_definitions/t/#1/@container_definitions/0/environment/0/value"));
  CHECK(secret("lambda", "/000000000000/us-east-1/@attr_functions/f/@versions/$LATEST/@config/@environment/KEY"));
  CHECK(secret("dynamodb", "/tables/users/@items/%0011223344556677/@attrs/password/@value"));
  CHECK_FALSE(secret("dynamodb", "/tables/users/@items/%0011223344556677/@attrs/name/@value"));
  CHECK(secret_of("apigateway", "ApiKey", "/keys/k/@value"));
  CHECK_FALSE(secret_of("apigateway", "Stage", "/apis/a/@stages/s/@value"));
  CHECK(secret_of("acm", "CertBundle", "/_certificates/c/@key"));
  CHECK(secret_of("ec2", "KeyPair", "/key_pairs/k/@material"));
}

TEST_CASE("of parameters, a SecureString is a secret by what it holds") {
  CHECK(secret("ssm", "/_parameters/db/0/@value", "kms:alias/aws/ssm:swordfish"));
  CHECK_FALSE(secret("ssm", "/_parameters/db/0/@value", "plain"));
}

TEST_CASE("keys that are secrets are masked in paths") {
  const Rules& rules = Rules::built_in();
  CHECK(rules.shown_path("cognito-idp", "/user_pools/p/@access_tokens/eyJ0eX/0") ==
        "/user_pools/p/@access_tokens/••••/0");
  CHECK(rules.shown_path("cognito-idp", "/user_pools/p/@users/carol") == "/user_pools/p/@users/carol");
  CHECK(rules.shown_path("sqs", "/queues/q") == "/queues/q");
  CHECK(mask("swordfish") == "•••• (9 bytes)");
  CHECK(mask(std::uint64_t{1}) == "•••• (1 byte)");
}

TEST_CASE("what changes by itself is known by service and class") {
  const auto is_volatile = [](std::string_view service, std::string_view class_name, std::string_view path) {
    return Rules::built_in().is_volatile(
        {.service = service, .class_name = class_name, .path = path, .text = {}, .leaf = true});
  };
  CHECK(is_volatile("sqs", "Queue", "/queues/q/@_pending_messages"));
  CHECK(is_volatile("sqs", "Message", "/queues/q/@_messages/0/@visible_at"));
  CHECK(is_volatile("iam", "AccessKey", "/access_keys/AKIA/@last_used"));
  CHECK(is_volatile("cloudfront", "Distribution", "/distributions/d/@_tick"));
  CHECK(is_volatile("servicediscovery", "Operation", "/operations/o/@status"));
  CHECK_FALSE(is_volatile("sqs", "Queue", "/queues/q/@visibility_timeout"));
  CHECK_FALSE(is_volatile("ecs", "Service", "/services/s/@_status"));
  CHECK_FALSE(is_volatile("nobody", "", "/queues/q/@_pending_messages"));
}

TEST_CASE("a mistake in rules is named with its line") {
  CHECK(refusal("rules 1\nservice sqs\n  resource queue") ==
        "\"my.rules\" is no set of rules: line 3: a resource is TYPE PATH");
  CHECK(refusal("resource queue queues/*").find("line 1: a resource belongs to a service") != std::string::npos);
  CHECK(refusal("service sqs\n  shows name").find("line 2: nobody knows \"shows\" here") != std::string::npos);
  CHECK(refusal("service sqs\n  resource queue queues/*\n    show a//b").find("line 3: the path \"a//b\"") !=
        std::string::npos);
  CHECK(refusal("service sqs\n  resource queue /queues/*").find("starts at the store") != std::string::npos);
  CHECK(refusal("service *\n  resource queue queues/*").find("belongs to a service") != std::string::npos);
  CHECK(refusal("rules many").find("number is none") != std::string::npos);
  CHECK(refusal("# nothing but a comment\n\n") == "");
}

TEST_CASE("rules that would show a secret are refused") {
  CHECK(refusal("service *\n  secret-names *password\nservice rds\n  resource db databases/*\n    show master_password")
            .find("\"db\" of \"rds\" would show the secret") != std::string::npos);
  CHECK(refusal("service kms\n  secret keys/*/material\n  resource key keys/*\n    id material").find("would show") !=
        std::string::npos);
  // Its length is no secret.
  CHECK(refusal("service kms\n  secret keys/*/material\n  resource key keys/*\n    show length=len(material)") == "");
}
