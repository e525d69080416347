// A request to a bucket, and what it takes to be allowed to send it: AWS Signature Version 4, or a URL that somebody
// else signed.
#pragma once

#include "http/client.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pod::objects {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Before anybody has signed it. A value.
struct S3Request {
  std::string method = "GET";
  std::string key;  // below the bucket; empty: the bucket itself
  Pairs query;
  Pairs headers;           // names in lower case; all are to be signed
  std::string sha256;      // of the body, in hex; empty: there is none
  std::uint64_t size = 0;  // of the body
};

/// Ready to be sent. The URL's query and the headers are secret.
struct SignedRequest {
  std::string url;
  Pairs headers;  // all that must be sent
};

/// `moment`: seconds since 1970, by the store's clock as far as it is known. `refused`: what was signed last was not
/// accepted, so that nothing kept is to be used again. Called from several threads.
using Authorise = std::function<SignedRequest(const S3Request& request, std::int64_t moment, bool refused)>;

/// Secret but for the access key's name. A value.
struct S3Credentials {
  std::string access_key, secret_key;
  std::string session_token;  // empty: none
};

struct S3Place {
  http::Url endpoint;  // https://s3.eu-west-1.amazonaws.com; http only where the caller allows it
  std::string bucket;  // 3 to 63 of [a-z0-9.-]
  std::string region = "us-east-1";
  bool path_style = true;  // endpoint/bucket/key rather than bucket.endpoint/key
};

/// Signs with what `credentials` gives at that moment. Error(invalid_argument) for a bucket or region that cannot be
/// one.
Authorise sign_for(const S3Place& place, std::function<S3Credentials()> credentials);

/// AWS Signature Version 4, in headers. `headers` are all that are signed but for those made here; `url` is one that
/// Url::with() made, its query in any order. For `service` "s3".
Pairs sign_v4(const S3Request& request, const std::string& url, const S3Credentials& credentials,
              const std::string& region, std::int64_t moment);

/// 20130524T000000Z
std::string iso_time(std::int64_t seconds);

}  // namespace pod::objects
