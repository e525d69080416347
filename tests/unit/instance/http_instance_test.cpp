#include "instance/http_instance.hpp"

#include "base/files.hpp"
#include "digest/digest.hpp"
#include "http/fault_server.hpp"
#include "instance/state_archive.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <algorithm>
#include <map>
#include <mutex>

using namespace pod::test;
using namespace std::chrono_literals;
using pod::Error;
using pod::ErrorCode;
using pod::InstanceOptions;
using pod::Source;
using pod::Strategy;
using pod::instance::Capture;
using pod::instance::HttpInstance;

namespace {

const std::string zip_type = "Content-Type: application/zip\r\n";
const std::string agent_environment =
    R"({"emulator": "moto", "emulator_version": "5.2.1", "python": "3.11.7", "agent": "0.1.0", "format": 1, "pro": false})";
const std::string agent_info = R"({"session_id": "abc", "injected": {"version": "shop:3", "time": "now"}})";
const std::string localstack_environment =
    R"({"localstack_version": "4.9.0", "moto_ext_version": "5.1.1", "pro": true})";

/// Answers by target (without the query); what has no script describes an agent, and everything else is 404. Remembers
/// what it was asked.
class Emulator {
 public:
  using Script = std::function<void(Peer&, const Asked&)>;
  explicit Emulator(std::map<std::string, Script> scripts, std::string environment = agent_environment)
      : scripts_(std::move(scripts)),
        environment_(std::move(environment)),
        server_([this](Peer& peer) { serve(peer); }) {}

  Source source(InstanceOptions options = {}) const {
    options.idle_timeout = 5s;
    return Source::parse(server_.url(), std::move(options));
  }
  const FaultServer& server() const { return server_; }
  std::vector<Asked> asked(std::string_view path) {
    const std::lock_guard lock(guard_);
    std::vector<Asked> found;
    for (const Asked& one : asked_)
      if (one.target.substr(0, one.target.find('?')) == path) found.push_back(one);
    return found;
  }

 private:
  void serve(Peer& peer) {
    while (const auto head = peer.read_head()) {
      Asked one = *head;
      const std::string path = one.target.substr(0, one.target.find('?'));
      const auto script = scripts_.find(path);
      if (one.count("content-length") > 0) one.body = peer.read_body(one);
      {
        const std::lock_guard lock(guard_);
        asked_.push_back(one);
      }
      if (script != scripts_.end())
        script->second(peer, one);
      else if (path == "/_localstack/pods/environment" && !environment_.empty())
        peer.answer(200, environment_);
      else if (path == "/_localstack/info" && environment_ == agent_environment)
        peer.answer(200, agent_info);
      else
        peer.answer(404, "");
    }
  }

  std::map<std::string, Script> scripts_;
  std::string environment_;
  std::mutex guard_;
  std::vector<Asked> asked_;
  FaultServer server_;
};

Emulator::Script say(int status, std::string body, std::string headers = "") {
  return [=](Peer& peer, const Asked&) { peer.answer(status, body, headers); };
}

const std::string state_path = "/_localstack/pods/state";
const std::string pods_path = "/_localstack/pods";

struct Spooled {
  pod::base::TempFolder folder{std::filesystem::temp_directory_path(), "pod-unit-"};
  Capture capture(const Source& source, const std::vector<std::string>& services = {},
                  const std::vector<std::string>& have = {}) {
    return HttpInstance(source, {}).capture(services, have, folder.path());
  }
  bool empty() const { return std::filesystem::is_empty(folder.path()); }
};

template <typename Call>
Error error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  FAIL("nothing was thrown");
  throw std::logic_error("not reached");
}

Error capture_error(Emulator& emulator, InstanceOptions options = {}) {
  Spooled spooled;
  const Error error = error_of([&] { spooled.capture(emulator.source(std::move(options))); });
  CHECK(spooled.empty());
  return error;
}

std::vector<pod::ServiceOutcome> inject(const Source& source, const std::optional<std::string>& digest = std::nullopt,
                                        bool force = false) {
  const pod::base::TempFolder folder(std::filesystem::temp_directory_path(), "pod-unit-");
  write_bytes(folder.path() / "state.zip", archive_of(shop()));
  return HttpInstance(source, {})
      .inject(folder.path() / "state.zip", Strategy::account_region_merge, force, "shop:3", digest);
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

const std::string loaded = R"({"service": "s3", "status": "ok", "message": "1 state file"})"
                           "\n"
                           R"({"event": "completion", "operation": "load", "status": "ok", "digest": "d"})"
                           "\n";

}  // namespace

