#include "http/transfer.hpp"

#include "base/ascii.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace pod::http {
namespace {

constexpr std::uint64_t max_head_bytes = 128 * 1024;
constexpr std::uint64_t max_head_lines = 256;
constexpr std::uint64_t max_other_body = 64 * 1024;  // of an answer that is no success
constexpr int poll_slice_ms = 50;                    // how soon a cancellation is seen

template <typename Value>
void set(const Easy& easy, CURLoption option, Value value) {
  if (const CURLcode result = ::curl_easy_setopt(easy.get(), option, value); result != CURLE_OK)
    throw Error(ErrorCode::internal,
                "libcurl does not take option " + std::to_string(option) + ": " + ::curl_easy_strerror(result));
}

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_success(int status) { return status >= 200 && status < 300; }

/// Names like "localhost" are trusted with what is not encrypted; they must not be resolved to another machine.
bool is_loopback_socket(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &address, sizeof four);
    return (ntohl(four.sin_addr.s_addr) >> 24) == 127;
  }
  if (address.sa_family != AF_INET6) return false;
  sockaddr_in6 six{};
  std::memcpy(&six, &address, sizeof six);
  return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr) ||
         (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr) && six.sin6_addr.s6_addr[12] == 127);
}

/// Takes the handle out of the multi again, whatever happened.
class Added {
 public:
  Added(CURLM* multi, CURL* easy) : multi_(multi), easy_(easy) {
    if (const CURLMcode result = ::curl_multi_add_handle(multi_, easy_); result != CURLM_OK)
      throw Error(ErrorCode::internal, std::string("libcurl cannot start: ") + ::curl_multi_strerror(result));
  }
  ~Added() { ::curl_multi_remove_handle(multi_, easy_); }
  Added(const Added&) = delete;
  Added& operator=(const Added&) = delete;

 private:
  CURLM* multi_;
  CURL* easy_;
};

}  // namespace

Transfer::Transfer(CURLM* multi, const ClientOptions& options, const Context& context, const Request& request,
                   const base::ByteSink& sink)
    : multi_(multi), easy_(::curl_easy_init()), options_(options), context_(context), request_(request), sink_(sink) {
  const Url base = Url::parse(std::string_view(request.url).substr(0, request.url.find('?')));
  shown_ = quote(base.str());
  loopback_ = base.is_loopback();
  prepare();
}

