// What an instance says that is not state: failures, reports, descriptions. All of it is from outside: bounded, made
// printable, and free of the token that was sent.
#pragma once

#include "http/client.hpp"
#include "json/json.hpp"

#include <libpod/error.hpp>
#include <libpod/instance.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace pod::instance {

/// Who was asked, as errors may show it.
struct Asked {
  std::string url;
  int port = 0;
  bool loopback = false;
  std::string token;  // only to keep it out of what is shown
};

/// On one printable line, cut after about `limit` bytes.
std::string one_line(std::string_view text, std::size_t limit);

/// The Error for an answer that is no success. By `error.code` of the body where there is one, else by status: 401 and
/// 403 denied; 404 and 405 unsupported (no state endpoints); 409, 412 conflict; 413 refused; 422 incompatible; 429, 503
/// busy; 502, 504 unreachable; else io for 5xx and unsupported for the rest.
Error failure_of(const http::Response& response, const Asked& asked);

/// The JSON object in a 200 answer; Error(unsupported) that names what came instead.
json::Value description(const http::Response& response, const Asked& asked);

/// "text/html" of "Text/HTML; charset=utf-8"; "" where there is none.
std::string media_type(const http::Response& response);

/// The lines that answer a post of state; what cannot be read is skipped.
struct LoadReport {
  std::vector<ServiceOutcome> services;
  std::string ending;   // status of the completion line, "ok" or "partial"; empty where there was none
  std::string message;  // of the completion line
  bool any_failed() const;
};
LoadReport read_report(std::string_view lines, const Asked& asked);

/// The hint for an emulator that cannot save its state: what pod-agent is and how it is started.
std::string how_to_start_an_agent(const Asked& asked);

}  // namespace pod::instance