TEST_SUITE("status") {
  TEST_CASE("of an agent names emulator, agent, session and the version last injected") {
    Emulator emulator({});
    const pod::InstanceStatus status = pod::instance_status(emulator.source());
    CHECK(status.emulator == pod::Emulator{"moto", "5.2.1", "3.11.7"});
    CHECK(status.agent == "0.1.0");
    CHECK(status.format == 1);
    CHECK(status.session == "abc");
    CHECK(status.injected == "shop:3");
  }

  TEST_CASE("of an emulator with endpoints of its own has no agent") {
    Emulator emulator({}, localstack_environment);
    const pod::InstanceStatus status = pod::instance_status(emulator.source());
    CHECK(status.emulator.name == "localstack");
    CHECK(status.emulator.version == "4.9.0");
    CHECK(status.agent.empty());
    CHECK(!status.injected);
  }

  TEST_CASE("of one that says neither is unsupported") {
    Emulator emulator({}, "{}");
    CHECK(error_of([&] { pod::instance_status(emulator.source()); }).code() == ErrorCode::unsupported);
  }

  TEST_CASE("of one without state endpoints says what pod-agent is") {
    Emulator emulator({}, "");
    const Error error = error_of([&] { pod::instance_status(emulator.source()); });
    CHECK(error.code() == ErrorCode::unsupported);
    CHECK(has(error.message(), "has no state endpoints"));
    CHECK(has(error.next(), "pod-agent moto --port"));
  }

  TEST_CASE("of nobody says how to start somebody") {
    const std::string url = "http://127.0.0.1:" + std::to_string(free_port());
    const Error error = error_of([&] { pod::instance_status(Source::parse(url)); });
    CHECK(error.code() == ErrorCode::unreachable);
    CHECK(error.message() == "no emulator answers at \"" + url + "\"");
    CHECK(error.causes().front() == "connection refused");
    CHECK(has(error.next(), "pod-agent moto --port"));
  }

  TEST_CASE("of a folder is no question") {
    CHECK(error_of([] { pod::instance_status(Source::parse("/")); }).code() == ErrorCode::invalid_argument);
  }
}

