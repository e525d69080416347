#include "objects/s3_store.hpp"

#include "base/ascii.hpp"
#include "objects/s3_upload.hpp"

#include <algorithm>
#include <charconv>

namespace pod::objects {
namespace {

constexpr std::uint64_t worth_asking = 1 << 20;  // larger contents are not sent to be told that they are there
constexpr const char* own_digest = "x-amz-meta-sha256";

std::string quoted(const std::string& version) { return version.starts_with("W/") ? version : "\"" + version + "\""; }

std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (!base::is_digits(digits) || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

struct ContentRange {
  std::uint64_t first = 0, last = 0, size = 0;
};

/// "bytes 5-9/10"
std::optional<ContentRange> parse_range(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const std::size_t dash = text.find('-'), slash = text.find('/');
  if (dash == text.npos || slash == text.npos || slash < dash) return std::nullopt;
  const auto first = number(text.substr(0, dash));
  const auto last = number(text.substr(dash + 1, slash - dash - 1));
  const auto size = number(text.substr(slash + 1));
  if (!first || !last || !size || *first > *last || *last >= *size) return std::nullopt;
  return ContentRange{*first, *last, *size};
}

/// Hands out the last piece only when the digest is right, so that the store never has the whole of a wrong body.
class CheckedBody final : public base::ByteSource {
 public:
  CheckedBody(std::unique_ptr<base::ByteSource> source, std::string key, std::uint64_t size,
              const digest::Sha256Value& sha256)
      : source_(std::move(source)), key_(std::move(key)), left_(size), sha256_(sha256) {}
  std::size_t read(std::span<std::byte> buffer) override {
    if (left_ == 0) return 0;
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left_));
    const std::size_t count = source_->read(buffer.first(wanted));
    if (count == 0) throw Error(ErrorCode::io, "what was to be stored as " + quote(key_) + " ended early");
    hash_.update(base::ConstBytes(buffer.first(count)));
    left_ -= count;
    if (left_ == 0 && hash_.finish() != sha256_)
      throw Error(ErrorCode::corrupt, "what was to be stored as " + quote(key_) + " is not what its SHA-256 says");
    return count;
  }

 private:
  std::unique_ptr<base::ByteSource> source_;
  const std::string key_;
  std::uint64_t left_;
  const digest::Sha256Value sha256_;
  digest::Sha256 hash_;
};

}  // namespace

std::unique_ptr<base::ByteSource> checked_body(const Content& content, const std::string& key, std::uint64_t offset,
                                               std::uint64_t size, const digest::Sha256Value& sha256) {
  return std::make_unique<CheckedBody>(content.open(offset, size), key, size, sha256);
}

S3Store::S3Store(std::string shown, Authorise authorise, const S3Options& options, const Context& context)
    : wire_(std::move(shown), std::move(authorise), options.http, context), options_(options), traits_(options.traits) {
  if (!options_.prefix.empty()) check_prefix(options_.prefix + "/");
}

std::unique_ptr<S3Store> open_bucket(const S3Place& place, std::function<S3Credentials()> credentials,
                                     const S3Options& options, const Context& context, bool allow_plain) {
  if (place.endpoint.scheme() != "https" && !place.endpoint.is_loopback() && !allow_plain)
    throw Error(ErrorCode::refused, "the endpoint " + quote(place.endpoint.str()) + " is not encrypted")
        .hint("use https; plain http is for this machine alone");
  return std::make_unique<S3Store>("s3://" + place.bucket + (options.prefix.empty() ? "" : "/" + options.prefix),
                                   sign_for(place, std::move(credentials)), options, context);
}

std::string S3Store::full(std::string_view key) const {
  return options_.prefix.empty() ? std::string(key) : options_.prefix + "/" + std::string(key);
}

