// The line to a bucket: signed requests, sent again where that is harmless, and S3's answers in words.
#pragma once

#include "base/stream.hpp"
#include "http/retry.hpp"
#include "objects/s3_answer.hpp"
#include "objects/s3_request.hpp"

#include <libpod/error.hpp>

#include <mutex>

namespace pod::objects {

struct S3Ask {
  S3Request request;
  std::function<std::unique_ptr<base::ByteSource>()> body;  // of request.size bytes, from its start
  std::vector<int> expected;                                // the statuses that are answers; all others are errors
  bool once = false;  // never sent again: Error(outcome_unknown) where that matters
  base::ByteSink sink;
  std::function<void(const http::Response&)> on_head;
};

struct S3Reply {
  http::Response response;
  bool repeated = false;  // an earlier try may have been done, and its answer been lost
};

/// Safe: has as many connections as are asked for at once.
class S3Wire {
 public:
  /// `shown`: the store in messages.
  S3Wire(std::string shown, Authorise authorise, const http::ClientOptions& options, const Context& context);
  ~S3Wire();

  /// Error(unreachable) after five tries or two minutes, Error(denied), Error(not_found) for the bucket,
  /// Error(refused), Error(corrupt) where the store got other bytes, Error(unsupported), Error(outcome_unknown).
  S3Reply send(const S3Ask& ask);
  /// The store's clock: from its last answer, if that is not older than a minute.
  std::optional<std::int64_t> clock() const;
  const std::string& shown() const noexcept { return shown_; }
  const Context& context() const noexcept { return context_; }

  /// What answers is no S3: a captive portal, a proxy, a web server.
  [[noreturn]] void not_s3(const http::Response& response) const;
  /// The error that an answer is.
  Error failure(const S3Ask& ask, const http::Response& response) const;

 private:
  class Lease;
  void note_date(const http::Response& response);
  bool correct_clock(const http::Response& response);
  std::int64_t moment() const;

  const std::string shown_;
  const Authorise authorise_;
  const http::ClientOptions options_;
  const Context context_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<http::Client>> idle_;
  std::int64_t correction_ = 0;  // of this machine's clock, once the store has complained of it
  std::optional<std::int64_t> date_;
  std::chrono::steady_clock::time_point date_seen_;
};

}  // namespace pod::objects
