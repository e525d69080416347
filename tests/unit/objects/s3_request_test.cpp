#include "objects/s3_request.hpp"
#include "digest/digest.hpp"

#include <doctest/doctest.h>
#include <libpod/error.hpp>

namespace pod::objects {
namespace {

// The examples of AWS's documentation of Signature Version 4 for S3.
const S3Credentials example{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
constexpr std::int64_t may_24 = 1369353600;

SignedRequest signed_by_example(const S3Request& request) {
  const S3Place place{http::Url::parse("https://s3.amazonaws.com"), "examplebucket", "us-east-1", false};
  return sign_for(place, [] { return example; })(request, may_24, false);
}

std::string header(const SignedRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers)
    if (key == name) return value;
  return {};
}

std::string signature(const SignedRequest& request) {
  const std::string text = header(request, "authorization");
  return text.substr(text.find("Signature=") + 10);
}

TEST_CASE("a ranged GET is signed as AWS shows it") {
  S3Request request;
  request.key = "test.txt";
  request.headers = {{"range", "bytes=0-9"}};
  const SignedRequest made = signed_by_example(request);
  CHECK(made.url == "https://examplebucket.s3.amazonaws.com/test.txt");
  CHECK(header(made, "authorization") ==
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  CHECK(header(made, "x-amz-date") == "20130524T000000Z");
  CHECK(header(made, "x-amz-content-sha256") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("a PUT with an odd key is signed as AWS shows it") {
  S3Request request;
  request.method = "PUT";
  request.key = "test$file.text";
  request.headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  request.sha256 = digest::hex(digest::sha256("Welcome to Amazon S3."));
  const SignedRequest made = signed_by_example(request);
  CHECK(made.url == "https://examplebucket.s3.amazonaws.com/test%24file.text");
  CHECK(signature(made) == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST_CASE("queries are signed as AWS shows them") {
  S3Request request;
  request.query = {{"lifecycle", ""}};
  CHECK(signature(signed_by_example(request)) == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  request.query = {{"prefix", "J"}, {"max-keys", "2"}};
  CHECK(signature(signed_by_example(request)) == "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST_CASE("the place of a bucket, its prefix and a session's token are signed") {
  const S3Place place{http::Url::parse("http://127.0.0.1:9000/gate"), "team", "eu-west-1", true};
  S3Credentials credentials = example;
  credentials.session_token = "token";
  S3Request request;
  request.key = "a/b";
  const SignedRequest made = sign_for(place, [&] { return credentials; })(request, may_24, false);
  CHECK(made.url == "http://127.0.0.1:9000/gate/team/a/b");
  CHECK(header(made, "x-amz-security-token") == "token");
  CHECK(header(made, "authorization").find("/20130524/eu-west-1/s3/aws4_request,") != std::string::npos);
  CHECK(header(made, "authorization").find("host;x-amz-content-sha256;x-amz-date;x-amz-security-token") !=
        std::string::npos);
  request.key.clear();
  CHECK(sign_for(place, [&] { return credentials; })(request, may_24, false).url == "http://127.0.0.1:9000/gate/team");
}

TEST_CASE("what cannot be a bucket or a region is refused, and so is having no credentials") {
  const auto code = [](std::string bucket, std::string region, S3Credentials credentials) {
    try {
      const S3Place place{http::Url::parse("https://s3.test"), std::move(bucket), std::move(region), true};
      sign_for(place, [=] { return credentials; })({}, 0, false);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  };
  for (const char* bucket : {"", "ab", "Upper", "a..b", "-ab", "ab-", "a/b", "a b", "a_b", "../x"})
    CHECK(code(bucket, "us-east-1", example) == ErrorCode::invalid_argument);
  for (const char* region : {"", "us/east", "a b", "x\n"})
    CHECK(code("team", region, example) == ErrorCode::invalid_argument);
  CHECK(code("team", "us-east-1", {}) == ErrorCode::denied);
}

}  // namespace
}  // namespace pod::objects
