// What AWS's tools keep of a user: the text of ~/.aws/credentials and ~/.aws/config, read as they read it.
#pragma once

#include "objects/s3_request.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace pod::objects {

/// A value. What is not set is empty.
struct AwsProfile {
  std::optional<S3Credentials> credentials;
  std::string region;
  std::string endpoint_url;      // of S3: the profile's own, or its `services` section's
  std::string ca_bundle;         // a file's name
  std::string addressing_style;  // "path", "virtual" or "auto"
};

/// The texts of both files; empty: there is none. Keys in `credentials` come first, as with AWS's tools.
///
/// Only keys that stand there are read. Profiles that get theirs elsewhere (role_arn and chains of roles, SSO,
/// credential_process, web identity, EC2 metadata) are Error(unsupported) that names what they use. Error(not_found):
/// no such profile, but for "default". Error(invalid_argument): not such a file, or half a key pair. No value is in an
/// error.
AwsProfile read_aws_profile(std::string_view credentials, std::string_view config,
                            std::string_view profile = "default");

}  // namespace pod::objects
