#include "objects/signed_urls.hpp"

#include <algorithm>
#include <deque>

namespace pod::objects {
namespace {

constexpr std::size_t kept_urls = 256;
constexpr std::int64_t margin = 60;  // seconds; a request may take its time to get there

bool is_free(const S3Request& request, std::string_view header) {
  return (request.method == "GET" || request.method == "HEAD") &&
         (header == "range" || header == "if-match" || header == "if-none-match");
}

/// What a URL is good for.
std::string fingerprint(const S3Request& request) {
  std::string text = request.method + "\n" + request.key + "\n" + request.sha256 + "\n" + std::to_string(request.size);
  for (const auto& [name, value] : request.query) text += "\n?" + name + "=" + value;
  for (const auto& [name, value] : request.headers)
    if (!is_free(request, name)) text += "\n" + name + ": " + value;
  return text;
}

class Signed {
 public:
  Signed(std::string shown, SignUrl sign, const Context& context)
      : shown_(std::move(shown)), sign_(std::move(sign)), context_(context) {}

  SignedRequest authorise(const S3Request& request, bool refused) {
    const std::string name = fingerprint(request);
    std::optional<SignedUrl> url = refused ? std::nullopt : find(name);
    if (!url) {
      S3Request fixed = request;
      std::erase_if(fixed.headers, [&](const auto& header) { return is_free(request, header.first); });
      url = sign_(fixed);
      if (!url)
        throw Error(ErrorCode::unsupported, quote(shown_) + " gives no URL to " + request.method + " " +
                                                (request.key.empty() ? "the bucket" : quote(request.key)));
      check(request, *url);
      keep(name, *url);
    }
    SignedRequest ready{url->url, url->headers};
    for (const auto& header : request.headers)
      if (is_free(request, header.first)) ready.headers.push_back(header);
    return ready;
  }

 private:
  void check(const S3Request& request, const SignedUrl& url) const {
    for (const auto& header : request.headers) {
      if (is_free(request, header.first) || !header.first.starts_with("if-")) continue;
      if (std::find(url.headers.begin(), url.headers.end(), header) == url.headers.end())
        throw Error(ErrorCode::refused,
                    "a URL of " + quote(shown_) + " leaves out the condition " + quote(header.first));
    }
  }

  std::optional<SignedUrl> find(const std::string& name) {
    const std::int64_t now = context_.clock->now().seconds;
    const std::lock_guard lock(mutex_);
    for (const auto& [known, url] : urls_)
      if (known == name && url.expires > now + margin) return url;
    return std::nullopt;
  }

  void keep(const std::string& name, const SignedUrl& url) {
    const std::lock_guard lock(mutex_);
    std::erase_if(urls_, [&](const auto& known) { return known.first == name; });
    urls_.emplace_back(name, url);
    if (urls_.size() > kept_urls) urls_.pop_front();
  }

  const std::string shown_;
  const SignUrl sign_;
  const Context context_;
  std::mutex mutex_;
  std::deque<std::pair<std::string, SignedUrl>> urls_;
};

}  // namespace

std::unique_ptr<S3Store> open_signed(std::string shown, SignUrl sign, const S3Options& options,
                                     const Context& context) {
  S3Options used = options;
  if (!used.traits) used.traits = S3Traits{true, S3Traits::Match::quoted, true, true, true, true};
  const auto urls = std::make_shared<Signed>(shown, std::move(sign), context);
  return std::make_unique<S3Store>(
      std::move(shown),
      [urls](const S3Request& request, std::int64_t, bool refused) { return urls->authorise(request, refused); }, used,
      context);
}

}  // namespace pod::objects
