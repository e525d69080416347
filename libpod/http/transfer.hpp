// One request and its answer: what libcurl is told, and what comes back.
#pragma once

#include "http/client.hpp"
#include "http/stall_watch.hpp"

#include <libpod/error.hpp>

#include <curl/curl.h>
#include <exception>
#include <memory>
#include <string>

namespace pod::http {

struct EasyDeleter {
  void operator()(CURL* handle) const noexcept { ::curl_easy_cleanup(handle); }
};
struct MultiDeleter {
  void operator()(CURLM* handle) const noexcept { ::curl_multi_cleanup(handle); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const noexcept { ::curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;
using Multi = std::unique_ptr<CURLM, MultiDeleter>;
using HeaderList = std::unique_ptr<curl_slist, ListDeleter>;

/// Used once, by one thread. Everything it is given outlives it.
class Transfer {
 public:
  Transfer(CURLM* multi, const ClientOptions& options, const Context& context, const Request& request,
           const base::ByteSink& sink);

  /// The answer, or an Error as Client::send promises.
  Response run();

  // After run() threw
  bool reached() const noexcept { return reached_; }      // there was a connection
  bool passing() const noexcept { return passing_; }      // the network's fault: may go better next time
  bool delivered() const noexcept { return delivered_; }  // the sink was called

 private:
  void prepare();
  void drive();
  Phase phase() const;
  std::uint64_t moved() const;
  bool sent_whole() const;
  [[noreturn]] void fail(CURLcode result);
  [[noreturn]] void lose(std::string why);
  Error cannot_trust() const;

  // Callbacks of libcurl: nothing is thrown through it, what happened is kept in `failure_`.
  static std::size_t on_header(char* data, std::size_t one, std::size_t size, void* self) noexcept;
  static std::size_t on_body(char* data, std::size_t one, std::size_t size, void* self) noexcept;
  static std::size_t on_read(char* data, std::size_t one, std::size_t size, void* self) noexcept;
  static int on_seek(void* self, curl_off_t offset, int origin) noexcept;
  static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* address) noexcept;
  void take_header(std::string_view line);
  bool take_body(std::string_view piece);
  std::size_t give_body(std::span<char> buffer);

  CURLM* multi_;  // keeps the connections
  Easy easy_;     // libcurl 7.88 does not let every handle be used again: not after a failed name look-up
  const ClientOptions& options_;
  const Context& context_;
  const Request& request_;
  const base::ByteSink& sink_;
  std::string shown_;  // the URL without its query, quoted
  HeaderList headers_;

  Response response_;
  std::exception_ptr failure_;
  std::uint64_t head_bytes_ = 0;
  std::uint64_t head_lines_ = 0;
  std::uint64_t given_ = 0;  // of the request's body
  bool head_open_ = false;
  bool head_done_ = false;
  bool enough_ = false;  // an answer that is no success is cut after what is kept of it
  bool loopback_ = false;
  bool reached_ = false;
  bool passing_ = false;
  bool delivered_ = false;
};

}  // namespace pod::http
