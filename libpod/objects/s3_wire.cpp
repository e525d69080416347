#include "objects/s3_wire.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace pod::objects {
namespace {

constexpr int tries = 5;
constexpr std::chrono::minutes patience{2};
constexpr std::int64_t correctable = 2 * 86'400;
constexpr std::int64_t tolerated = 240;  // stores refuse what is off by more than fifteen minutes, some by five

template <std::size_t n>
bool is_one_of(std::string_view code, const std::array<std::string_view, n>& codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

constexpr std::array<std::string_view, 4> expired{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired",
                                                  "InvalidToken"};
constexpr std::array<std::string_view, 9> passing_codes{
    "SlowDown",       "RequestTimeout",   "InternalError",    "ServiceUnavailable",
    "Throttling",     "OperationAborted", "RequestThrottled", "ConditionalRequestConflict",
    "TooManyRequests"};
constexpr std::array<std::string_view, 4> other_bytes{"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch",
                                                      "XAmzContentChecksumMismatch"};
constexpr std::array<std::string_view, 4> full{"QuotaExceeded", "EntityTooLarge", "InsufficientStorage",
                                               "XMinioStorageFull"};

bool may_pass(int status, std::string_view code) {
  return status == 500 || status == 408 || http::is_passing(status) || is_one_of(code, passing_codes) ||
         is_one_of(code, other_bytes);
}

/// Reads what was given; another one takes its place when it has to be sent again.
struct Replaced final : base::ByteSource {
  std::size_t read(std::span<std::byte> buffer) override { return source->read(buffer); }
  std::unique_ptr<base::ByteSource> source;
};

std::string in_words(const S3Error& error) {
  return error.message.empty() ? printable(error.code) : printable(error.code + ": " + error.message);
}

}  // namespace

class S3Wire::Lease {
 public:
  explicit Lease(S3Wire& wire) : wire_(wire) {
    {
      const std::lock_guard lock(wire_.mutex_);
      if (!wire_.idle_.empty()) {
        client_ = std::move(wire_.idle_.back());
        wire_.idle_.pop_back();
      }
    }
    if (!client_) client_ = std::make_unique<http::Client>(wire_.options_, wire_.context_);
  }
  ~Lease() {
    const std::lock_guard lock(wire_.mutex_);
    wire_.idle_.push_back(std::move(client_));
  }
  Lease(const Lease&) = delete;
  http::Client& operator*() { return *client_; }

 private:
  S3Wire& wire_;
  std::unique_ptr<http::Client> client_;
};

S3Wire::S3Wire(std::string shown, Authorise authorise, const http::ClientOptions& options, const Context& context)
    : shown_(std::move(shown)),
      authorise_(std::move(authorise)),
      options_([&] {
        http::ClientOptions own = options;
        own.retries = 0;  // each try is signed anew
        return own;
      }()),
      context_(context) {}

S3Wire::~S3Wire() = default;

std::int64_t S3Wire::moment() const {
  const std::lock_guard lock(mutex_);
  return context_.clock->now().seconds + correction_;
}

void S3Wire::note_date(const http::Response& response) {
  const auto date = response.header("date");
  const auto seconds = date ? parse_http_date(*date) : std::nullopt;
  if (!seconds) return;
  const std::lock_guard lock(mutex_);
  date_ = seconds;
  date_seen_ = std::chrono::steady_clock::now();
}

std::optional<std::int64_t> S3Wire::clock() const {
  const std::lock_guard lock(mutex_);
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - date_seen_);
  if (!date_ || since > std::chrono::seconds(60)) return std::nullopt;
  return *date_ + since.count();
}

bool S3Wire::correct_clock(const http::Response& response) {
  const auto date = response.header("date");
  const auto seconds = date ? parse_http_date(*date) : std::nullopt;
  if (!seconds) return false;
  const std::lock_guard lock(mutex_);
  const std::int64_t off = *seconds - context_.clock->now().seconds;
  if (off > correctable || off < -correctable) return false;
  if (std::abs(off - correction_) < tolerated) return false;
  correction_ = off;
  return true;
}

void S3Wire::not_s3(const http::Response& response) const {
  throw Error(ErrorCode::unsupported, "what answers at " + quote(shown_) + " is not an S3 store")
      .because("it says " + std::to_string(response.status) + " with " +
               quote(response.header("content-type").value_or("no content type")))
      .hint("check the endpoint; a network with a login page answers in the place of everybody");
}

