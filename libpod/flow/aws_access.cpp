#include "base/files.hpp"
#include "objects/aws_profile.hpp"

#include <libpod/remote.hpp>

#include <filesystem>
#include <initializer_list>

namespace pod {
namespace {

constexpr std::uint64_t file_limit = 1u << 20;

}  // namespace

std::optional<BucketAccess> aws_access(const std::function<std::optional<std::string>(const char*)>& variable) {
  const auto first = [&](std::initializer_list<const char*> names) {
    for (const char* name : names)
      if (auto value = variable(name); value && !value->empty()) return *std::move(value);
    return std::string();
  };
  const std::filesystem::path home = first({"HOME"});
  const auto text = [&](const char* named_by, const char* name) {
    std::filesystem::path file = first({named_by});
    if (file.empty() && !home.empty()) file = home / ".aws" / name;
    if (file.empty()) return std::string();
    std::error_code error;
    const std::filesystem::path real = std::filesystem::weakly_canonical(file, error);
    return base::read_file(error ? file : real, file_limit).value_or("");
  };
  BucketAccess access;
  access.access_key = first({"AWS_ACCESS_KEY_ID"});
  access.secret_key = first({"AWS_SECRET_ACCESS_KEY"});
  const bool has_keys = !access.access_key.empty() && !access.secret_key.empty();
  if (has_keys) access.session_token = first({"AWS_SESSION_TOKEN"});

  const std::string profile = first({"AWS_PROFILE", "AWS_DEFAULT_PROFILE"});
  objects::AwsProfile found;
  try {
    found = objects::read_aws_profile(text("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
                                      text("AWS_CONFIG_FILE", "config"), profile.empty() ? "default" : profile);
  } catch (const Error&) {
    if (!has_keys || !profile.empty()) throw;  // the environment has all that is needed
  }
  if (!has_keys) {
    if (!found.credentials) return std::nullopt;
    access.access_key = found.credentials->access_key;
    access.secret_key = found.credentials->secret_key;
    access.session_token = found.credentials->session_token;
  }
  const auto settle = [&](std::string value, const std::string& otherwise) {
    return value.empty() ? otherwise : std::move(value);
  };
  access.region = settle(first({"AWS_REGION", "AWS_DEFAULT_REGION"}), settle(found.region, access.region));
  access.endpoint = settle(first({"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}), found.endpoint_url);
  access.ca_bundle = settle(first({"AWS_CA_BUNDLE"}), found.ca_bundle);
  return access;
}

}  // namespace pod
