#include <libpod/instance.hpp>

#include "base/ascii.hpp"
#include "http/client.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <array>
#include <system_error>

namespace pod {
namespace {

constexpr std::array strategies{
    std::pair{Strategy::overwrite, std::string_view("overwrite")},
    std::pair{Strategy::account_region_merge, std::string_view("account-region-merge")},
    std::pair{Strategy::service_merge, std::string_view("service-merge")},
    std::pair{Strategy::deep, std::string_view("deep")},
};

/// "localhost:4566", "moto:5000/": a URL whose scheme was forgotten.
bool is_host_and_port(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1, text.find('/', colon) - colon - 1);
  return base::is_digits(port) && std::all_of(host.begin(), host.end(), [](char c) {
           return base::is_alnum(c) || c == '.' || c == '-' || c == '_';
         });
}

std::string scheme_of(std::string_view text) {
  const std::size_t end = text.find("://");
  return end == std::string_view::npos ? std::string() : base::lower(text.substr(0, end));
}

http::Url parse_instance(std::string_view text) {
  try {
    return http::Url::parse(text);
  } catch (Error& error) {
    if (text.find('@') != std::string_view::npos)
      error.hint("an emulator's token is taken from $PODGIT_INSTANCE_TOKEN or the setting instance.token");
    else
      error.hint("an instance is named by the address where it listens, e.g. http://localhost:4566");
    throw;
  }
}

}  // namespace

Source Source::parse(std::string_view text, InstanceOptions options) {
  if (text.empty())
    throw Error(ErrorCode::invalid_argument, "an empty name is no source of state")
        .hint("name a running emulator (http://localhost:4566), a folder or an archive");
  if (text.find('\0') != std::string_view::npos)
    throw Error(ErrorCode::invalid_argument, quote(text) + " is no source of state: it holds a NUL byte");

  Source source;
  source.options_ = std::move(options);
  const std::string scheme = scheme_of(text);
  if (scheme == "http" || scheme == "https") {
    source.kind_ = Kind::instance;
    source.url_ = source.display_ = parse_instance(text).str();
    return source;
  }
  std::error_code error;
  const std::filesystem::path path(text);
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  const bool exists = std::filesystem::exists(status);
  if (!scheme.empty() && !exists)
    throw Error(ErrorCode::invalid_argument, quote(scheme + "://…") + " is no source of state")
        .hint("name a running emulator (http://localhost:4566), a folder or an archive");
  if (!exists && is_host_and_port(text))
    throw Error(ErrorCode::invalid_argument, quote(text) + " is no file or folder")
        .hint("if it is a running emulator, write http://" + std::string(text));
  source.kind_ = std::filesystem::is_directory(status) ? Kind::directory : Kind::archive;
  source.path_ = path;
  source.display_ = printable(text);
  return source;
}

Strategy parse_strategy(std::string_view text) {
  std::string names;
  for (const auto& [strategy, name] : strategies) {
    if (name == text) return strategy;
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  throw Error(ErrorCode::invalid_argument, "unknown strategy " + quote(text)).hint("it is one of: " + names);
}

std::string_view strategy_name(Strategy strategy) noexcept {
  for (const auto& [value, name] : strategies)
    if (value == strategy) return name;
  return "";
}

}  // namespace pod
