#include "http/client.hpp"

#include "base/ascii.hpp"
#include "http/retry.hpp"
#include "http/transfer.hpp"

#include <libpod/error.hpp>

#include <algorithm>

namespace pod::http {
namespace {

bool is_token(std::string_view text) {
  const auto is_token_byte = [](char c) {
    return base::is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_byte);
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// A value from outside must not become another header or another request.
void check(const Request& request) {
  if (!is_token(request.method))
    throw Error(ErrorCode::invalid_argument, "invalid HTTP method " + quote(request.method));
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name)) throw Error(ErrorCode::invalid_argument, "invalid header name " + quote(name));
    const std::string lower = base::lower(name);
    if (lower == "content-length" || lower == "transfer-encoding" || lower == "expect")
      throw Error(ErrorCode::invalid_argument, "the header " + quote(name) + " is the client's own");
    if (std::any_of(value.begin(), value.end(), [](char c) { return is_control(c) && c != '\t'; }))
      throw Error(ErrorCode::invalid_argument, "the value of the header " + quote(name) + " holds a control character");
  }
  const std::size_t mark = request.url.find('?');
  if (mark == std::string::npos) return;
  const std::string_view query = std::string_view(request.url).substr(mark);
  if (std::any_of(query.begin(), query.end(), [](char c) { return is_control(c) || c == ' ' || c == '#'; }))
    throw Error(ErrorCode::invalid_argument,
                "the query of " + quote(request.url.substr(0, mark)) + " holds a space, a '#' or a control character");
}

void initialise_libcurl() {
  static const CURLcode result = ::curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK)
    throw Error(ErrorCode::internal, std::string("libcurl cannot start: ") + ::curl_easy_strerror(result));
}

}  // namespace

std::optional<std::string> Response::header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers)
    if (name == lower_name) return value;
  return std::nullopt;
}

struct Client::Impl {
  Impl(ClientOptions given_options, const Context& given_context)
      : options(std::move(given_options)), context(given_context) {
    initialise_libcurl();
    multi.reset(::curl_multi_init());
    if (!multi) throw std::bad_alloc();
  }

  ClientOptions options;
  Context context;
  Multi multi;
  bool reached = false;
};

Client::Client(ClientOptions options, const Context& context)
    : impl_(std::make_unique<Impl>(std::move(options), context)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;

bool Client::reached() const noexcept { return impl_->reached; }

Response Client::send(const Request& request, const base::ByteSink& sink, const std::function<void()>& restart) {
  impl_->reached = false;
  check(request);
  const bool repeatable = request.repeatable || request.method == "GET" || request.method == "HEAD";
  const bool rewindable = request.body == nullptr || request.rewind;
  const auto deadline = std::chrono::steady_clock::now() + impl_->options.retry_budget;
  Backoff backoff;

  for (int attempt = 1;; ++attempt) {
    impl_->context.cancel->check();
    Transfer transfer(impl_->multi.get(), impl_->options, impl_->context, request, sink);
    const bool last = !repeatable || !rewindable || attempt > impl_->options.retries;
    const auto fits = [&](std::chrono::milliseconds delay) {
      return std::chrono::steady_clock::now() + delay < deadline;
    };
    std::chrono::milliseconds delay{0};
    try {
      Response response = transfer.run();
      impl_->reached = true;
      if (last || !is_passing(response.status)) return response;
      // A server that asks for more patience than there is gets its answer shown instead.
      delay =
          std::max(backoff.next(), retry_after(response, *impl_->context.clock).value_or(std::chrono::milliseconds(0)));
      if (!fits(delay)) return response;
    } catch (Error& error) {
      impl_->reached = transfer.reached();
      delay = backoff.next();
      const bool lost_for_good = transfer.delivered() && !restart;
      if (last || !transfer.passing() || lost_for_good || !fits(delay)) {
        if (attempt > 1) error.because("tried " + std::to_string(attempt) + " times");
        throw;
      }
    }
    wait(delay, *impl_->context.cancel);
    if (request.rewind && request.body != nullptr) request.rewind();
    if (restart) restart();
  }
}

}  // namespace pod::http
