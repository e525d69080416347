// What a bucket answers: XML from outside, within bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::objects {

/// <Error>. Values; every text is from outside.
struct S3Error {
  std::string code, message;
  std::string region;    // where the bucket is, if it says so
  std::string endpoint;  // where to ask, if it says so
};

struct S3ListedObject {
  std::string key;
  std::uint64_t size = 0;
  std::int64_t modified = 0;
  std::string etag;  // without quotes
};

struct S3List {
  std::vector<S3ListedObject> objects;
  std::vector<std::string> prefixes;
  bool truncated = false;
  std::string next;  // the token for what follows
};

struct S3Part {
  int number = 0;
  std::uint64_t size = 0;
  std::string etag;  // as it is written, with its quotes
};

struct S3Parts {
  std::vector<S3Part> parts;
  bool truncated = false;
  int next = 0;
};

/// nullopt: it is no such thing. Never throws.
std::optional<S3Error> parse_error(std::string_view xml);
/// Error(corrupt) for what is no such answer.
S3List parse_list(std::string_view xml);
S3Parts parse_parts(std::string_view xml);
/// The upload's id.
std::string parse_upload(std::string_view xml);

/// What names the parts of an upload that is completed.
std::string completion(const std::vector<S3Part>& parts, const std::vector<std::string>& base64_sha256);

/// 2013-05-24T00:00:00.000Z, and as HTTP writes it; nullopt: it is none.
std::optional<std::int64_t> parse_iso_time(std::string_view text);
std::optional<std::int64_t> parse_http_date(std::string_view text);

/// `"abc"` is abc; what is not in quotes stays.
std::string unquoted(std::string_view etag);

}  // namespace pod::objects
