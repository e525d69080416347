// HTTP client: one request at a time, bodies as streams, every phase bounded.
//
// No redirects, TLS verified, no proxy for loopback addresses, no environment beyond what libcurl needs for TLS. Retries
// only where the request says it may be repeated (GET, HEAD and requests marked so), with back-off and full jitter.
#pragma once

#include "base/stream.hpp"

#include <libpod/context.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pod::http {

/// scheme://[user[:password]@]host[:port]/path?query — http and https only; Error(invalid_argument) with the reason
/// (control bytes, missing host, bad port, user info unless allowed).
class Url {
 public:
  static Url parse(std::string_view text);
  const std::string& scheme() const noexcept { return scheme_; }
  const std::string& host() const noexcept { return host_; }  // without brackets, lower case
  int port() const noexcept { return port_; }                 // the scheme's default where none is given
  const std::string& path() const noexcept { return path_; }  // "" or starts with '/', no trailing '/'
  bool is_loopback() const;  // localhost, *.localhost, 127.0.0.0/8, ::1
  /// This URL with `path` (starts with '/') behind its own path, and `query` pairs escaped.
  std::string with(std::string_view path, const std::vector<std::pair<std::string, std::string>>& query = {}) const;
  /// Canonical text: lower-case scheme and host, no default port, no trailing '/'.
  std::string str() const;

 private:
  std::string scheme_, host_, path_;
  int port_ = 0;
};

struct Request {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;  // values may be secret: never shown
  base::ByteSource* body = nullptr;  // POST and PUT; exactly `body_size` bytes
  std::uint64_t body_size = 0;
  std::function<void()> rewind;      // puts `body` back to its start; needed for a retry of a body
  bool repeatable = false;           // may be sent again after a failure although it is not GET or HEAD
};

struct Response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;            // whole, where no sink was given or the status is not 2xx (then at most 64 KiB of it)
  std::uint64_t body_bytes = 0;
  std::optional<std::string> header(std::string_view lower_name) const;
};

struct ClientOptions {
  std::chrono::milliseconds connect_timeout{10000};
  std::chrono::milliseconds idle_timeout{120000};   // no byte in either direction
  std::uint64_t max_response_bytes = 16ull << 30;   // to a sink
  std::uint64_t max_memory_body = 64ull << 20;      // without one
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
  /// Error(refused): larger than the limit; Error(cancelled). `sink` gets the body of a 2xx answer in pieces; on a retry
  /// `restart` is called first, so that the caller can drop what came.
  Response send(const Request& request, const base::ByteSink& sink = {}, const std::function<void()>& restart = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pod::http
