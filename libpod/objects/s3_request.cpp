#include "objects/s3_request.hpp"

#include "base/ascii.hpp"
#include "digest/digest.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <array>
#include <ctime>

namespace pod::objects {
namespace {

std::string_view text_of(const digest::Sha256Value& value) {
  return {reinterpret_cast<const char*>(value.data()), value.size()};
}

std::string hash(std::string_view text) { return digest::hex(digest::sha256(text)); }

bool is_bucket(std::string_view name) {
  const auto is_bucket_byte = [](char c) {
    return base::is_digit(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '-';
  };
  return name.size() >= 3 && name.size() <= 63 && std::all_of(name.begin(), name.end(), is_bucket_byte) &&
         base::is_alnum(name.front()) && base::is_alnum(name.back()) && name.find("..") == std::string_view::npos;
}

/// scheme://HOST/path?query
struct UrlParts {
  std::string_view host, path, query;
};

UrlParts parts_of(std::string_view url) {
  UrlParts parts;
  url.remove_prefix(url.find("://") + 3);
  const std::size_t mark = url.find('?');
  if (mark != std::string_view::npos) parts.query = url.substr(mark + 1);
  url = url.substr(0, mark);
  const std::size_t slash = std::min(url.find('/'), url.size());
  parts.host = url.substr(0, slash);
  parts.path = slash == url.size() ? "/" : url.substr(slash);
  return parts;
}

std::string canonical_query(std::string_view query) {
  std::vector<std::string> pairs;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    std::string pair(query.substr(0, end));
    if (pair.find('=') == std::string::npos) pair += '=';
    pairs.push_back(std::move(pair));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  // By name, then by value: '=' sorts behind some bytes of a name.
  std::sort(pairs.begin(), pairs.end(), [](const std::string& a, const std::string& b) {
    const std::size_t at = a.find('='), bt = b.find('=');
    const int order = a.compare(0, at, b, 0, bt);
    return order != 0 ? order < 0 : a.compare(at, a.npos, b, bt, b.npos) < 0;
  });
  std::string text;
  for (const std::string& pair : pairs) text += (text.empty() ? "" : "&") + pair;
  return text;
}

}  // namespace

std::string iso_time(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts)};
}

Pairs sign_v4(const S3Request& request, const std::string& url, const S3Credentials& credentials,
              const std::string& region, std::int64_t moment) {
  const UrlParts parts = parts_of(url);
  const std::string time = iso_time(moment);
  const std::string day = time.substr(0, 8);
  const std::string payload = request.sha256.empty() ? hash("") : request.sha256;

  Pairs headers = request.headers;
  headers.emplace_back("x-amz-content-sha256", payload);
  headers.emplace_back("x-amz-date", time);
  if (!credentials.session_token.empty()) headers.emplace_back("x-amz-security-token", credentials.session_token);

  Pairs in_order = headers;
  in_order.emplace_back("host", parts.host);
  std::sort(in_order.begin(), in_order.end());
  std::string lines, names;
  for (const auto& [name, value] : in_order) {
    lines += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string canonical = request.method + "\n" + std::string(parts.path) + "\n" + canonical_query(parts.query) +
                                "\n" + lines + "\n" + names + "\n" + payload;

  const std::string scope = day + "/" + region + "/s3/aws4_request";
  const std::string to_sign = "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + hash(canonical);
  digest::Sha256Value key = digest::hmac_sha256("AWS4" + credentials.secret_key, day);
  for (const std::string_view step :
       {std::string_view(region), std::string_view("s3"), std::string_view("aws4_request")})
    key = digest::hmac_sha256(text_of(key), step);
  headers.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key + "/" + scope +
                                            ",SignedHeaders=" + names +
                                            ",Signature=" + digest::hex(digest::hmac_sha256(text_of(key), to_sign)));
  return headers;
}

Authorise sign_for(const S3Place& place, std::function<S3Credentials()> credentials) {
  if (!is_bucket(place.bucket))
    throw Error(ErrorCode::invalid_argument, "invalid bucket name " + quote(place.bucket))
        .hint("a bucket has 3 to 63 lower-case letters, digits, '.' and '-'");
  const auto is_region_byte = [](char c) { return base::is_alnum(c) || c == '-' || c == '_'; };
  if (place.region.empty() || place.region.size() > 64 ||
      !std::all_of(place.region.begin(), place.region.end(), is_region_byte))
    throw Error(ErrorCode::invalid_argument, "invalid region " + quote(place.region));

  http::Url base = place.endpoint;
  std::string folder = "/";
  if (place.path_style) {
    folder += place.bucket + "/";
  } else {
    const std::string text = base.str();
    const std::size_t host = text.find("://") + 3;
    base = http::Url::parse(text.substr(0, host) + place.bucket + "." + text.substr(host));
  }
  return [base, folder, region = place.region, credentials = std::move(credentials)](
             const S3Request& request, std::int64_t moment, bool) -> SignedRequest {
    const S3Credentials now = credentials();
    if (now.access_key.empty() || now.secret_key.empty())
      throw Error(ErrorCode::denied, "there are no credentials for " + quote(base.str()));
    SignedRequest signed_request;
    std::string path = folder + request.key;
    if (request.key.empty() && path.size() > 1) path.pop_back();
    signed_request.url = base.with(path, request.query);
    signed_request.headers = sign_v4(request, signed_request.url, now, region, moment);
    return signed_request;
  };
}

}  // namespace pod::objects