void Transfer::prepare() {
  if (!easy_) throw std::bad_alloc();
  set(easy_, CURLOPT_URL, request_.url.c_str());
  set(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy_, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  set(easy_, CURLOPT_PATH_AS_IS, 1L);
  set(easy_, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy_, CURLOPT_PROXY, "");  // not even the one in the environment
  set(easy_, CURLOPT_NOPROXY, "*");
  set(easy_, CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
  set(easy_, CURLOPT_HTTP09_ALLOWED, 0L);
  set(easy_, CURLOPT_NOSIGNAL, 1L);
  set(easy_, CURLOPT_QUICK_EXIT, 1L);  // a cancelled name look-up is not waited for
  set(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
  set(easy_, CURLOPT_BUFFERSIZE, 256L * 1024);
  set(easy_, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
  set(easy_, CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy_, CURLOPT_SSL_VERIFYHOST, 2L);
  set(easy_, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  if (!options_.ca_bundle.empty()) set(easy_, CURLOPT_CAINFO, options_.ca_bundle.c_str());
  if (!options_.user_agent.empty()) set(easy_, CURLOPT_USERAGENT, options_.user_agent.c_str());

  set(easy_, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(easy_, CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(easy_, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(easy_, CURLOPT_WRITEDATA, static_cast<void*>(this));
  if (loopback_) {
    set(easy_, CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_socket);
    set(easy_, CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  }

  if (request_.body != nullptr) {
    set(easy_, CURLOPT_UPLOAD, 1L);
    set(easy_, CURLOPT_READFUNCTION, &Transfer::on_read);
    set(easy_, CURLOPT_READDATA, static_cast<void*>(this));
    set(easy_, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request_.body_size));
  } else if (request_.method == "HEAD") {
    set(easy_, CURLOPT_NOBODY, 1L);
  } else if (request_.method != "GET") {
    set(easy_, CURLOPT_POST, 1L);
    set(easy_, CURLOPT_POSTFIELDS, "");
    set(easy_, CURLOPT_POSTFIELDSIZE, 0L);
  }
  if (request_.method != "HEAD") set(easy_, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  // On a connection that the server is just closing libcurl would send again by itself, which is not its to decide
  // where the request changes something or its body must be rewound.
  if (request_.repeatable && request_.body != nullptr && request_.body_size > 0 && request_.rewind) {
    set(easy_, CURLOPT_SEEKFUNCTION, &Transfer::on_seek);
    set(easy_, CURLOPT_SEEKDATA, static_cast<void*>(this));
  } else if (request_.method != "GET" && request_.method != "HEAD") {
    set(easy_, CURLOPT_FRESH_CONNECT, 1L);
  }

  const auto append = [&](const std::string& line) {
    curl_slist* longer = ::curl_slist_append(headers_.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(headers_.release());
    headers_.reset(longer);
  };
  append("Expect:");
  bool typed = false;
  for (const auto& [name, value] : request_.headers) {
    append(value.empty() ? name + ";" : name + ": " + value);  // libcurl's way to say "with an empty value"
    typed = typed || base::lower(name) == "content-type";
  }
  if (!typed) append("Content-Type:");  // none of libcurl's own
  set(easy_, CURLOPT_HTTPHEADER, headers_.get());
}

Response Transfer::run() {
  drive();
  response_.status = [&] {
    long status = 0;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    return static_cast<int>(status);
  }();
  return std::move(response_);
}

void Transfer::drive() {
  const Added added(multi_, easy_.get());
  StallWatch watch({options_.idle_timeout, options_.answer_timeout, options_.minimum_rate});
  for (;;) {
    int running = 0;
    if (const CURLMcode result = ::curl_multi_perform(multi_, &running); result != CURLM_OK)
      throw Error(ErrorCode::internal, std::string("libcurl failed: ") + ::curl_multi_strerror(result));
    curl_off_t connected = 0;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_PRETRANSFER_TIME_T, &connected);
    reached_ = reached_ || connected > 0;

    int left = 0;
    while (const CURLMsg* message = ::curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      if (failure_) std::rethrow_exception(failure_);
      if (message->data.result != CURLE_OK && !enough_) fail(message->data.result);
      if (!head_done_)
        lose("the connection was closed within the head of the answer");  // libcurl takes that for an end
      return;
    }

    const auto before = std::chrono::steady_clock::now();
    ::curl_multi_poll(multi_, nullptr, 0, poll_slice_ms, nullptr);
    const auto waited =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - before);
    if (context_.cancel->cancelled()) {
      Error error(ErrorCode::cancelled, "interrupted");
      if (sent_whole() && request_.method != "GET" && request_.method != "HEAD" && !request_.repeatable)
        error.because("the request to " + shown_ + " was sent already and may still take effect");
      throw error;
    }
    if (!reached_) continue;  // libcurl bounds the connecting
    // What has arrived during the wait is read before it is judged.
    ::curl_multi_perform(multi_, &running);
    if (running == 0) continue;
    if (auto stalled = watch.waited(waited, phase(), moved())) lose(std::move(*stalled));
  }
}

Phase Transfer::phase() const {
  if (head_done_) return sink_ && is_success(response_.status) ? Phase::streaming : Phase::reading;
  if (head_lines_ > 0) return Phase::head;
  return request_.body != nullptr && given_ < request_.body_size ? Phase::sending : Phase::waiting;
}

std::uint64_t Transfer::moved() const {
  curl_off_t up = 0;
  ::curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_UPLOAD_T, &up);
  return static_cast<std::uint64_t>(up) + head_bytes_ + response_.body_bytes;
}

bool Transfer::sent_whole() const {
  long head = 0;
  ::curl_easy_getinfo(easy_.get(), CURLINFO_REQUEST_SIZE, &head);
  return reached_ && head > 0 && (request_.body == nullptr || given_ == request_.body_size);
}

void Transfer::lose(std::string why) {
  passing_ = true;
  const bool repeatable = request_.repeatable || request_.method == "GET" || request_.method == "HEAD";
  if (!repeatable && sent_whole())
    throw Error(ErrorCode::outcome_unknown, "the answer of " + shown_ + " to a request that it got was lost")
        .because(std::move(why));
  if (head_done_)
    throw Error(ErrorCode::unreachable, "the answer of " + shown_ + " was cut short").because(std::move(why));
  throw Error(ErrorCode::unreachable, shown_ + " does not answer").because(std::move(why));
}

Error Transfer::cannot_trust() const {
  return Error(ErrorCode::refused, "the certificate of " + shown_ + " cannot be trusted")
      .hint("if it is signed by a private authority, name the file with that authority's certificate");
}

void Transfer::fail(CURLcode result) {
  long error = 0;
  ::curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &error);
  switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST: lose("the name of its host is not known");
    case CURLE_COULDNT_CONNECT:
      lose(error == 0 ? "no connection" : base::lower(std::generic_category().message(static_cast<int>(error))));
    case CURLE_OPERATION_TIMEDOUT: lose("no connection within " + duration_text(options_.connect_timeout));
    case CURLE_GOT_NOTHING: lose("the connection was closed without an answer");
    case CURLE_PARTIAL_FILE:
      lose("the connection was closed after " + std::to_string(response_.body_bytes) + " bytes of it");
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: lose(head_done_ ? "the connection was lost within it" : "the connection was lost");
    case CURLE_SSL_CONNECT_ERROR: lose("no encrypted connection could be agreed on");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR: throw cannot_trust().because(::curl_easy_strerror(result));
    case CURLE_SSL_CACERT_BADFILE:
      throw Error(ErrorCode::io, "cannot read the certificates in " + quote(options_.ca_bundle.native()));
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
      throw Error(ErrorCode::unsupported, "what answers at " + shown_ + " does not speak HTTP");
    case CURLE_OUT_OF_MEMORY:
      // libcurl's own bound of one header line comes back as this.
      if (reached_ && !head_done_)
        throw Error(ErrorCode::refused, "the head of the answer of " + shown_ + " is too large");
      throw std::bad_alloc();
    default: lose(::curl_easy_strerror(result));
  }
}

std::size_t Transfer::on_header(char* data, std::size_t, std::size_t size, void* self) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  try {
    transfer.take_header({data, size});
    return size;
  } catch (...) {
    transfer.failure_ = std::current_exception();
    return 0;
  }
}

void Transfer::take_header(std::string_view line) {
  head_bytes_ += line.size();
  ++head_lines_;
  if (head_bytes_ > max_head_bytes || head_lines_ > max_head_lines)
    throw Error(ErrorCode::refused, "the head of the answer of " + shown_ + " is too large");
  if (line.starts_with("HTTP/")) {  // also after a 100: the head that counts is the last one
    response_.headers.clear();
    head_open_ = true;
    return;
  }
  if (!head_open_) return;  // a trailer behind a chunked body
  if (trimmed(line).empty()) {
    long status = 0;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    head_open_ = false;
    head_done_ = status >= 200;
    if (head_done_ && request_.on_head) request_.on_head(response_);
    if (!head_done_ || !is_success(response_.status)) return;
    const std::uint64_t limit = sink_ ? options_.max_response_bytes : options_.max_memory_body;
    const std::string promised = response_.header("content-length").value_or("");
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(promised.data(), promised.data() + promised.size(), size);
    if (error == std::errc::result_out_of_range || (error == std::errc() && size > limit && request_.method != "HEAD"))
      throw Error(ErrorCode::refused,
                  "the answer of " + shown_ + " is larger than " + std::to_string(limit) + " bytes");
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  response_.headers.emplace_back(base::lower(trimmed(line.substr(0, colon))), trimmed(line.substr(colon + 1)));
}

std::size_t Transfer::on_body(char* data, std::size_t, std::size_t size, void* self) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  try {
    return transfer.take_body({data, size}) ? size : 0;
  } catch (...) {
    transfer.failure_ = std::current_exception();
    return 0;
  }
}

bool Transfer::take_body(std::string_view piece) {
  const bool success = is_success(response_.status);
  if (!success) {
    const std::size_t kept = std::min<std::size_t>(piece.size(), max_other_body - response_.body.size());
    response_.body += piece.substr(0, kept);
    response_.body_bytes += kept;
    enough_ = response_.body.size() == max_other_body;
    return !enough_;
  }
  const std::uint64_t limit = sink_ ? options_.max_response_bytes : options_.max_memory_body;
  if (piece.size() > limit - response_.body_bytes)
    throw Error(ErrorCode::refused, "the answer of " + shown_ + " is larger than " + std::to_string(limit) + " bytes");
  response_.body_bytes += piece.size();
  if (sink_) {
    delivered_ = true;
    sink_(base::bytes_of(piece));
  } else {
    response_.body += piece;
  }
  return true;
}

std::size_t Transfer::on_read(char* data, std::size_t one, std::size_t count, void* self) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  try {
    return transfer.give_body({data, one * count});
  } catch (...) {
    transfer.failure_ = std::current_exception();
    return CURL_READFUNC_ABORT;
  }
}

std::size_t Transfer::give_body(std::span<char> buffer) {
  const std::uint64_t left = request_.body_size - given_;
  if (left == 0) return 0;
  buffer = buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size())));
  const std::size_t count = request_.body->read(std::as_writable_bytes(buffer));
  if (count == 0)
    throw Error(ErrorCode::io, "what was to be sent to " + shown_ + " ended after " + std::to_string(given_) + " of " +
                                   std::to_string(request_.body_size) + " bytes");
  given_ += count;
  return count;
}

int Transfer::on_seek(void* self, curl_off_t offset, int origin) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_FAIL;
  try {
    transfer.request_.rewind();
    transfer.given_ = 0;
    return CURL_SEEKFUNC_OK;
  } catch (...) {
    transfer.failure_ = std::current_exception();
    return CURL_SEEKFUNC_FAIL;
  }
}

curl_socket_t Transfer::on_socket(void* self, curlsocktype, curl_sockaddr* address) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  if (!is_loopback_socket(address->addr)) {
    transfer.failure_ = std::make_exception_ptr(
        Error(ErrorCode::refused, transfer.shown_ + " is a name of this machine but leads to another one"));
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

}  // namespace pod::http
