#include "instance/answers.hpp"

#include "base/ascii.hpp"
#include "digest/digest.hpp"

#include <algorithm>

namespace pod::instance {
namespace {

constexpr std::size_t max_line = 1 << 20;
constexpr std::size_t max_services = 10'000;
constexpr std::size_t max_message = 500;

void replace_all(std::string& text, std::string_view what) {
  if (what.empty()) return;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += 3)
    text.replace(at, what.size(), "***");
}

/// A server may repeat what it was sent.
std::string shown(std::string_view text, const Asked& asked, std::size_t limit = max_message) {
  std::string clean(text.substr(0, max_line));
  if (!asked.token.empty()) {
    replace_all(clean, digest::base64(":" + asked.token));
    replace_all(clean, asked.token);
  }
  return one_line(clean, limit);
}

struct Said {
  std::string code;
  std::string message;
  std::string service;
};

/// `{"error": {"code", "message", "service"}}`, or the text itself where the body is plain text.
Said said_in(const http::Response& response, const Asked& asked) {
  Said said;
  try {
    const json::Value body = json::parse(response.body, "answer", {.bytes = 64 * 1024, .depth = 16, .values = 1000});
    const auto error = body.is_object() ? body.find("error") : body.end();
    if (body.is_object() && error != body.end() && error->is_object()) {
      said.code = json::find_string(*error, "code").value_or("");
      said.message = shown(json::find_string(*error, "message").value_or(""), asked);
      said.service = shown(json::find_string(*error, "service").value_or(""), asked, 64);
    }
  } catch (const Error&) {
    if (media_type(response) == "text/plain") said.message = shown(response.body, asked, 200);
  }
  return said;
}

ErrorCode code_for(const Said& said, int status) {
  struct Row {
    std::string_view said;
    ErrorCode code;
  };
  constexpr Row rows[] = {
      {"bad_request", ErrorCode::invalid_argument},
      {"unauthorized", ErrorCode::denied},
      {"forbidden", ErrorCode::denied},
      {"unknown_service", ErrorCode::not_found},
      {"not_an_archive", ErrorCode::corrupt},
      {"too_large", ErrorCode::refused},
      {"incompatible", ErrorCode::incompatible},
      {"refused", ErrorCode::refused},
      {"damaged", ErrorCode::corrupt},
      {"unsupported_strategy", ErrorCode::unsupported},
      {"state_moved", ErrorCode::conflict},
      {"busy", ErrorCode::busy},
      {"internal", ErrorCode::io},
  };
  for (const Row& row : rows)
    if (row.said == said.code) return row.code;
  switch (status) {
    case 400: return ErrorCode::invalid_argument;
    case 401:
    case 403: return ErrorCode::denied;
    case 409:
    case 412: return ErrorCode::conflict;
    case 413: return ErrorCode::refused;
    case 422: return ErrorCode::incompatible;
    case 429:
    case 503: return ErrorCode::busy;
    case 502:
    case 504: return ErrorCode::unreachable;
    default: return status >= 500 && status != 501 ? ErrorCode::io : ErrorCode::unsupported;
  }
}

Error denied(const http::Response& response, const Asked& asked, const Said& said) {
  constexpr auto where = "$PODGIT_INSTANCE_TOKEN or the setting instance.token";
  if (response.status == 401)
    return Error(ErrorCode::denied, quote(asked.url) + " asks for a token")
        .hint("give the token that the emulator was started with by " + std::string(where));
  if (!asked.token.empty())
    return Error(ErrorCode::denied, quote(asked.url) + " does not accept the token")
        .hint("compare " + std::string(where) + " with the token that the emulator was started with");
  Error error(ErrorCode::denied, quote(asked.url) + " does not let its state be read or changed");
  if (said.message.empty()) error.because("it answered 403");
  return error.hint(
      "from another machine pod-agent wants a token: start it with --token-file, and give the same token by " +
      std::string(where));
}

std::string what_came(const http::Response& response) {
  const std::string type = media_type(response);
  if (response.body_bytes == 0) return "an empty body";
  return type.empty() ? "something without a type" : quote(type);
}

}  // namespace

std::string one_line(std::string_view text, std::size_t limit) {
  const auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  std::string line;
  for (const char c : text) {
    if (line.size() > limit) break;
    if (!is_space(c))
      line += c;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  }
  const bool cut = line.size() > limit;
  if (cut) {
    std::size_t end = limit;  // not within a character
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;
    line.resize(end);
  }
  if (line.ends_with(' ')) line.pop_back();
  return printable(line) + (cut ? "…" : "");
}

