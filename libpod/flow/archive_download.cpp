// An archive from a web server, into a file. What follows "?" in its URL may be a key: it is sent and never shown.

#include "base/files.hpp"
#include "flow/progress_step.hpp"
#include "http/client.hpp"

#include <libpod/error.hpp>
#include <libpod/flow.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>

namespace pod {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_url = 16384;

/// What it can be called, whatever the server's path is.
std::string file_name(const http::Url& url) {
  std::string name = fs::path(url.path()).filename().string();
  std::erase_if(name, [](char c) {
    return !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '-' ||
             c == '_');
  });
  constexpr std::size_t longest = 100;
  if (name.size() > longest) name.erase(0, name.size() - longest);
  name.erase(0, std::min(name.find_first_not_of('.'), name.size()));
  return name.empty() ? "archive" : name;
}

[[noreturn]] void throw_status(const http::Response& response, const std::string& shown) {
  const int status = response.status;
  const std::string answer = "the server answered " + std::to_string(status);
  if (status >= 300 && status < 400)
    throw Error(ErrorCode::unsupported, "the archive at " + shown + " is elsewhere")
        .because(answer + ", a redirect, and podgit follows none")
        .hint("name the URL that it leads to");
  const std::string message = "the archive at " + shown + " cannot be had";
  if (status == 401 || status == 403)
    throw Error(ErrorCode::denied, message).because(answer).hint("a signed URL may have expired; ask for a new one");
  if (status == 404 || status == 410) throw Error(ErrorCode::not_found, message).because(answer);
  throw Error(ErrorCode::unreachable, message).because(answer);
}

}  // namespace

std::string shown_url(std::string_view url) {
  const std::string_view plain = url.substr(0, url.find_first_of("?#"));
  const std::size_t at = plain.rfind('@');
  const std::size_t begin = plain.find("://");
  const bool user = at != std::string_view::npos && begin != std::string_view::npos && plain.find('/', begin + 3) > at;
  return user ? std::string(plain.substr(0, begin + 3)) + "…" + std::string(plain.substr(at)) : std::string(plain);
}

fs::path download_archive(std::string_view text, const fs::path& folder, const DownloadOptions& options,
                          const Context& context) {
  const std::string_view plain = text.substr(0, text.find_first_of("?#"));
  const std::string_view rest = text.substr(plain.size());
  const std::string shown = shown_url(text);
  if (text.size() > most_url) throw Error(ErrorCode::invalid_argument, "the URL " + shown + " is too long");
  if (std::any_of(rest.begin(), rest.end(), [](char c) { return c <= ' ' || c > '~' || c == '#'; }))
    throw Error(ErrorCode::invalid_argument, "the query of " + shown + " has characters that no query has");
  const http::Url url = http::Url::parse(plain);
  if (url.scheme() != "https" && !url.is_local())
    throw Error(ErrorCode::refused, "an archive does not come over plain http from " + quote(url.host()))
        .because("anybody on the way could change it")
        .hint("https://…, or fetch it by other means and name the file");

  http::ClientOptions settings;
  settings.max_response_bytes = options.max_bytes;
  settings.ca_bundle = options.ca_bundle;
  settings.user_agent = "podgit";
  http::Client client(settings, context);
  const fs::path file = folder / file_name(url);
  const base::Fd fd = base::open_file(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  http::Request request;
  request.url = std::string(plain) + std::string(rest);
  std::optional<flow::ProgressStep> step;
  request.on_head = [&](const http::Response& head) {
    if (head.status / 100 != 2) return;
    std::optional<std::uint64_t> size;
    if (const auto length = head.header("content-length"); length && length->size() <= 15)
      size = std::strtoull(length->c_str(), nullptr, 10);
    step.reset();
    step.emplace(context, "downloading", size);
  };
  const auto restart = [&] {
    if (::ftruncate(fd.get(), 0) != 0 || ::lseek(fd.get(), 0, SEEK_SET) != 0) base::throw_errno(errno, "write", file);
  };
  const http::Response response = client.send(
      request,
      [&](base::ConstBytes bytes) {
        base::write_all(fd.get(), bytes, file);
        context.progress->advance(bytes.size());
      },
      restart);
  if (response.status / 100 != 2) throw_status(response, shown);
  return file;
}

}  // namespace pod