Error S3Wire::failure(const S3Ask& ask, const http::Response& response) const {
  const S3Error error = parse_error(response.body).value_or(S3Error{});
  const std::string object = ask.request.key.empty() ? quote(shown_) : quote(ask.request.key) + " at " + quote(shown_);
  const bool reads = ask.request.method == "GET" || ask.request.method == "HEAD";
  const std::string status = "it says " + std::to_string(response.status);
  const auto make = [&](ErrorCode code, std::string message) {
    Error made(code, std::move(message));
    made.because(error.code.empty() ? status : in_words(error));
    return made;
  };

  const std::string region = !error.region.empty() ? error.region : response.header("x-amz-bucket-region").value_or("");
  if (error.code == "AuthorizationHeaderMalformed" || error.code == "PermanentRedirect" ||
      error.code == "TemporaryRedirect" || error.code == "IllegalLocationConstraintException" ||
      (response.status >= 300 && response.status < 400)) {
    if (!region.empty())
      return make(ErrorCode::invalid_argument, "the bucket of " + quote(shown_) + " is in the region " + quote(region))
          .hint("set the region to " + printable(region));
    const std::string where = !error.endpoint.empty() ? error.endpoint : response.header("location").value_or("");
    return make(ErrorCode::refused, quote(shown_) + " wants its requests sent somewhere else, which is not done")
        .because(where.empty() ? "it does not say where" : "it names " + quote(where.substr(0, where.find('?'))))
        .hint("check the endpoint and the region");
  }
  if (error.code == "NoSuchBucket")
    return make(ErrorCode::not_found, "the bucket of " + quote(shown_) + " is not there")
        .hint("create the bucket, or check its name and the endpoint");
  if (error.code == "RequestTimeTooSkewed") {
    const auto date = response.header("date");
    const auto theirs = date ? parse_http_date(*date) : std::nullopt;
    return make(ErrorCode::denied, quote(shown_) + " refuses what is signed by a clock that is so far off")
        .because("this machine's clock says " + iso_time(context_.clock->now().seconds) + ", the store's " +
                 (theirs ? iso_time(*theirs) : "nothing"))
        .hint("set this machine's clock");
  }
  if (error.code == "SignatureDoesNotMatch" || error.code == "InvalidAccessKeyId" || is_one_of(error.code, expired))
    return make(ErrorCode::denied, quote(shown_) + " does not accept the credentials")
        .hint(is_one_of(error.code, expired) ? "get new credentials: these have expired"
                                             : "check the access key and the secret key");
  if (is_one_of(error.code, other_bytes))
    return make(ErrorCode::corrupt, quote(shown_) + " got other bytes than were sent, and stored nothing");
  if (is_one_of(error.code, full)) return make(ErrorCode::refused, quote(shown_) + " has no room for " + object);
  if (response.status == 401 || response.status == 403)
    return make(ErrorCode::denied, std::string("not allowed to ") + (reads ? "read " : "write ") + object)
        .hint("ask the owner of the bucket for the right to do so");
  if (may_pass(response.status, error.code))
    return make(ErrorCode::unreachable, quote(shown_) + " does not serve requests at the moment");
  if (response.status == 501 || response.status == 405 || response.status == 411)
    return make(ErrorCode::unsupported, quote(shown_) + " cannot do what a remote needs");
  if (error.code.empty() && response.status < 300) not_s3(response);
  return make(ErrorCode::refused, quote(shown_) + " refuses a request");
}

S3Reply S3Wire::send(const S3Ask& ask) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  http::Backoff backoff;
  S3Reply reply;
  bool refused = false;  // credentials or URL were asked for anew
  bool corrected = false;
  for (int attempt = 1;; ++attempt) {
    const SignedRequest signed_request = authorise_(ask.request, moment(), refused);
    Replaced body;
    http::Request request;
    request.method = ask.request.method;
    request.url = signed_request.url;
    request.headers = signed_request.headers;
    request.repeatable = !ask.once;
    request.on_head = ask.on_head;
    if (ask.body) {
      body.source = ask.body();
      request.body = &body;
      request.body_size = ask.request.size;
      request.rewind = [&] {  // libcurl does so where a connection was closed under it
        reply.repeated = true;
        body.source = ask.body();
      };
    }
    bool delivered = false;
    base::ByteSink sink;
    if (ask.sink)
      sink = [&](base::ConstBytes bytes) {
        delivered = true;
        ask.sink(bytes);
      };

    std::chrono::milliseconds delay = backoff.next();
    const auto again = [&] {
      return !ask.once && !delivered && attempt < tries && std::chrono::steady_clock::now() + delay < deadline;
    };
    try {
      Lease client(*this);
      reply.response = (*client).send(request, sink);
    } catch (Error& error) {
      if (error.code() != ErrorCode::unreachable || !again()) {
        if (attempt > 1 && error.code() == ErrorCode::unreachable)
          error.because("tried " + std::to_string(attempt) + " times");
        throw;
      }
      reply.repeated = true;
      http::wait(delay, *context_.cancel);
      continue;
    }
    const http::Response& response = reply.response;
    note_date(response);
    const S3Error said = parse_error(response.body).value_or(S3Error{});
    const bool expected = std::find(ask.expected.begin(), ask.expected.end(), response.status) != ask.expected.end();
    if (expected && said.code != "NoSuchBucket" && (response.status >= 300 || said.code.empty())) return reply;

    // Nothing was done, so these are harmless even where a request is sent once.
    // (The answer to a HEAD has no words: there the date has to tell why it is refused.)
    const bool wordless = response.status == 403 && said.code.empty();
    if ((said.code == "RequestTimeTooSkewed" || wordless) && !corrected && correct_clock(response)) {
      corrected = true;
      continue;
    }
    const bool stale_url =
        response.status == 403 && said.code != "SignatureDoesNotMatch" && said.code != "InvalidAccessKeyId";
    if ((is_one_of(said.code, expired) || stale_url) && !refused && !delivered) {
      refused = true;
      continue;
    }
    if (ask.once && (response.status >= 500 || response.status == 409 || response.status < 300))
      throw Error(ErrorCode::outcome_unknown,
                  "nobody knows whether " + quote(ask.request.key) + " was replaced at " + quote(shown_))
          .because(said.code.empty() ? "it says " + std::to_string(response.status) : in_words(said));
    if (!may_pass(response.status, said.code)) throw failure(ask, response);
    delay = std::max(delay, http::retry_after(response, *context_.clock).value_or(std::chrono::milliseconds(0)));
    if (!again()) {
      Error error = failure(ask, response);
      if (attempt > 1) error.because("tried " + std::to_string(attempt) + " times");
      throw error;
    }
    reply.repeated = reply.repeated || response.status >= 500 || response.status < 300;
    http::wait(delay, *context_.cancel);
  }
}

}  // namespace pod::objects
