#include "http/client.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>
#include <string>

using pod::Error;
using pod::ErrorCode;
using pod::http::Url;

namespace {

std::string refusal(std::string_view text) {
  try {
    return "accepted as " + Url::parse(text).str();
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_argument);
    return error.message();
  }
}

bool refused_for(std::string_view text, std::string_view reason) {
  const std::string message = refusal(text);
  INFO(message);
  return message.starts_with("invalid URL ") && message.find(reason) != std::string::npos;
}

}  // namespace

TEST_CASE("a URL has one canonical text") {
  CHECK(Url::parse("HTTP://LocalHost:4566").str() == "http://localhost:4566");
  CHECK(Url::parse("http://localhost/").str() == "http://localhost");
  CHECK(Url::parse("http://localhost:80///").str() == "http://localhost");
  CHECK(Url::parse("https://example.org:443/Base/Path/").str() == "https://example.org/Base/Path");
  CHECK(Url::parse("https://example.org:80").str() == "https://example.org:80");
  CHECK(Url::parse("http://[0:0:0:0:0:0:0:1]:4566").str() == "http://[::1]:4566");
  CHECK(Url::parse("http://moto_server:5000").str() == "http://moto_server:5000");
}

TEST_CASE("the parts of a URL can be asked for") {
  const Url url = Url::parse("https://[::1]/base");
  CHECK(url.scheme() == "https");
  CHECK(url.host() == "::1");
  CHECK(url.port() == 443);
  CHECK(url.path() == "/base");
}

TEST_CASE("paths and queries are put behind a URL escaped") {
  const Url url = Url::parse("http://localhost:4566/base/");
  CHECK(url.with("/_localstack/info") == "http://localhost:4566/base/_localstack/info");
  CHECK(url.with("/a b/ü%2f?#") == "http://localhost:4566/base/a%20b/%C3%BC%252f%3F%23");
  CHECK(url.with("/x", {{"services", "s3,sqs"}, {"a&b", "c=d e\r\n"}}) ==
        "http://localhost:4566/base/x?services=s3%2Csqs&a%26b=c%3Dd%20e%0D%0A");
}

TEST_CASE("what is not a plain http or https URL is refused with the reason") {
  CHECK(refused_for("", "http://"));
  CHECK(refused_for("localhost:4566", "http://"));
  CHECK(refused_for("ftp://localhost", "http://"));
  CHECK(refused_for("file:///etc/passwd", "http://"));
  CHECK(refused_for("http://", "host is missing"));
  CHECK(refused_for("http://:80", "host is missing"));
  CHECK(refused_for("http:///path", "host is missing"));
  CHECK(refused_for("http://localhost:0", "port"));
  CHECK(refused_for("http://localhost:65536", "port"));
  CHECK(refused_for("http://localhost:4294967297", "port"));
  CHECK(refused_for("http://localhost:-1", "port"));
  CHECK(refused_for("http://localhost:8a", "port"));
  CHECK(refused_for("http://localhost\r\nX: y", "control"));
  CHECK(refused_for("http://localhost/\tx", "control"));
  CHECK(refused_for(std::string_view("http://localhost/\0x", 19), "control"));
  CHECK(refused_for("http://local host", "space"));
  CHECK(refused_for("http://localhost/a\"b", "escaped"));
  CHECK(refused_for("http://localhost/ü", "escaped"));
  CHECK(refused_for("http://localhost/?a=b", "query"));
  CHECK(refused_for("http://localhost#x", "fragment"));
  CHECK(refused_for("http://a..b", "empty label"));
  CHECK(refused_for("http://ex%41mple.org", "characters"));
  CHECK(refused_for("http://[::1", "bracket"));
  CHECK(refused_for("http://[localhost]", "IPv6"));
  CHECK(refused_for("http://[::1]x:80", "between"));
}

TEST_CASE("addresses that resolvers read in different ways are refused") {
  for (const char* text : {"http://127.1", "http://0x7f000001", "http://2130706433", "http://0127.0.0.1",
                           "http://1.2.3.4.5", "http://256.0.0.1", "http://foo.0x7f"})
    CHECK_MESSAGE(refused_for(text, "IPv4"), text);
}

TEST_CASE("user and password are refused and not shown") {
  const std::string message = refusal("http://ada:s3cret@localhost:4566/x?key=hidden");
  CHECK(message == "invalid URL \"localhost:4566/x\": a user or password does not belong in it");
  CHECK(refusal("http://s3cret@x@localhost").find("s3cret") == std::string::npos);
}

TEST_CASE("loopback is told by address, not by how a name begins") {
  for (const char* text : {"http://localhost", "http://a.localhost", "http://127.0.0.1", "http://127.255.1.2",
                           "http://[::1]", "http://[::ffff:127.0.0.1]"})
    CHECK_MESSAGE(Url::parse(text).is_loopback(), text);
  for (const char* text : {"http://127.0.0.1.example.org", "http://localhost.example.org", "http://notlocalhost",
                           "http://128.0.0.1", "http://0.0.0.0", "http://[::2]", "http://10.0.0.1"})
    CHECK_MESSAGE(!Url::parse(text).is_loopback(), text);
}

TEST_CASE("a local network is private addresses and names that only it resolves") {
  for (const char* text :
       {"http://localhost", "http://moto", "http://10.1.2.3", "http://172.16.0.1", "http://172.31.255.255",
        "http://192.168.1.1", "http://169.254.1.1", "http://[fd00::1]", "http://[fe80::1]", "http://[::ffff:10.0.0.1]",
        "http://host.docker.internal", "http://moto.ci.svc.cluster.local"})
    CHECK_MESSAGE(Url::parse(text).is_local(), text);
  for (const char* text : {"http://example.org", "http://172.32.0.1", "http://8.8.8.8", "http://[2001:db8::1]",
                           "http://[::ffff:8.8.8.8]", "http://evillocal.org", "http://local.example"})
    CHECK_MESSAGE(!Url::parse(text).is_local(), text);
}