namespace {

/// Of HEAD, of a whole and of a partial GET. nullopt: no S3 says it so.
std::optional<ObjectInfo> info_of(const http::Response& response) {
  ObjectInfo info;
  const auto etag = response.header("etag");
  if (!etag || etag->size() < 3) return std::nullopt;
  info.version = unquoted(*etag);
  const auto range = parse_range(response.header("content-range").value_or(""));
  const auto size = number(response.header("content-length").value_or(""));
  if (range)
    info.size = range->size;
  else if (size)
    info.size = *size;
  else
    return std::nullopt;
  info.modified = parse_http_date(response.header("last-modified").value_or("")).value_or(0);
  return info;
}

}  // namespace

std::optional<ObjectInfo> S3Store::head(const Key& key) {
  S3Ask ask;
  ask.request.method = "HEAD";
  ask.request.key = full(key.str());
  ask.expected = {200, 404};
  const http::Response response = wire_.send(ask).response;
  if (response.status == 404) return std::nullopt;
  const auto info = info_of(response);
  if (!info) wire_.not_s3(response);
  return info;
}

ReadResult S3Store::get(const Key& key, const ReadOptions& options, const base::ByteSink& sink) {
  const auto known = [&]() -> ReadResult {  // a read without bytes
    const auto info = head(key);
    if (!info) return {};
    if (!options.unless_version.empty() && info->version == options.unless_version)
      return {ReadStatus::unchanged, *info};
    check_version(options, *info, key);
    return {ReadStatus::read, *info};
  };
  if (options.length && *options.length == 0) return known();

  std::uint64_t sent = 0;
  std::uint64_t expected = 0;  // in all
  ObjectInfo info;
  const bool ranged = options.offset > 0 || options.length;
  for (int attempt = 1;; ++attempt) {
    const std::uint64_t from = options.offset + sent;
    const std::uint64_t before = sent;
    S3Ask ask;
    ask.request.key = full(key.str());
    ask.expected = {200, 206, 304, 404, 412, 416};
    if (ranged || sent > 0) {
      std::string range = "bytes=" + std::to_string(from) + "-";
      if (options.length && *options.length <= ~std::uint64_t{0} - options.offset)
        range += std::to_string(options.offset + *options.length - 1);
      ask.request.headers.emplace_back("range", range);
    }
    const std::string only = sent > 0 ? info.version : options.only_version;
    if (!only.empty()) ask.request.headers.emplace_back("if-match", quoted(only));
    if (sent == 0 && !options.unless_version.empty())
      ask.request.headers.emplace_back("if-none-match", quoted(options.unless_version));
    ask.on_head = [&](const http::Response& response) {
      if (response.status != 200 && response.status != 206) return;
      const auto now = info_of(response);
      if (!now) wire_.not_s3(response);
      const auto range = parse_range(response.header("content-range").value_or(""));
      if ((ranged || sent > 0) && (response.status != 206 || !range || range->first != from))
        throw Error(ErrorCode::unsupported, quote(wire_.shown()) + " does not send parts of objects");
      if (sent > 0 && now->version != info.version)
        throw Error(ErrorCode::conflict, quote(key.str()) + " has changed while it was read");
      check_version(options, *now, key);  // also where If-Match is not honoured
      info = *now;
      const std::uint64_t offset = std::min(options.offset, info.size);
      expected = std::min(options.length.value_or(info.size), info.size - offset);
      if (expected > options.limit)
        throw Error(ErrorCode::refused, quote(key.str()) + " at " + quote(wire_.shown()) + " is larger than the " +
                                            std::to_string(options.limit) + " bytes that are read of it");
    };
    ask.sink = [&](base::ConstBytes bytes) {
      if (bytes.size() > expected - sent)
        throw Error(ErrorCode::corrupt, quote(wire_.shown()) + " sends more of " + quote(key.str()) + " than there is");
      sent += bytes.size();
      sink(bytes);
    };
    try {
      const int status = wire_.send(ask).response.status;
      if (status == 304) {
        info.version = options.unless_version;
        return {ReadStatus::unchanged, info};
      }
      if (status == 412 || (status == 404 && sent > 0))
        throw Error(ErrorCode::conflict, quote(key.str()) + " has changed while it was read");
      if (status == 404) return {};
      if (status == 416) return known();
      if (sent < expected)
        throw Error(ErrorCode::unreachable, "the answer of " + quote(wire_.shown()) + " was cut short");
      return {ReadStatus::read, info};
    } catch (const Error& error) {
      // The wire asks again while nothing has come; what has come is gone on with.
      const bool moves = sent > before;
      if (error.code() != ErrorCode::unreachable || !moves || attempt >= 100) throw;
      if (sent == expected) return {ReadStatus::read, info};
    }
  }
}

