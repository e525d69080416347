// HTTP client: one request at a time, bodies as streams, every phase bounded.
//
// No redirects (a 3xx is just an answer), TLS 1.2 or newer and verified, no proxy, no cookies, no netrc, no encodings
// asked for, HTTP/1.1. Retries only where the request says it may be repeated (GET, HEAD and requests marked so), after
// a failed connection, a lost answer, 429, 502, 503 and 504, with back-off and full jitter.
//
// What bounds each phase: connecting, name look-up and TLS by `connect_timeout`; silence by `idle_timeout`; the head of
// an answer by `idle_timeout` from its first line, 256 lines and 128 KiB; a body that is sent or that goes to a sink by
// `minimum_rate`; a body that is kept in memory by `answer_timeout`. Time in which the caller's own sink or source was
// busy does not count.
#pragma once

#include "base/stream.hpp"

#include <libpod/context.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pod::http {

/// The base of a service: scheme://host[:port][/path], http and https only. A value.
class Url {
 public:
  /// Error(invalid_argument) with the reason: another scheme, control bytes, missing or odd host, bad port, user info,
  /// a query or a fragment. The error never shows user info.
  static Url parse(std::string_view text);
  const std::string& scheme() const noexcept { return scheme_; }
  const std::string& host() const noexcept { return host_; }  // without brackets, lower case
  int port() const noexcept { return port_; }                 // the scheme's default where none is given
  const std::string& path() const noexcept { return path_; }  // "" or starts with '/', no trailing '/'
  bool is_loopback() const;                                   // localhost, *.localhost, 127.0.0.0/8, ::1
  /// Loopback, or what only a local network resolves and routes: private and link-local addresses, names without a dot
  /// (containers), names that end in .local, .internal, .test or .home.arpa.
  bool is_local() const;
  /// This URL with `path` (plain text, starts with '/') behind its own path, and `query` pairs; both are escaped here.
  std::string with(std::string_view path, const std::vector<std::pair<std::string, std::string>>& query = {}) const;
  /// Canonical text: lower-case scheme and host, no default port, no trailing '/'.
  std::string str() const;

 private:
  std::string scheme_, host_, path_;
  int port_ = 0;
};

struct Response;

struct Request {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;  // values may be secret: never shown
  base::ByteSource* body = nullptr;                          // POST and PUT; exactly `body_size` bytes
  std::uint64_t body_size = 0;
  std::function<void()> rewind;                  // puts `body` back to its start; needed for a retry of a body
  bool repeatable = false;                       // may be sent again after a failure although it is not GET or HEAD
  std::function<void(const Response&)> on_head;  // before the first byte of the answer's body; may throw to stop
};

struct Response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;  // whole, where no sink was given or the status is not 2xx (then at most 64 KiB of it)
  std::uint64_t body_bytes = 0;
  std::optional<std::string> header(std::string_view lower_name) const;
};

struct ClientOptions {
  std::chrono::milliseconds connect_timeout{10000};
  std::chrono::milliseconds idle_timeout{120000};     // no byte in either direction
  std::uint64_t minimum_rate = 1024;                  // bytes a second, averaged over `idle_timeout`
  std::chrono::milliseconds answer_timeout{1800000};  // an answer without a sink, from its head to its end
  std::uint64_t max_response_bytes = 16ull << 30;     // to a sink
  std::uint64_t max_memory_body = 64ull << 20;        // without one
  int retries = 4;
  std::chrono::milliseconds retry_budget{120000};
  std::string user_agent;
  std::filesystem::path ca_bundle;  // empty: the system's
};

/// One thread at a time; keeps its connection.
class Client {
 public:
  Client(ClientOptions options, const Context& context);
  ~Client();
  Client(Client&&) noexcept;

  /// Any status is an answer. Error(unreachable): no connection, time-out, cut body (fewer bytes than promised);
  /// Error(outcome_unknown) in its place where the request may not be repeated and was sent whole; Error(refused):
  /// larger than the limit, or a certificate that cannot be trusted; Error(unsupported): what answers does not speak
  /// HTTP; Error(cancelled); Error(invalid_argument): a request that cannot be sent as it is. Header values and queries
  /// are never in an error. `sink` gets the body of a 2xx answer in pieces; on a retry `restart` is called first, so
  /// that the caller can drop what came; without it nothing is retried once `sink` was called.
  Response send(const Request& request, const base::ByteSink& sink = {}, const std::function<void()>& restart = {});
  /// Whether the last send() had a connection: tells "nobody is there" from "something went wrong".
  bool reached() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pod::http
