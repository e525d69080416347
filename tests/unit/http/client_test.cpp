#include "http/client.hpp"

#include "http/fault_server.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using namespace pod::http;
using pod::Error;
using pod::ErrorCode;
using pod::test::FaultServer;
using pod::test::Peer;

namespace {

/// Long limits, no retries: nothing but what the test is about ends a transfer.
ClientOptions patient() {
  ClientOptions options;
  options.retries = 0;
  options.user_agent = "test/1";
  return options;
}

ClientOptions impatient() {
  ClientOptions options = patient();
  options.idle_timeout = 300ms;
  options.answer_timeout = 300ms;
  return options;
}

Request get(const FaultServer& server, std::string_view path = "/") {
  Request request;
  request.url = server.url(path);
  return request;
}

Request post(const FaultServer& server, pod::base::ByteSource* body = nullptr, std::uint64_t size = 0) {
  Request request = get(server);
  request.method = "POST";
  request.body = body;
  request.body_size = size;
  return request;
}

/// The error of a transfer; a test fails where there is none. Never slower than a test may be.
Error error_of(const Request& request, const ClientOptions& options, const pod::base::ByteSink& sink = {},
               const pod::Context& context = {}) {
  Client client(options, context);
  const auto before = std::chrono::steady_clock::now();
  try {
    const Response response = client.send(request, sink);
    FAIL("there was an answer: " << response.status << " " << response.body.substr(0, 100));
  } catch (const Error& error) {
    CHECK(std::chrono::steady_clock::now() - before < 10s);
    return error;
  }
  throw std::logic_error("not reached");
}

std::string causes_of(const Error& error) {
  std::string text;
  for (const std::string& cause : error.causes()) text += cause + "\n";
  return text;
}

const pod::base::ByteSink drop = [](pod::base::ConstBytes) {};

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  statm >> all >> resident;
  return resident * 4096;
}

/// As many bytes as are left in it.
class EndlessSource final : public pod::base::ByteSource {
 public:
  explicit EndlessSource(std::uint64_t bytes) : left_(bytes) {}
  std::size_t read(std::span<std::byte> buffer) override {
    const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffer.size()));
    std::fill_n(buffer.begin(), count, std::byte{'x'});
    left_ -= count;
    return count;
  }

 private:
  std::uint64_t left_;
};

}  // namespace