S3Ask S3Store::put(const Key& key, const Content& content) const {
  S3Ask ask;
  ask.request.method = "PUT";
  ask.request.key = full(key.str());
  ask.request.size = content.size;
  ask.request.sha256 = digest::hex(content.sha256);
  ask.request.headers = {{"x-amz-checksum-sha256", digest::base64({reinterpret_cast<const char*>(content.sha256.data()),
                                                                   content.sha256.size()})},
                         {own_digest, ask.request.sha256}};
  if (content.size == 0 && content.sha256 != digest::sha256(""))
    throw Error(ErrorCode::corrupt, "what was to be stored as " + quote(key.str()) + " is not what its SHA-256 says");
  ask.body = [content, key] { return checked_body(content, key.str(), 0, content.size, content.sha256); };
  return ask;
}

Creation S3Store::decide(const Key& key, const Content& content) {
  S3Ask ask;
  ask.request.method = "HEAD";
  ask.request.key = full(key.str());
  ask.expected = {200, 404};
  const http::Response response = wire_.send(ask).response;
  if (response.status == 404) return Creation::exists;  // and was removed since
  const auto info = info_of(response);
  if (!info) wire_.not_s3(response);
  if (info->size != content.size) return Creation::exists;
  if (const auto noted = response.header(own_digest))
    return *noted == digest::hex(content.sha256) ? Creation::created : Creation::exists;
  digest::Sha256 hash;
  get(key, {}, [&](base::ConstBytes bytes) { hash.update(bytes); });
  return hash.finish() == content.sha256 ? Creation::created : Creation::exists;
}

Creation S3Store::put_if_absent(const Key& key, const Content& content) {
  if (content.size >= worth_asking && head(key)) return Creation::exists;
  if (content.size >= options_.parts_from) {
    const UploadOptions how{options_.notes, options_.part_size, options_.connections};
    switch (upload_in_parts(wire_, full(key.str()), content, how)) {
      case Completion::created: return Creation::created;
      case Completion::exists: return Creation::exists;
      case Completion::unclear: break;
    }
    if (!head(key))
      throw Error(ErrorCode::unreachable, quote(wire_.shown()) + " has lost an upload that it had the parts of")
          .hint("run the command again");
    return decide(key, content);
  }
  S3Ask ask = put(key, content);
  ask.request.headers.emplace_back("if-none-match", "*");
  ask.expected = {200, 412};
  const S3Reply reply = wire_.send(ask);
  if (reply.response.status == 200) {
    if (!reply.response.header("etag")) wire_.not_s3(reply.response);
    return Creation::created;
  }
  return reply.repeated ? decide(key, content) : Creation::exists;
}

S3Traits S3Store::traits() {
  const std::lock_guard lock(mutex_);
  if (!traits_) {
    S3Traits found = probe_bucket(wire_, options_.prefix);
    if (const std::string lacking = found.lacking(); !lacking.empty())
      throw Error(ErrorCode::unsupported, "a remote cannot be kept at " + quote(wire_.shown()) + ": " + lacking);
    traits_ = found;
  }
  return *traits_;
}

S3Traits S3Store::probe() {
  S3Traits found = probe_bucket(wire_, options_.prefix);
  const std::lock_guard lock(mutex_);
  traits_ = found;
  return found;
}