TEST_SUITE("a capture") {
  TEST_CASE("is spooled into a private file and checked") {
    Emulator emulator({{state_path, say(200, archive_of(shop()), zip_type)}});
    Spooled spooled;
    const Capture capture = spooled.capture(emulator.source(), {"s3", "sqs"});
    CHECK(capture.from_agent);
    CHECK(capture.entries.size() == 3);
    struct stat status {};
    REQUIRE(::stat(capture.archive.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK(capture.archive.parent_path() == spooled.folder.path());
    CHECK(emulator.asked(state_path).front().target == state_path + "?services=s3%2Csqs");

    const Capture second = spooled.capture(emulator.source());
    CHECK(second.archive != capture.archive);
    CHECK(emulator.asked(state_path).back().target == state_path);
  }

  TEST_CASE("names what the caller has to an agent, and to nobody else") {
    auto files = shop();
    files[2].omitted = true;
    const std::string sha256 = sha256_of(files[2].content);
    Emulator agent({{"/_pod/state", say(200, archive_of(files), zip_type)}});
    Spooled spooled;
    CHECK(spooled.capture(agent.source(), {"s3"}, {sha256}).entries[2].omitted);
    const Asked asked = agent.asked("/_pod/state").front();
    CHECK(asked.method == "POST");
    CHECK(pod::json::parse(asked.body, "request") == pod::json::Value{{"have", {sha256}}, {"services", {"s3"}}});

    Emulator other({{state_path, say(200, plain_archive_of(shop()), zip_type)}}, localstack_environment);
    CHECK(!spooled.capture(other.source(), {}, {sha256}).from_agent);
    CHECK(other.asked("/_pod/state").empty());
  }

  TEST_CASE("of an agent without its last entry was cut short") {
    Emulator emulator({{state_path, say(200, plain_archive_of(shop()), zip_type)}});
    const Error error = capture_error(emulator);
    CHECK(error.code() == ErrorCode::corrupt);
    CHECK(has(error.message(), "cut short"));
  }

  TEST_CASE("of an emulator with endpoints of its own has its services from the header") {
    Emulator emulator(
        {{state_path, say(200, plain_archive_of(shop()), "x-localstack-pod-services: sqs, lambda\r\n" + zip_type)}},
        localstack_environment);
    Spooled spooled;
    const Capture capture = spooled.capture(emulator.source());
    CHECK(!capture.from_agent);
    CHECK(capture.info.captured == std::vector<std::string>{"lambda", "s3", "sqs"});
    CHECK(capture.info.emulator.name == "localstack");
    CHECK(capture.info.emulator.version == "4.9.0");
  }

  TEST_CASE("in half is corrupt, or unreachable where the connection says so") {
    const std::string whole = archive_of(shop());
    Emulator half({{state_path, say(200, whole.substr(0, whole.size() / 2), zip_type)}});
    CHECK(capture_error(half).code() == ErrorCode::corrupt);
    Emulator lost({{state_path, [&](Peer& peer, const Asked&) {
                      peer.send("HTTP/1.1 200 OK\r\n" + zip_type + "Content-Length: " + std::to_string(whole.size()) +
                                "\r\n\r\n" + whole.substr(0, 100));
                      peer.close();
                    }}});
    CHECK(capture_error(lost).code() == ErrorCode::unreachable);
    Emulator nothing({{state_path, say(200, "", zip_type)}});
    CHECK(capture_error(nothing).code() == ErrorCode::corrupt);
  }

  TEST_CASE("whose first try broke off is whole after the second") {
    std::atomic<int> tries{0};
    const std::string whole = archive_of(shop());
    Emulator emulator({{state_path, [&](Peer& peer, const Asked&) {
                          if (tries++ > 0) {
                            peer.answer(200, whole, zip_type);
                            return;
                          }
                          peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + whole.substr(0, 200));
                          peer.close();
                        }}});
    Spooled spooled;
    CHECK(spooled.capture(emulator.source()).entries.size() == 3);
    CHECK(tries == 2);
  }

  TEST_CASE("that is something else is named") {
    Emulator html({{state_path, say(200, "<html>hello</html>", "Content-Type: text/html\r\n")}});
    const Error error = capture_error(html);
    CHECK(error.code() == ErrorCode::unsupported);
    CHECK(has(error.message(), "sent \"text/html\" in place of an archive"));
    Emulator disguised({{state_path, say(200, "<html>hello</html>", zip_type)}});
    CHECK(capture_error(disguised).code() == ErrorCode::corrupt);
  }

  TEST_CASE("that never ends is stopped at the limit, and at once where it is no archive") {
    const auto endless = [](const std::string& start) {
      return [start](Peer& peer, const Asked&) {
        peer.send("HTTP/1.1 200 OK\r\n" + zip_type + "\r\n" + start);
        while (peer.send(std::string(65536, '\0'))) continue;
      };
    };
    InstanceOptions options;
    options.max_archive_bytes = 8 << 20;
    Emulator archive({{state_path, endless("PK\3\4")}});
    CHECK(capture_error(archive, options).code() == ErrorCode::refused);
    Emulator zeros({{state_path, endless("")}});
    CHECK(capture_error(zeros, options).code() == ErrorCode::corrupt);
  }

  TEST_CASE("that the instance cannot make is an error of its own") {
    Emulator missing({});
    CHECK(capture_error(missing).code() == ErrorCode::unsupported);
    Emulator failing({{state_path, say(500, R"({"error": {"code": "internal", "message": "boom"}})")}});
    const Error error = capture_error(failing);
    CHECK(error.code() == ErrorCode::io);
    CHECK(error.causes().front() == "boom");
    Emulator unknown(
        {{state_path, say(400, R"({"error": {"code": "unknown_service", "message": "no", "service": "s4"}})")}});
    CHECK(has(capture_error(unknown).message(), "does not know the service \"s4\""));
  }

  TEST_CASE("is not asked for by names that are none") {
    Emulator emulator({});
    Spooled spooled;
    for (const std::string name : {"", "s3,sqs", "a/b", "a\r\n", "../x"})
      CHECK(error_of([&] { spooled.capture(emulator.source(), {name}); }).code() == ErrorCode::invalid_argument);
    CHECK(emulator.server().connections() == 0);
  }
}

TEST_SUITE("an inject") {
  TEST_CASE("posts the archive as it is, with strategy, version and the digest it relies on") {
    Emulator emulator({{pods_path, say(201, loaded)}});
    const auto outcomes = inject(emulator.source(), "d1gest");
    REQUIRE(outcomes.size() == 1);
    CHECK(outcomes[0].service == "s3");
    CHECK(outcomes[0].ok);
    const Asked asked = emulator.asked(pods_path).front();
    CHECK(asked.target == pods_path + "?merge=account-region-merge");
    CHECK(asked.header("content-type") == "application/zip");
    CHECK(asked.header("if-match") == "\"d1gest\"");
    CHECK(asked.header("x-pod-version") == "shop:3");
    CHECK(asked.body == archive_of(shop()));
    inject(emulator.source(), std::nullopt, true);
    CHECK(has(emulator.asked(pods_path).back().target, "&force=1"));
    CHECK(emulator.asked(pods_path).back().count("if-match") == 0);
  }

  TEST_CASE("names each service that could not be loaded") {
    Emulator emulator({{pods_path, say(201, R"({"service": "sqs", "status": "error", "message": "why"})"
                                            "\n"
                                            R"({"event": "completion", "status": "partial"})")}});
    const auto outcomes = inject(emulator.source());
    REQUIRE(outcomes.size() == 1);
    CHECK(!outcomes[0].ok);
    CHECK(outcomes[0].message == "why");
  }

  TEST_CASE("that is partly done is never taken for a success") {
    Emulator emulator({{pods_path, say(201, R"({"event": "completion", "status": "partial"})")}});
    const auto outcomes = inject(emulator.source());
    REQUIRE(outcomes.size() == 1);
    CHECK(!outcomes[0].ok);
  }

  TEST_CASE("without the last line is unknown from an agent and done elsewhere") {
    const std::string line = R"({"service": "s3", "status": "ok"})";
    Emulator agent({{pods_path, say(201, line)}});
    const Error error = error_of([&] { inject(agent.source()); });
    CHECK(error.code() == ErrorCode::outcome_unknown);
    CHECK(has(error.next(), "podgit diff"));
    Emulator other({{pods_path, say(201, line)}}, localstack_environment);
    CHECK(inject(other.source()).size() == 1);
  }

  TEST_CASE("that was refused says that the instance was not changed") {
    struct Row {
      int status;
      const char* code;
      ErrorCode error;
    };
    for (const Row& row :
         {Row{400, "not_an_archive", ErrorCode::corrupt}, Row{401, "unauthorized", ErrorCode::denied},
          Row{412, "state_moved", ErrorCode::conflict}, Row{413, "too_large", ErrorCode::refused},
          Row{422, "incompatible", ErrorCode::incompatible}, Row{422, "refused", ErrorCode::refused},
          Row{422, "damaged", ErrorCode::corrupt}, Row{422, "unsupported_strategy", ErrorCode::unsupported},
          Row{503, "busy", ErrorCode::busy}}) {
      CAPTURE(row.code);
      Emulator emulator(
          {{pods_path, say(row.status, pod::json::Value{{"error", {{"code", row.code}, {"message", "m"}}}}.dump())}});
      const Error error = error_of([&] { inject(emulator.source()); });
      CHECK(error.code() == row.error);
      CHECK(error.kept() == "the instance was not changed");
      CHECK(emulator.asked(pods_path).size() == 1);
    }
  }

  TEST_CASE("whose answer is lost, broken or strange is unknown") {
    const std::map<std::string, Emulator::Script> faults{
        {"close", [](Peer& peer, const Asked&) { peer.close(); }},
        {"reset", [](Peer& peer, const Asked&) { peer.reset(); }},
        {"half",
         [](Peer& peer, const Asked&) {
           peer.send("HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{");
           peer.close();
         }},
        {"garbage",
         [](Peer& peer, const Asked&) {
           peer.send("garbage\r\n\r\n");
           peer.close();
         }},
        {"endless",
         [](Peer& peer, const Asked&) {
           peer.send("HTTP/1.1 201 Created\r\n\r\n");
           while (peer.send(std::string(65536, '\n'))) continue;
         }},
        {"500", say(500, R"({"error": {"code": "internal", "message": "boom"}})")},
        {"504", say(504, "")},
    };
    for (const auto& fault : faults) {
      CAPTURE(fault.first);
      Emulator emulator({{pods_path, fault.second}});
      const Error error = error_of([&] { inject(emulator.source()); });
      CHECK(error.code() == ErrorCode::outcome_unknown);
      CHECK(has(error.next(), "podgit doctor"));
      CHECK(emulator.asked(pods_path).size() == 1);
    }
  }

  TEST_CASE("does not send its archive to somebody who cannot take it") {
    Emulator emulator({{pods_path, say(201, loaded)}}, "");
    CHECK(error_of([&] { inject(emulator.source()); }).code() == ErrorCode::unsupported);
    CHECK(emulator.asked(pods_path).empty());
  }
}

TEST_SUITE("a reset") {
  TEST_CASE("empties everything or each service") {
    Emulator emulator({{"/_localstack/state/reset", say(200, "{}")},
                       {"/_localstack/state/s3/reset", say(200, "{}")},
                       {"/_localstack/state/sqs/reset", say(200, "{}")}});
    HttpInstance(emulator.source(), {}).reset({});
    CHECK(emulator.asked("/_localstack/state/reset").size() == 1);
    HttpInstance(emulator.source(), {}).reset({"s3", "sqs"});
    CHECK(emulator.asked("/_localstack/state/s3/reset").size() == 1);
    CHECK(emulator.asked("/_localstack/state/sqs/reset").front().method == "POST");
  }

  TEST_CASE("is not sent to somebody who has no state endpoints") {
    Emulator emulator({{"/_localstack/state/reset", say(200, "{}")}}, "");
    CHECK(error_of([&] { HttpInstance(emulator.source(), {}).reset({}); }).code() == ErrorCode::unsupported);
    CHECK(emulator.asked("/_localstack/state/reset").empty());
  }

  TEST_CASE("of a service that nobody knows names it, and what is empty already") {
    Emulator emulator({{"/_localstack/state/s3/reset", say(200, "{}")},
                       {"/_localstack/state/s4/reset",
                        say(404, R"({"error": {"code": "unknown_service", "message": "no", "service": "s4"}})")}});
    const Error error = error_of([&] { HttpInstance(emulator.source(), {}).reset({"s3", "s4"}); });
    CHECK(error.code() == ErrorCode::not_found);
    CHECK(has(error.message(), "\"s4\""));
    CHECK(error.kept() == "already empty: s3");
  }

  TEST_CASE("whose answer is lost is unknown") {
    Emulator emulator({{"/_localstack/state/reset", [](Peer& peer, const Asked&) { peer.close(); }}});
    CHECK(error_of([&] { HttpInstance(emulator.source(), {}).reset({}); }).code() == ErrorCode::outcome_unknown);
  }
}

TEST_SUITE("a token") {
  InstanceOptions with_token(std::string token) {
    InstanceOptions options;
    options.token = [token] { return token; };
    return options;
  }

  TEST_CASE("goes with each request") {
    Emulator emulator({{state_path, say(200, archive_of(shop()), zip_type)}});
    Spooled spooled;
    spooled.capture(emulator.source(with_token("s3cret")), {}, {});
    CHECK(emulator.asked(state_path).front().header("authorization") == "Basic " + pod::digest::base64(":s3cret"));
    spooled.capture(emulator.source(with_token("")));
    CHECK(emulator.asked(state_path).back().count("authorization") == 0);
  }

  TEST_CASE("that is missing or wrong is asked for and never shown") {
    for (const int status : {401, 403}) {
      Emulator emulator(
          {{state_path, [&](Peer& peer, const Asked& asked) {
              peer.answer(
                  status,
                  pod::json::Value{{"error", {{"code", "forbidden"}, {"message", asked.header("authorization")}}}}
                      .dump());
            }}});
      const Error error = capture_error(emulator, with_token("s3cret"));
      CHECK(error.code() == ErrorCode::denied);
      CHECK(has(error.next(), "$PODGIT_INSTANCE_TOKEN"));
      std::string all = error.message() + error.next();
      for (const std::string& cause : error.causes()) all += cause;
      CHECK(!has(all, "s3cret"));
      CHECK(!has(all, pod::digest::base64(":s3cret")));
    }
  }

  TEST_CASE("does not leave the local network over plain http unless that is allowed") {
    const auto ask = [&](const std::string& url, bool allow) {
      InstanceOptions options = with_token("s3cret");
      options.allow_plain_http = allow;
      options.connect_timeout = 50ms;
      return error_of([&] { pod::instance_status(Source::parse(url, options)); }).code();
    };
    CHECK(ask("http://emulator.invalid:4566", false) == ErrorCode::refused);
    CHECK(ask("http://emulator.invalid:4566", true) == ErrorCode::unreachable);
    CHECK(ask("https://emulator.invalid:4566", false) == ErrorCode::unreachable);
    CHECK(ask("http://127.0.0.1:" + std::to_string(free_port()), false) == ErrorCode::unreachable);
  }
}
