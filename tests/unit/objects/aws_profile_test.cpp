#include "objects/aws_profile.hpp"

#include <doctest/doctest.h>
#include <libpod/error.hpp>

namespace pod::objects {
namespace {

Error error_of(std::string_view credentials, std::string_view config, std::string_view profile) {
  try {
    read_aws_profile(credentials, config, profile);
  } catch (const Error& error) {
    return error;
  }
  FAIL("nothing was thrown");
  return Error(ErrorCode::internal, "");
}

TEST_CASE("keys are read from the file of credentials, the rest from the configuration") {
  const AwsProfile profile = read_aws_profile(
      "# a comment\n[default]\naws_access_key_id = AKIA\naws_secret_access_key=se/cr+et==\n\n"
      "[team]\r\naws_access_key_id=TEAM\r\naws_secret_access_key = with # in it\r\nAWS_SESSION_TOKEN = tok=en\r\n",
      "[default]\nregion = eu-west-1\n[profile team]\nregion=eu-central-1\nendpoint_url = https://minio.test:9000\n"
      "ca_bundle = /etc/ca.pem\ns3 =\n  addressing_style = Path\n  max_concurrent_requests = 20\noutput = json\n",
      "team");
  REQUIRE(profile.credentials);
  CHECK(profile.credentials->access_key == "TEAM");
  CHECK(profile.credentials->secret_key == "with # in it");
  CHECK(profile.credentials->session_token == "tok=en");
  CHECK(profile.region == "eu-central-1");
  CHECK(profile.endpoint_url == "https://minio.test:9000");
  CHECK(profile.ca_bundle == "/etc/ca.pem");
  CHECK(profile.addressing_style == "path");
}

TEST_CASE("without files or a default profile there is nothing, and that is no error") {
  for (const char* text : {"", "\n\n", "# nothing\n", "[other]\naws_access_key_id=a\naws_secret_access_key=b\n"}) {
    const AwsProfile profile = read_aws_profile(text, "");
    CHECK_FALSE(profile.credentials);
    CHECK(profile.region.empty());
  }
}

TEST_CASE("keys may stand in the configuration, and those of the other file come first") {
  const std::string_view config = "[profile a]\naws_access_key_id=C\naws_secret_access_key=D\n";
  CHECK(read_aws_profile("", config, "a").credentials->access_key == "C");
  CHECK(read_aws_profile("[a]\naws_access_key_id=A\naws_secret_access_key=B\n", config, "a").credentials->access_key ==
        "A");
}

TEST_CASE("an endpoint of S3 may stand in a section of services") {
  const std::string config =
      "[profile a]\nservices = local\nendpoint_url = https://all.test\n[services local]\ndynamodb =\n"
      "  endpoint_url = https://db.test\ns3 =\n  endpoint_url = https://s3.test\n";
  CHECK(read_aws_profile("", config, "a").endpoint_url == "https://s3.test");
  CHECK(read_aws_profile("", "[profile a]\nendpoint_url = https://all.test\n", "a").endpoint_url == "https://all.test");
  CHECK(read_aws_profile("", "[profile a]\nignore_configured_endpoint_urls = true\nendpoint_url = https://all.test\n",
                         "a")
            .endpoint_url.empty());
}

TEST_CASE("a name with a space is one name, quoted") {
  const char* keys = "[my team]\naws_access_key_id=A\naws_secret_access_key=B\n";
  CHECK(read_aws_profile(keys, "[profile \"my team\"]\nregion=x\n", "my team").region == "x");
}

TEST_CASE("credentials from elsewhere are said not to be read") {
  for (const char* way : {"role_arn", "sso_session", "credential_process", "web_identity_token_file"}) {
    const Error error = error_of("", std::string("[profile a]\n") + way + " = something-secret\n", "a");
    CHECK(error.code() == ErrorCode::unsupported);
    CHECK(error.message() ==
          "the profile \"a\" gets its credentials through \"" + std::string(way) + "\", which is not read here");
  }
  const char* keys = "[a]\naws_access_key_id=A\naws_secret_access_key=B\n";
  CHECK(error_of(keys, "[profile a]\nrole_arn = arn:x\nsource_profile = b\n", "a").code() == ErrorCode::unsupported);
  CHECK(read_aws_profile(keys, "[profile a]\ncredential_process = x\n", "a").credentials->access_key == "A");
}

TEST_CASE("what is wrong with a file is said without what is in it") {
  CHECK(error_of("", "", "none").code() == ErrorCode::not_found);
  CHECK(error_of("[a]\naws_access_key_id=SECRET\n", "", "a").code() == ErrorCode::invalid_argument);
  for (const char* bad : {"SECRET=1\n", "[a]\nSECRET\n", "[a\nSECRET=1\n"}) {
    const Error error = error_of(bad, "", "a");
    CHECK(error.code() == ErrorCode::invalid_argument);
    CHECK(error.message() == "AWS's file of credentials cannot be read");
    for (const std::string& cause : error.causes()) CHECK(cause.find("SECRET") == std::string::npos);
  }
  CHECK(error_of(std::string((1 << 20) + 1, '\n'), "", "a").code() == ErrorCode::refused);
}

}  // namespace
}  // namespace pod::objects
