#include "objects/aws_profile.hpp"

#include "base/ascii.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <array>
#include <map>

namespace pod::objects {
namespace {

constexpr std::size_t max_text = 1 << 20;

using Settings = std::map<std::string, std::string>;  // nested ones as "s3.addressing_style"
using Sections = std::map<std::string, Settings>;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string section_name(std::string_view text) {
  // [profile name], [profile "a name"], [default], [services name]
  std::string name;
  bool space = false;
  for (const char c : trimmed(text)) {
    if (c == '"' || c == '\'') continue;
    if (is_space(c)) {
      space = true;
      continue;
    }
    if (space && !name.empty()) name += ' ';
    space = false;
    name += c;
  }
  return name;
}

Sections parse(std::string_view text, const char* what) {
  if (text.size() > max_text) throw Error(ErrorCode::refused, std::string(what) + " is larger than a mebibyte");
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  Sections sections;
  Settings* section = nullptr;
  std::string parent;  // whose nested settings follow
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view raw = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view line = trimmed(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    const auto bad = [&](const char* why) {
      throw Error(ErrorCode::invalid_argument, std::string(what) + " cannot be read")
          .because("line " + std::to_string(number) + " " + why);
    };
    if (line.front() == '[') {
      const std::size_t close = line.find(']');
      if (close == line.npos) bad("opens a bracket and does not close it");
      section = &sections[section_name(line.substr(1, close - 1))];
      parent.clear();
      continue;
    }
    const std::size_t equals = line.find('=');
    const bool nested = is_space(raw.front()) && !parent.empty();
    if (section == nullptr || (equals == line.npos && !nested)) bad("is no setting");
    if (equals == line.npos) continue;  // the second line of a value that nothing here needs
    const std::string name = base::lower(trimmed(line.substr(0, equals)));
    const std::string value(trimmed(line.substr(equals + 1)));
    if (nested) {
      (*section)[parent + "." + name] = value;
      continue;
    }
    parent = name;
    (*section)[name] = value;
  }
  return sections;
}

const Settings* find(const Sections& sections, const std::string& name) {
  const auto found = sections.find(name);
  return found == sections.end() ? nullptr : &found->second;
}

std::string value(const Settings* settings, const std::string& name) {
  if (settings == nullptr) return {};
  const auto found = settings->find(name);
  return found == settings->end() ? std::string() : found->second;
}

/// nullopt: none there.
std::optional<S3Credentials> keys_in(const Settings* settings, std::string_view profile) {
  S3Credentials keys{value(settings, "aws_access_key_id"), value(settings, "aws_secret_access_key"),
                     value(settings, "aws_session_token")};
  if (keys.access_key.empty() && keys.secret_key.empty()) return std::nullopt;
  if (keys.access_key.empty() || keys.secret_key.empty())
    throw Error(ErrorCode::invalid_argument, "the profile " + quote(profile) + " has one half of a key pair")
        .hint("it needs aws_access_key_id and aws_secret_access_key");
  return keys;
}

}  // namespace

AwsProfile read_aws_profile(std::string_view credentials, std::string_view config, std::string_view profile) {
  const Sections secret = parse(credentials, "AWS's file of credentials");
  const Sections open = parse(config, "AWS's configuration file");
  const std::string name = section_name(profile);
  const Settings* const keys = find(secret, name);
  const Settings* settings = find(open, "profile " + name);
  if (settings == nullptr && name == "default") settings = find(open, "default");
  if (keys == nullptr && settings == nullptr && name != "default")
    throw Error(ErrorCode::not_found, "there is no profile " + quote(profile) + " in AWS's files");

  AwsProfile found;
  constexpr std::array<const char*, 7> elsewhere{"role_arn",          "source_profile", "credential_source",
                                                 "sso_session",       "sso_account_id", "web_identity_token_file",
                                                 "credential_process"};
  found.credentials = keys_in(keys, profile);
  if (!found.credentials) found.credentials = keys_in(settings, profile);
  for (const char* way : elsewhere) {
    // A role goes before the keys of the same profile; everything else comes after them.
    const bool role = std::string_view(way) == "role_arn";
    if (value(settings, way).empty() && value(keys, way).empty()) continue;
    if (found.credentials && !role) continue;
    throw Error(ErrorCode::unsupported, "the profile " + quote(profile) + " gets its credentials through " +
                                            quote(way) + ", which is not read here")
        .hint("run \"aws configure export-credentials --format env\" for it and pass on what that says");
  }

  found.region = value(settings, "region");
  if (found.region.empty()) found.region = value(keys, "region");
  found.ca_bundle = value(settings, "ca_bundle");
  found.addressing_style = base::lower(value(settings, "s3.addressing_style"));
  if (base::lower(value(settings, "ignore_configured_endpoint_urls")) != "true") {
    const std::string services = value(settings, "services");
    if (!services.empty()) found.endpoint_url = value(find(open, "services " + services), "s3.endpoint_url");
    if (found.endpoint_url.empty()) found.endpoint_url = value(settings, "endpoint_url");
  }
  return found;
}

}  // namespace pod::objects