Replacement S3Store::put_if_match(const Key& key, const Content& content, const std::string& version) {
  const S3Traits known = traits();
  S3Ask ask = put(key, content);
  if (version.empty())
    ask.request.headers.emplace_back("if-none-match", "*");
  else
    ask.request.headers.emplace_back("if-match", known.match == S3Traits::Match::unquoted ? version : quoted(version));
  ask.expected = {200, 404, 412};
  ask.once = true;
  const http::Response response = wire_.send(ask).response;
  if (response.status != 200) return std::nullopt;
  const auto etag = response.header("etag");
  if (!etag || etag->size() < 3)
    throw Error(ErrorCode::outcome_unknown, "nobody knows whether " + quote(key.str()) + " was replaced")
        .because("what answers at " + quote(wire_.shown()) + " is not an S3 store");
  return ObjectInfo{content.size, unquoted(*etag), parse_http_date(response.header("date").value_or("")).value_or(0)};
}

void S3Store::remove(const Key& key) {
  S3Ask ask;
  ask.request.method = "DELETE";
  ask.request.key = full(key.str());
  ask.expected = {200, 204, 404};
  const http::Response response = wire_.send(ask).response;
  if (response.status == 200 && response.header("content-type").value_or("").starts_with("text/html"))
    wire_.not_s3(response);
}

void S3Store::each_page(const std::string& prefix, bool folders, const std::function<void(const S3List&)>& visit) {
  check_prefix(prefix);
  std::string token;
  std::string last;  // a store that goes in circles would keep us for ever
  do {
    S3Ask ask;
    ask.request.query = {{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", full(prefix)}};
    if (folders) ask.request.query.emplace_back("delimiter", "/");
    if (!token.empty()) ask.request.query.emplace_back("continuation-token", token);
    ask.expected = {200};
    const http::Response response = wire_.send(ask).response;
    const std::string type = response.header("content-type").value_or("");
    if (type.starts_with("text/html")) wire_.not_s3(response);
    const S3List list = parse_list(response.body);
    visit(list);
    token = list.truncated ? list.next : "";
    const std::string end = std::max(list.objects.empty() ? std::string() : list.objects.back().key,
                                     list.prefixes.empty() ? std::string() : list.prefixes.back());
    if (!token.empty() && end <= last)
      throw Error(ErrorCode::corrupt, "the list of " + quote(wire_.shown()) + " goes in circles");
    last = end;
  } while (!token.empty());
}

void S3Store::list(const std::string& prefix, const std::function<void(const ListedObject&)>& visit) {
  const std::string before = full("");
  each_page(prefix, false, [&](const S3List& page) {
    for (const S3ListedObject& object : page.objects) {
      if (!object.key.starts_with(before)) continue;
      const std::string key = object.key.substr(before.size());
      if (is_key(key)) visit({key, {object.size, object.etag, object.modified}});
    }
  });
}

std::vector<std::string> S3Store::folders(const std::string& prefix) {
  const std::string before = full(prefix);
  std::vector<std::string> names;
  each_page(prefix, true, [&](const S3List& page) {
    for (std::string name : page.prefixes) {
      if (!name.starts_with(before) || !name.ends_with('/')) continue;
      name = name.substr(before.size(), name.size() - before.size() - 1);
      if (is_segment(name)) names.push_back(std::move(name));
    }
  });
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::int64_t S3Store::now() {
  if (const auto clock = wire_.clock()) return *clock;
  S3Ask ask;
  ask.request.method = "HEAD";
  ask.request.key = full("format.json");  // whether it is there does not matter, nor whether it may be read
  ask.expected = {200, 404, 403};
  wire_.send(ask);
  if (const auto clock = wire_.clock()) return *clock;
  throw Error(ErrorCode::unsupported, quote(wire_.shown()) + " does not say what time it is");
}

}  // namespace pod::objects