TEST_SUITE("an answer") {
  TEST_CASE("comes with status, headers in lower case and body") {
    FaultServer server([](Peer& peer) {
      peer.read();
      peer.answer(200, "hello", "X-Thing:  two words \r\nEmpty:\r\n");
    });
    Client client(patient(), {});
    const Response response = client.send(get(server));
    CHECK(response.status == 200);
    CHECK(response.body == "hello");
    CHECK(response.body_bytes == 5);
    CHECK(response.header("x-thing") == "two words");
    CHECK(response.header("empty") == "");
    CHECK(!response.header("missing"));
    CHECK(client.reached());
  }

  TEST_CASE("is given to a sink in pieces, chunked or not") {
    FaultServer server([](Peer& peer) {
      const auto asked = peer.read();
      if (!asked) return;
      if (asked->target == "/plain") peer.answer(200, std::string(1'000'000, 'a'));
      if (asked->target == "/chunked")
        peer.send(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\ndefgh\r\n0\r\nTrailer: x\r\n\r\n");
    });
    Client client(patient(), {});
    std::string got;
    const auto sink = [&](pod::base::ConstBytes piece) { got += pod::base::text_of(piece); };
    CHECK(client.send(get(server, "/plain"), sink).body_bytes == 1'000'000);
    CHECK(got == std::string(1'000'000, 'a'));
    got.clear();
    const Response response = client.send(get(server, "/chunked"), sink);
    CHECK(got == "abcdefgh");
    CHECK(response.body.empty());
    CHECK(!response.header("trailer"));
  }

  TEST_CASE("of any status is an answer, and its body goes past the sink") {
    FaultServer server([](Peer& peer) {
      while (const auto asked = peer.read()) peer.answer(std::stoi(asked->target.substr(1)), "{\"error\": 1}");
    });
    Client client(patient(), {});
    for (const int status : {201, 400, 404, 422, 500, 503, 599}) {
      std::string got;
      const Response response = client.send(get(server, "/" + std::to_string(status)),
                                            [&](pod::base::ConstBytes piece) { got += pod::base::text_of(piece); });
      CHECK(response.status == status);
      CHECK((status == 201 ? got : response.body) == "{\"error\": 1}");
    }
    CHECK(server.connections() == 1);
  }

  TEST_CASE("that redirects is not followed") {
    FaultServer target([](Peer& peer) { peer.answer(200, "should not be seen"); });
    FaultServer server([&](Peer& peer) {
      peer.read();
      peer.answer(302, "", "Location: " + target.url() + "\r\n");
    });
    Client client(patient(), {});
    CHECK(client.send(get(server)).status == 302);
    CHECK(target.connections() == 0);
  }

  TEST_CASE("after an interim one counts, not the interim one") {
    FaultServer server([](Peer& peer) {
      peer.read();
      peer.send("HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n");
      peer.answer(200, "late");
    });
    Client client(patient(), {});
    const Response response = client.send(get(server));
    CHECK(response.body == "late");
    CHECK(!response.header("x-early"));
  }

  TEST_CASE("that lies about being longer is cut where it promised to end") {
    FaultServer server([](Peer& peer) {
      peer.read();
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmore than four bytes");
      peer.hang();
    });
    Client client(patient(), {});
    CHECK(client.send(get(server)).body == "more");
  }

  TEST_CASE("in an encoding that nobody asked for is left as it is") {
    FaultServer server([](Peer& peer) {
      const auto asked = peer.read();
      if (asked) peer.answer(200, asked->header("accept-encoding") + "|raw", "Content-Encoding: gzip\r\n");
    });
    Client client(patient(), {});
    CHECK(client.send(get(server)).body == "|raw");
  }
}

TEST_SUITE("a request") {
  TEST_CASE("says what it was told, and nothing of libcurl's own") {
    pod::test::Asked seen;
    FaultServer server([&](Peer& peer) {
      if (auto asked = peer.read()) seen = *asked;
      peer.answer(200, "");
    });
    Request request = get(server, "/path?x=%20y");
    request.headers = {{"Authorization", "Basic abc"}, {"X-Empty", ""}};
    Client client(patient(), {});
    client.send(request);
    CHECK(seen.method == "GET");
    CHECK(seen.target == "/path?x=%20y");
    CHECK(seen.header("authorization") == "Basic abc");
    CHECK(seen.count("x-empty") == 1);
    CHECK(seen.header("user-agent") == "test/1");
    for (const char* name : {"cookie", "accept-encoding", "expect", "content-type", "referer"})
      CHECK(seen.count(name) == 0);
  }

  TEST_CASE("streams its body with its exact length and without asking first") {
    pod::test::Asked seen;
    FaultServer server([&](Peer& peer) {
      if (auto asked = peer.read()) seen = *asked;
      peer.answer(201, "done");
    });
    EndlessSource body(3'000'000);
    Client client(patient(), {});
    CHECK(client.send(post(server, &body, 3'000'000)).status == 201);
    CHECK(seen.method == "POST");
    CHECK(seen.header("content-length") == "3000000");
    CHECK(seen.count("expect") == 0);
    CHECK(seen.count("content-type") == 0);
    CHECK(seen.body == std::string(3'000'000, 'x'));
  }

  TEST_CASE("without a body says that it has none") {
    pod::test::Asked seen;
    FaultServer server([&](Peer& peer) {
      if (auto asked = peer.read()) seen = *asked;
      peer.answer(200, "");
    });
    Client client(patient(), {});
    client.send(post(server));
    CHECK(seen.header("content-length") == "0");
    CHECK(seen.count("content-type") == 0);
  }

  TEST_CASE("whose body ends early is given up") {
    FaultServer server([](Peer& peer) { peer.read(); });
    EndlessSource body(10);
    const Error error = error_of(post(server, &body, 20), patient());
    CHECK(error.code() == ErrorCode::io);
    CHECK(error.message().find("10 of 20 bytes") != std::string::npos);
  }

  TEST_CASE("that is answered before its body was read gets the answer") {
    FaultServer server([](Peer& peer) {
      peer.read_head();
      peer.answer(413, "too large", "Connection: close\r\n");
      peer.hang();
    });
    EndlessSource body(1ull << 34);
    Client client(patient(), {});
    const Response response = client.send(post(server, &body, 1ull << 34));
    CHECK(response.status == 413);
    CHECK(response.body == "too large");
  }

  TEST_CASE("cannot be made to carry another header or another request") {
    FaultServer server([](Peer& peer) { peer.answer(200, ""); });
    const auto with = [&](const std::string& name, const std::string& value) {
      Request request = get(server);
      request.headers = {{name, value}};
      return request;
    };
    for (const std::string_view value : {"s3cret\r\nX: y"sv, "s3cret\n"sv, "s3cret\0x"sv, "s3cret\r"sv}) {
      const Error error = error_of(with("Authorization", std::string(value)), patient());
      CHECK(error.code() == ErrorCode::invalid_argument);
      CHECK(error.message() == "the value of the header \"Authorization\" holds a control character");
    }
    CHECK(error_of(with("X: y\r\nZ", "1"), patient()).code() == ErrorCode::invalid_argument);
    CHECK(error_of(with("", "1"), patient()).code() == ErrorCode::invalid_argument);
    CHECK(error_of(with("Content-Length", "5"), patient()).code() == ErrorCode::invalid_argument);

    Request request = get(server, "/?a=b HTTP/1.1\r\nX: y");
    CHECK(error_of(request, patient()).code() == ErrorCode::invalid_argument);
    request = get(server, "/a b");
    CHECK(error_of(request, patient()).code() == ErrorCode::invalid_argument);
    request = get(server);
    request.method = "GET / HTTP/1.1\r\nX: y";
    CHECK(error_of(request, patient()).code() == ErrorCode::invalid_argument);
    request = get(server);
    request.url = "file:///etc/passwd";
    CHECK(error_of(request, patient()).code() == ErrorCode::invalid_argument);
    CHECK(server.connections() == 0);
  }

  TEST_CASE("does not show its query or its headers when it fails") {
    Request request;
    request.url = "http://127.0.0.1:" + std::to_string(pod::test::free_port()) + "/pack?X-Amz-Signature=s3cret";
    request.headers = {{"Authorization", "Basic s3cret"}};
    const Error error = error_of(request, patient());
    CHECK((error.message() + causes_of(error) + error.next()).find("s3cret") == std::string::npos);
  }
}

TEST_SUITE("a server") {
  TEST_CASE("that is not there is unreachable, at once") {
    Request request;
    request.url = "http://127.0.0.1:" + std::to_string(pod::test::free_port());
    Client client(patient(), {});
    try {
      client.send(request);
      FAIL("there was an answer");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::unreachable);
      CHECK(error.retryable());
      CHECK(causes_of(error) == "connection refused\n");
      CHECK(!client.reached());
    }
  }

  TEST_CASE("whose name nobody knows is unreachable") {
    Request request;
    request.url = "http://no-such-host.invalid/";
    ClientOptions options = patient();
    options.retries = 1;
    const Error error = error_of(request, options);
    CHECK(error.code() == ErrorCode::unreachable);
    CHECK(causes_of(error) == "the name of its host is not known\ntried 2 times\n");
  }

  TEST_CASE("that hangs before it answers is given up after the idle time-out") {
    FaultServer server([](Peer& peer) {
      peer.read();
      peer.hang();
    });
    const Error error = error_of(get(server), impatient());
    CHECK(error.code() == ErrorCode::unreachable);
    CHECK(causes_of(error) == "no byte came or went for 300 ms\n");
  }

  TEST_CASE("that hangs within a body is given up") {
    FaultServer server([](Peer& peer) {
      peer.read();
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
      peer.hang();
    });
    for (const auto& sink : {drop, pod::base::ByteSink()}) {
      const Error error = error_of(get(server), impatient(), sink);
      CHECK(error.code() == ErrorCode::unreachable);
      CHECK(error.message().find("was cut short") != std::string::npos);
    }
  }

  TEST_CASE("that does not read what it is sent is given up") {
    FaultServer server([](Peer& peer) {
      peer.read_head();
      peer.hang();
    });
    EndlessSource body(1ull << 34);
    CHECK(error_of(post(server, &body, 1ull << 34), impatient()).code() == ErrorCode::unreachable);
  }

  TEST_CASE("that drips is given up, within the head, a body for a sink and a body in memory") {
    FaultServer server([](Peer& peer) {
      const auto asked = peer.read();
      if (!asked) return;
      if (asked->target != "/head")
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
      else
        peer.send("HTTP/1.1 200 OK\r\n");
      const std::string_view drop_of = asked->target == "/head" ? "X: y\r\n" : "x";
      while (peer.send(drop_of)) peer.pause(20ms);
    });
    CHECK(error_of(get(server, "/head"), impatient()).code() == ErrorCode::unreachable);
    CHECK(error_of(get(server, "/body"), impatient(), drop).code() == ErrorCode::unreachable);
    CHECK(error_of(get(server, "/body"), impatient()).code() == ErrorCode::unreachable);
  }

  TEST_CASE("that goes away within a body is told from one that ended") {
    FaultServer server([](Peer& peer) {
      const auto asked = peer.read();
      if (!asked) return;
      if (asked->target == "/length") peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
      if (asked->target == "/chunked") peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf");
      if (asked->target == "/between") peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
      if (asked->target == "/head") peer.send("HTTP/1.1 200 OK\r\nContent-Le");
    });
    for (const char* path : {"/length", "/chunked", "/between", "/head"}) {
      CAPTURE(path);
      const Error error = error_of(get(server, path), patient(), drop);
      CHECK(error.code() == ErrorCode::unreachable);
      CHECK(error.retryable());
    }
  }

  TEST_CASE("that closes or resets the connection instead of an answer is unreachable") {
    FaultServer closes([](Peer& peer) { peer.close(); });
    FaultServer resets([](Peer& peer) {
      peer.read();
      peer.reset();
    });
    CHECK(error_of(get(closes), patient()).code() == ErrorCode::unreachable);
    CHECK(error_of(get(resets), patient()).code() == ErrorCode::unreachable);
  }

  TEST_CASE("that speaks something else is named so") {
    for (const std::string_view garbage :
         {"SSH-2.0-OpenSSH_9.2\r\n", "\x15\x03\x01\x00\x02\x02\x46", "ICY 200 OK\r\n\r\n", "HTTP/9.7 99x\r\n\r\n"}) {
      FaultServer server([&](Peer& peer) {
        peer.read();
        peer.send(garbage);
      });
      const Error error = error_of(get(server), patient());
      CAPTURE(garbage);
      CAPTURE(error.message());
      CHECK(error.code() == ErrorCode::unsupported);
    }
  }

  TEST_CASE("that is asked for TLS and has none is unreachable") {
    FaultServer server([](Peer& peer) {
      peer.pause(50ms);
      peer.answer(400, "plain");
    });
    Request request;
    request.url = "https://127.0.0.1:" + std::to_string(server.port());
    CHECK(error_of(request, patient()).code() == ErrorCode::unreachable);
  }

  TEST_CASE("that sends a head of ten megabytes is refused") {
    FaultServer one_line([](Peer& peer) {
      peer.read();
      peer.send("HTTP/1.1 200 OK\r\nX: ");
      for (int i = 0; i < 160; ++i)
        if (!peer.send(std::string(65536, 'x'))) return;
      peer.send("\r\n\r\n");
    });
    FaultServer many_lines([](Peer& peer) {
      peer.read();
      peer.send("HTTP/1.1 200 OK\r\n");
      for (int i = 0; i < 10'000; ++i)
        if (!peer.send("X-Line: " + std::string(1000, 'x') + "\r\n")) return;
      peer.send("\r\n");
    });
    FaultServer interim([](Peer& peer) {
      peer.read();
      while (peer.send("HTTP/1.1 102 Processing\r\n\r\n")) continue;
    });
    CHECK(error_of(get(one_line), patient()).code() == ErrorCode::refused);
    CHECK(error_of(get(many_lines), patient()).code() == ErrorCode::refused);
    CHECK(error_of(get(interim), patient()).code() == ErrorCode::refused);
  }

  TEST_CASE("that sends a hundred gibibytes is stopped at the limit, in little memory") {
    FaultServer server([](Peer& peer) {
      const auto asked = peer.read();
      if (!asked) return;
      if (asked->target == "/promised")
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 107374182400\r\n\r\n");
      else
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      const std::string zeros = "100000\r\n" + std::string(1 << 20, '\0') + "\r\n";
      for (int i = 0; i < 102'400; ++i)
        if (!peer.send(zeros)) return;
    });
    ClientOptions options = patient();
    options.max_response_bytes = 256ull << 20;
    options.max_memory_body = 1ull << 20;
    std::uint64_t got = 0;
    const auto count = [&](pod::base::ConstBytes piece) { got += piece.size(); };

    CHECK(error_of(get(server, "/promised"), options, count).code() == ErrorCode::refused);
    CHECK(got == 0);
    const std::size_t before = resident_bytes();
    CHECK(error_of(get(server, "/chunked"), options, count).code() == ErrorCode::refused);
    CHECK(got <= options.max_response_bytes);
    CHECK(got > options.max_response_bytes / 2);
    CHECK(error_of(get(server, "/chunked"), options).code() == ErrorCode::refused);
    CHECK(resident_bytes() < before + (32u << 20));
  }

  TEST_CASE("that sends an endless error is understood after its beginning") {
    FaultServer server([](Peer& peer) {
      peer.read();
      peer.send("HTTP/1.1 500 Oops\r\n\r\n{\"error\"");
      while (peer.send(std::string(65536, ' '))) continue;
    });
    Client client(patient(), {});
    const Response response = client.send(get(server), drop);
    CHECK(response.status == 500);
    CHECK(response.body.size() == 65536);
    CHECK(response.body.starts_with("{\"error\""));
  }
}

TEST_SUITE("what may be repeated") {
  TEST_CASE("is asked again until it is answered, and a sink begins anew") {
    std::atomic<int> asked{0};
    FaultServer server([&](Peer& peer) {
      peer.read();
      const int turn = asked++;
      if (turn == 0)
        peer.answer(503, "busy", "Retry-After: 0\r\n");
      else if (turn == 1)
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
      else
        peer.answer(200, "all of it");
    });
    ClientOptions options = patient();
    options.retries = 4;
    Client client(options, {});
    std::string got;
    const auto sink = [&](pod::base::ConstBytes piece) { got += pod::base::text_of(piece); };
    CHECK(client.send(get(server), sink, [&] { got.clear(); }).status == 200);
    CHECK(got == "all of it");
    CHECK(asked == 3);
  }

  TEST_CASE("is not asked again once a sink that cannot begin anew was given something") {
    FaultServer server([&](Peer& peer) {
      peer.read();
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
    });
    ClientOptions options = patient();
    options.retries = 4;
    CHECK(error_of(get(server), options, drop).code() == ErrorCode::unreachable);
    CHECK(server.connections() == 1);
  }

  TEST_CASE("waits as long as the server asks, and shows the answer where that is longer than the budget") {
    std::atomic<int> asked{0};
    FaultServer server([&](Peer& peer) {
      while (const auto request = peer.read()) {
        const std::string wanted = request->target == "/soon" ? "1" : "3600";
        if (++asked == 2)
          peer.answer(200, "now");
        else
          peer.answer(503, "later", "Retry-After: " + wanted + "\r\n");
      }
    });
    ClientOptions options = patient();
    options.retries = 4;
    Client client(options, {});
    const auto before = std::chrono::steady_clock::now();
    CHECK(client.send(get(server, "/soon")).body == "now");
    CHECK(std::chrono::steady_clock::now() - before >= 1s);
    const Response response = client.send(get(server, "/never"));
    CHECK(response.status == 503);
    CHECK(response.body == "later");
    CHECK(asked == 3);
  }

  TEST_CASE("is given up after the last retry, with their number") {
    FaultServer server([](Peer& peer) { peer.close(); });
    ClientOptions options = patient();
    options.retries = 2;
    const Error error = error_of(get(server), options);
    CHECK(error.code() == ErrorCode::unreachable);
    CHECK(error.causes().back() == "tried 3 times");
    CHECK(server.connections() == 3);
  }

  TEST_CASE("sends its body again only where it can be rewound") {
    std::atomic<int> asked{0};
    std::string last;
    FaultServer server([&](Peer& peer) {
      while (const auto request = peer.read()) {
        last = request->body;
        if (!peer.answer(++asked % 2 == 1 ? 503 : 200, "")) return;
      }
    });
    ClientOptions options = patient();
    options.retries = 1;
    Client client(options, {});
    pod::base::MemorySource source(std::string_view("the body"));
    Request request = post(server, &source, 8);
    request.repeatable = true;
    CHECK(client.send(request).status == 503);
    CHECK(asked == 1);

    asked = 0;
    source = pod::base::MemorySource(std::string_view("the body"));
    request.rewind = [&] { source = pod::base::MemorySource(std::string_view("the body")); };
    CHECK(client.send(request).status == 200);
    CHECK(asked == 2);
    CHECK(last == "the body");
  }
}

TEST_SUITE("what may not be repeated") {
  TEST_CASE("is sent once, whatever comes back") {
    FaultServer server([](Peer& peer) {
      peer.read();
      peer.answer(503, "busy", "Retry-After: 0\r\n");
    });
    ClientOptions options = patient();
    options.retries = 4;
    Client client(options, {});
    CHECK(client.send(post(server)).status == 503);
    CHECK(server.connections() == 1);
  }

  TEST_CASE("is not sent on a connection that the server may be closing") {
    FaultServer server([](Peer& peer) {
      while (peer.read()) peer.answer(200, "");
    });
    Client client(patient(), {});
    client.send(get(server));
    client.send(get(server));
    CHECK(server.connections() == 1);
    client.send(post(server));
    CHECK(server.connections() == 2);
  }

  TEST_CASE("has an unknown outcome once it was sent whole") {
    FaultServer closes([](Peer& peer) { peer.read(); });
    FaultServer resets([](Peer& peer) {
      peer.read();
      peer.reset();
    });
    FaultServer hangs([](Peer& peer) {
      peer.read();
      peer.hang();
    });
    FaultServer halves([](Peer& peer) {
      peer.read();
      peer.send("HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{\"service\"");
    });
    for (FaultServer* server : {&closes, &resets, &hangs, &halves}) {
      EndlessSource body(100'000);
      const Error error = error_of(post(*server, &body, 100'000), impatient());
      CHECK(error.code() == ErrorCode::outcome_unknown);
      CHECK(!error.retryable());
      CHECK(error_of(post(*server), impatient()).code() == ErrorCode::outcome_unknown);
    }
  }

  TEST_CASE("has a known one while it was not") {
    Request request;
    request.url = "http://127.0.0.1:" + std::to_string(pod::test::free_port());
    request.method = "POST";
    CHECK(error_of(request, patient()).code() == ErrorCode::unreachable);

    FaultServer server([](Peer& peer) {
      peer.read_head();
      peer.reset();
    });
    EndlessSource body(1ull << 30);
    CHECK(error_of(post(server, &body, 1ull << 30), patient()).code() == ErrorCode::unreachable);
  }
}

TEST_SUITE("a cancelled transfer") {
  TEST_CASE("ends within a moment, wherever it stands") {
    FaultServer server([](Peer& peer) {
      const auto asked = peer.read();
      if (!asked) return;
      if (asked->target == "/busy") {
        peer.answer(503, "", "Retry-After: 60\r\n");
        return;
      }
      if (asked->target == "/body") peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
      peer.hang();
    });
    for (const char* path : {"/head", "/body", "/busy"}) {
      CAPTURE(path);
      pod::CancelToken stop;
      pod::Context context;
      context.cancel = &stop;
      std::thread other([&] {
        std::this_thread::sleep_for(60ms);
        stop.cancel();
      });
      ClientOptions options = patient();
      options.retries = 1;
      const auto before = std::chrono::steady_clock::now();
      const Error error = error_of(get(server, path), options, drop, context);
      CHECK(std::chrono::steady_clock::now() - before < 2s);
      CHECK(error.code() == ErrorCode::cancelled);
      other.join();
    }
  }

  TEST_CASE("says so where the request may take effect all the same") {
    pod::CancelToken stop;
    FaultServer server([&](Peer& peer) {
      peer.read();
      stop.cancel();
      peer.hang();
    });
    pod::Context context;
    context.cancel = &stop;
    const Error error = error_of(post(server), patient(), {}, context);
    CHECK(error.code() == ErrorCode::cancelled);
    CHECK(causes_of(error).find("may still take effect") != std::string::npos);
  }

  TEST_CASE("that was cancelled before it began does not begin") {
    FaultServer server([](Peer& peer) { peer.answer(200, ""); });
    pod::CancelToken stop;
    stop.cancel();
    pod::Context context;
    context.cancel = &stop;
    CHECK(error_of(get(server), patient(), {}, context).code() == ErrorCode::cancelled);
    CHECK(server.connections() == 0);
  }
}

TEST_CASE("what a sink or a source throws comes out as it was thrown") {
  FaultServer server([](Peer& peer) {
    peer.read();
    peer.answer(200, "hello");
  });
  const auto full = [](pod::base::ConstBytes) { throw Error(ErrorCode::io, "the disk is full"); };
  CHECK(error_of(get(server), patient(), full).message() == "the disk is full");

  class Broken final : public pod::base::ByteSource {
    std::size_t read(std::span<std::byte>) override { throw Error(ErrorCode::corrupt, "a bad sector"); }
  } broken;
  CHECK(error_of(post(server, &broken, 10), patient()).message() == "a bad sector");
}

TEST_CASE("the head of an answer is shown before its body, and may end it") {
  FaultServer server([](Peer& peer) {
    while (peer.read()) peer.answer(206, "12345", "Content-Range: bytes 0-4/9\r\n");
  });
  std::string order;
  Request request = get(server);
  request.on_head = [&](const Response& head) { order += head.header("content-range").value_or("?") + ";"; };
  Client client(patient(), {});
  client.send(request, [&](pod::base::ConstBytes bytes) { order += pod::base::text_of(bytes); });
  CHECK(order == "bytes 0-4/9;12345");

  request.on_head = [](const Response&) { throw Error(ErrorCode::refused, "too much"); };
  const Error error = error_of(request, patient(), [](pod::base::ConstBytes) { FAIL("a body after all"); });
  CHECK(error.message() == "too much");
}

TEST_CASE("a body that may be sent again keeps the connection, and is rewound where the server has closed it") {
  std::atomic<int> requests{0};
  FaultServer server([&](Peer& peer) {
    for (int i = 0; i < 2; ++i) {
      const auto asked = peer.read();
      if (!asked) return;
      CHECK(asked->body == "body");
      ++requests;
      peer.answer(200, "");
    }
  });  // and closes, without a word
  pod::base::MemorySource source("body"sv);
  Request request = get(server);
  request.method = "PUT";
  request.body = &source;
  request.body_size = 4;
  request.repeatable = true;
  request.rewind = [&] { source = pod::base::MemorySource("body"sv); };
  ClientOptions options = patient();
  options.retries = 2;
  Client client(options, {});
  for (int i = 0; i < 4; ++i) {
    request.rewind();
    CHECK(client.send(request).status == 200);
  }
  CHECK(requests == 4);
  CHECK(server.connections() == 2);
}