std::string media_type(const http::Response& response) {
  const std::string whole = response.header("content-type").value_or("");
  std::string type = base::lower(whole.substr(0, whole.find(';')));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  return type;
}

std::string how_to_start_an_agent(const Asked& asked) {
  const std::string port = asked.loopback ? std::to_string(asked.port) : "4566";
  return "pod-agent runs moto server with the endpoints that save and load its state: `pod-agent moto --port " + port +
         "`";
}

Error failure_of(const http::Response& response, const Asked& asked) {
  const Said said = said_in(response, asked);
  const std::string name = quote(asked.url);
  const ErrorCode code = code_for(said, response.status);
  const auto with_reason = [&](Error error) {
    if (!said.message.empty())
      error.because(said.service.empty() ? said.message : quote(said.service) + ": " + said.message);
    return error;
  };
  const std::string status = std::to_string(response.status);

  if (response.status >= 300 && response.status < 400)
    return Error(ErrorCode::unsupported, name + " answers with a redirect (" + status + ")")
        .hint("name the address that it redirects to");
  if (code == ErrorCode::denied) return with_reason(denied(response, asked, said));
  if (code == ErrorCode::unsupported && said.code.empty() && (response.status == 404 || response.status == 405))
    return with_reason(Error(ErrorCode::unsupported, name + " has no state endpoints")
                           .because("it answered " + status + " with " + what_came(response))
                           .hint(how_to_start_an_agent(asked)));
  if (said.code == "not_found")
    return with_reason(Error(ErrorCode::unsupported, name + " lacks a state endpoint that is needed"))
        .hint("use a newer pod-agent");
  if (said.code == "unsupported_strategy")
    return with_reason(Error(code, name + " does not know this strategy"))
        .hint("use overwrite or account-region-merge");
  switch (code) {
    case ErrorCode::not_found:
      return with_reason(Error(
          code, name + " does not know " +
                    (said.service.empty() ? "a service that was asked for" : "the service " + quote(said.service))));
    case ErrorCode::conflict:
      return with_reason(Error(code, "the state of " + name + " has changed meanwhile").hint("run the command again"));
    case ErrorCode::refused:
      return with_reason(
          Error(code, name + (response.status == 413 ? " finds the state too large" : " refuses the state")));
    case ErrorCode::incompatible:
      return with_reason(Error(code, "the state does not fit " + name))
          .hint("use the emulator version that wrote it, or --force to try all the same");
    case ErrorCode::corrupt: return with_reason(Error(code, name + " finds the state damaged"));
    case ErrorCode::busy: return with_reason(Error(code, name + " is busy").hint("try again in a moment"));
    case ErrorCode::unreachable:
      return with_reason(Error(code, "the emulator behind " + name + " does not answer (" + status + ")"));
    case ErrorCode::io: return with_reason(Error(code, name + " failed (" + status + ")").hint("its log says more"));
    default: break;
  }
  Error error(code, name + " answered " + status);
  if (said.message.empty()) error.because("with " + what_came(response));
  return with_reason(std::move(error));
}

json::Value description(const http::Response& response, const Asked& asked) {
  try {
    json::Value value = json::parse(response.body, "answer", {.bytes = 1 << 20, .depth = 16, .values = 10'000});
    if (value.is_object()) return value;
  } catch (const Error&) {
    // said below, in terms of what came
  }
  throw Error(ErrorCode::unsupported, quote(asked.url) + " is no emulator with state endpoints")
      .because("where it should describe itself it answered " + std::to_string(response.status) + " with " +
               what_came(response))
      .hint(how_to_start_an_agent(asked));
}

bool LoadReport::any_failed() const {
  return std::any_of(services.begin(), services.end(), [](const ServiceOutcome& outcome) { return !outcome.ok; });
}

LoadReport read_report(std::string_view lines, const Asked& asked) {
  LoadReport report;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    if (line.empty() || line.size() > max_line) continue;
    json::Value value;
    try {
      value = json::parse(line, "line", {.bytes = max_line, .depth = 16, .values = 10'000});
    } catch (const Error&) {
      continue;
    }
    if (!value.is_object()) continue;
    const std::string status = json::find_string(value, "status").value_or("");
    const std::string message = shown(json::find_string(value, "message").value_or(""), asked);
    if (json::find_string(value, "event") == "completion") {
      report.ending = one_line(status, 64);
      report.message = message;
    } else if (const auto service = json::find_string(value, "service");
               service && report.services.size() < max_services) {
      report.services.push_back({one_line(*service, 64), status == "ok", message});
    }
  }
  return report;
}

}  // namespace pod::instance
