#include "instance/answers.hpp"

#include "digest/digest.hpp"

#include <doctest/doctest.h>

using namespace pod::instance;
using pod::Error;
using pod::ErrorCode;
using pod::http::Response;

namespace {

const Asked local{"http://localhost:4566", 4566, true, "t0ken"};

Response answer(int status, const std::string& body, const std::string& type) {
  Response response{.status = status, .headers = {}, .body = body, .body_bytes = body.size()};
  if (!type.empty()) response.headers.emplace_back("content-type", type);
  return response;
}

Error failure(int status, const std::string& body = "", const std::string& type = "") {
  return failure_of(answer(status, body, type), local);
}

Error agent_failure(int status, const std::string& code, const std::string& message = "the reason") {
  return failure(status, pod::json::Value{{"error", {{"code", code}, {"message", message}}}}.dump(),
                 "application/json");
}

std::string everything(const Error& error) {
  std::string text = error.message() + "|" + error.next() + "|" + error.kept();
  for (const std::string& cause : error.causes()) text += "|" + cause;
  return text;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("each code of the protocol has its error, with the instance's reason") {
  struct Row {
    int status;
    const char* code;
    ErrorCode error;
  };
  for (const Row& row :
       {Row{400, "bad_request", ErrorCode::invalid_argument}, Row{401, "unauthorized", ErrorCode::denied},
        Row{403, "forbidden", ErrorCode::denied}, Row{404, "unknown_service", ErrorCode::not_found},
        Row{400, "unknown_service", ErrorCode::not_found}, Row{404, "not_found", ErrorCode::unsupported},
        Row{400, "not_an_archive", ErrorCode::corrupt}, Row{413, "too_large", ErrorCode::refused},
        Row{422, "incompatible", ErrorCode::incompatible}, Row{422, "refused", ErrorCode::refused},
        Row{422, "damaged", ErrorCode::corrupt}, Row{422, "unsupported_strategy", ErrorCode::unsupported},
        Row{412, "state_moved", ErrorCode::conflict}, Row{503, "busy", ErrorCode::busy},
        Row{500, "internal", ErrorCode::io}}) {
    CAPTURE(row.code);
    const Error error = agent_failure(row.status, row.code);
    CHECK(error.code() == row.error);
    CHECK(has(everything(error), "the reason"));
    CHECK(has(error.message(), "http://localhost:4566"));
  }
}

TEST_CASE("a status alone has its error too") {
  CHECK(failure(400).code() == ErrorCode::invalid_argument);
  CHECK(failure(409).code() == ErrorCode::conflict);
  CHECK(failure(412).code() == ErrorCode::conflict);
  CHECK(failure(413).code() == ErrorCode::refused);
  CHECK(failure(418).code() == ErrorCode::unsupported);
  CHECK(failure(422, "state of another version", "text/plain").code() == ErrorCode::incompatible);
  CHECK(has(everything(failure(422, "state of another version", "text/plain")), "state of another version"));
  CHECK(failure(429).code() == ErrorCode::busy);
  CHECK(failure(500).code() == ErrorCode::io);
  CHECK(failure(501).code() == ErrorCode::unsupported);
  CHECK(failure(502).code() == ErrorCode::unreachable);
  CHECK(failure(504).code() == ErrorCode::unreachable);
}

TEST_CASE("an instance without state endpoints is told what pod-agent is and how it is started") {
  for (const Error& error : {failure(404), failure(404, "<?xml version=\"1.0\"?>", "text/xml"), failure(405)}) {
    CHECK(error.code() == ErrorCode::unsupported);
    CHECK(error.message() == "\"http://localhost:4566\" has no state endpoints");
    CHECK(has(error.next(), "pod-agent moto --port 4566"));
  }
  CHECK(has(everything(failure(404)), "404 with an empty body"));
  CHECK(has(everything(failure(404, "<html>", "text/html; charset=utf-8")), "404 with \"text/html\""));
}

TEST_CASE("a redirect is named and not followed") {
  const Error error = failure(307);
  CHECK(error.code() == ErrorCode::unsupported);
  CHECK(has(error.message(), "redirect (307)"));
}

TEST_CASE("who is asked for a token is told where it comes from") {
  CHECK(has(agent_failure(401, "unauthorized").next(), "$PODGIT_INSTANCE_TOKEN"));
  CHECK(has(agent_failure(403, "forbidden").message(), "does not accept the token"));
  Asked bare = local;
  bare.token.clear();
  const Error error = failure_of(answer(403, "", ""), bare);
  CHECK(error.code() == ErrorCode::denied);
  CHECK(has(error.next(), "--token-file"));
}

TEST_CASE("a token that comes back is not shown") {
  const std::string basic = pod::digest::base64(":t0ken");
  const std::string text = everything(agent_failure(401, "unauthorized", "bad header 'Basic " + basic + "' or t0ken"));
  CHECK(!has(text, "t0ken"));
  CHECK(!has(text, basic));
  CHECK(has(text, "***"));
}

TEST_CASE("messages are one printable line of bounded length") {
  const std::string text =
      everything(agent_failure(500, "internal", "first\r\n\x1b[31msecond" + std::string(50'000, 'x')));
  CHECK(has(text, "first \\x1b[31msecond"));
  CHECK(text.size() < 1000);
  CHECK(one_line("  a \n\t b  ", 100) == "a b");
  CHECK(one_line("äöü", 3) == "ä…");
  CHECK(one_line("äöü", 4) == "äö…");
  CHECK(one_line("abc", 3) == "abc");
  CHECK(one_line("\xff", 10) == "\\xff");
}

TEST_CASE("a hostile error body is no error of its own") {
  for (const std::string& body :
       {std::string("{\"error\": 1}"), std::string("[1]"), std::string(60'000, '['),
        std::string("{\"error\": {\"code\": 7, \"message\": null}}"), std::string("\xff\xfe")})
    CHECK(failure(500, body, "application/json").code() == ErrorCode::io);
}

TEST_CASE("what does not describe itself in JSON is no emulator, and what came is named") {
  CHECK(description(answer(200, "{\"agent\": \"1\"}", "application/json"), local)["agent"] == "1");
  for (const std::string body : {"<html>", "[]", "{", ""}) {
    try {
      description(answer(200, body, "text/html"), local);
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::unsupported);
      CHECK(has(everything(error), body.empty() ? "an empty body" : "text/html"));
    }
  }
}

TEST_CASE("a report has the services, the ending, and nothing of what cannot be read") {
  const LoadReport report = read_report(
      "{\"service\": \"s3\", \"status\": \"ok\", \"message\": \"2 state files\"}\n"
      "not json\n\n[1]\n{\"event\": \"log\", \"message\": \"hello\"}\n" +
          std::string(2 << 20, 'x') +
          "\n"
          "{\"event\": \"service\", \"service\": \"sqs\", \"status\": \"error\", \"message\": \"t0ken\\u001b "
          "broke\"}\r\n"
          "{\"event\": \"completion\", \"operation\": \"load\", \"status\": \"partial\", \"digest\": \"ab\"}",
      local);
  REQUIRE(report.services.size() == 2);
  CHECK(report.services[0].service == "s3");
  CHECK(report.services[0].ok);
  CHECK(report.services[0].message == "2 state files");
  CHECK(report.services[1].service == "sqs");
  CHECK(!report.services[1].ok);
  CHECK(report.services[1].message == "***\\x1b broke");
  CHECK(report.ending == "partial");
  CHECK(report.any_failed());
  CHECK(read_report("", local).ending.empty());
}
