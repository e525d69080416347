#include "json/json.hpp"
#include "objects/s3_store.hpp"

#include <array>

namespace pod::objects {
namespace {

std::string base64_of(const digest::Sha256Value& value) {
  return digest::base64({reinterpret_cast<const char*>(value.data()), value.size()});
}

/// Objects of the probe's own, removed when it ends.
class Bench {
 public:
  Bench(S3Wire& wire, const std::string& prefix) : wire_(wire) {
    base_ = (prefix.empty() ? "" : prefix + "/") + "probe/" + digest::hex(digest::random_bytes(8)) + "/";
  }
  ~Bench() {
    for (const char* name : names) try {
        S3Ask ask;
        ask.request.method = "DELETE";
        ask.request.key = base_ + name;
        ask.expected = {200, 204, 404};
        wire_.send(ask);
      } catch (const std::exception&) {
        // What is left says by its name what it is, and is a few bytes.
      }
  }
  Bench(const Bench&) = delete;

  /// The status; what it may be is the question, so none is an error but those that say nothing of the condition.
  int put(const char* name, std::string_view text, const Pairs& headers, std::string_view declared = {}) {
    S3Ask ask;
    ask.request.method = "PUT";
    ask.request.key = base_ + name;
    ask.request.size = text.size();
    ask.request.sha256 = digest::hex(digest::sha256(declared.empty() ? text : declared));
    ask.request.headers = headers;
    ask.body = [text] { return std::make_unique<base::MemorySource>(text); };
    ask.expected = {200, 400, 404, 405, 409, 412, 422, 501};
    etag_.clear();
    const http::Response response = wire_.send(ask).response;
    if (response.status == 200) {
      etag_ = unquoted(response.header("etag").value_or(""));
      if (etag_.empty()) wire_.not_s3(response);
    }
    return response.status;
  }
  /// nullopt: absent.
  std::optional<std::string> get(const char* name, const Pairs& headers = {}) {
    S3Ask ask;
    ask.request.key = base_ + name;
    ask.request.headers = headers;
    ask.expected = {200, 206, 404};
    const http::Response response = wire_.send(ask).response;
    if (response.status == 404) return std::nullopt;
    etag_ = unquoted(response.header("etag").value_or(""));
    return response.body;
  }
  const std::string& etag() const noexcept { return etag_; }

 private:
  static constexpr std::array<const char*, 5> names{"create", "match", "absent", "payload", "checksum"};
  S3Wire& wire_;
  std::string base_;
  std::string etag_;
};

/// Whether replacing goes by the ETag when it is written like this: the current one replaces, an older one does not,
/// and nothing comes to be where nothing was.
bool matches(Bench& bench, const std::string& quote_mark) {
  if (bench.put("match", "one", {}) != 200) return false;
  const std::string first = bench.etag();
  if (bench.put("match", "two", {{"if-match", quote_mark + first + quote_mark}}) != 200) return false;
  if (bench.get("match") != "two") return false;
  if (bench.put("match", "three", {{"if-match", quote_mark + first + quote_mark}}) == 200) return false;
  if (bench.get("match") != "two") return false;
  if (bench.put("absent", "x", {{"if-match", quote_mark + first + quote_mark}}) == 200) return false;
  return !bench.get("absent");
}

}  // namespace

S3Traits probe_bucket(S3Wire& wire, const std::string& prefix) {
  Bench bench(wire, prefix);
  S3Traits traits;
  const bool created = bench.put("create", "one", {{"if-none-match", "*"}}) == 200;
  traits.read_after_write = created && bench.get("create") == "one";
  traits.create_only =
      created && bench.put("create", "two", {{"if-none-match", "*"}}) == 412 && bench.get("create") == "one";
  traits.ranges = bench.get("create", {{"range", "bytes=1-1"}}) == (created ? "n" : "");
  if (matches(bench, "\""))
    traits.match = S3Traits::Match::quoted;
  else if (matches(bench, ""))
    traits.match = S3Traits::Match::unquoted;

  bench.put("payload", "old", {});
  traits.payload_checked = bench.put("payload", "bad", {}, "new") != 200 && bench.get("payload") == "old";
  bench.put("checksum", "old", {});
  traits.checksum_checked =
      bench.put("checksum", "new", {{"x-amz-checksum-sha256", base64_of(digest::sha256("bad"))}}) != 200 &&
      bench.get("checksum") == "old";
  return traits;
}

std::string S3Traits::lacking() const {
  if (!read_after_write) return "what was stored cannot be read back";
  if (!create_only) return "it does not keep an object from being created twice (If-None-Match)";
  if (match == Match::no) return "it does not replace an object only where it is unchanged (If-Match)";
  if (!ranges) return "it does not send parts of objects (Range)";
  return {};
}

std::string S3Traits::to_json() const {
  constexpr std::array<const char*, 3> words{"no", "quoted", "unquoted"};
  return json::canonical({{"format", 1},
                          {"create_only", create_only},
                          {"match", words[static_cast<std::size_t>(match)]},
                          {"read_after_write", read_after_write},
                          {"ranges", ranges},
                          {"payload_checked", payload_checked},
                          {"checksum_checked", checksum_checked}});
}

S3Traits S3Traits::from_json(std::string_view text) {
  constexpr std::string_view what = "what is known of the bucket";
  const json::Value value = json::parse(text, what, {4096, 4, 64});
  if (json::integer_member(value, "format", what) != 1)
    throw Error(ErrorCode::corrupt, std::string(what) + " is of another format");
  S3Traits traits;
  traits.create_only = json::bool_member(value, "create_only", what);
  const std::string match = json::string_member(value, "match", what);
  if (match == "quoted")
    traits.match = Match::quoted;
  else if (match == "unquoted")
    traits.match = Match::unquoted;
  else if (match != "no")
    throw Error(ErrorCode::corrupt, std::string(what) + " has an unknown match " + quote(match));
  traits.read_after_write = json::bool_member(value, "read_after_write", what);
  traits.ranges = json::bool_member(value, "ranges", what);
  traits.payload_checked = json::bool_member(value, "payload_checked", what);
  traits.checksum_checked = json::bool_member(value, "checksum_checked", what);
  return traits;
}

}  // namespace pod::objects
