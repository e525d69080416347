#include "objects/signed_urls.hpp"

#include "http/fault_server.hpp"

#include <doctest/doctest.h>
#include <libpod/error.hpp>

#include <atomic>

namespace pod::objects {
namespace {

using test::FaultServer;
using test::Peer;

struct Moment final : Clock {
  Time now() const override { return {seconds, 0}; }
  std::atomic<std::int64_t> seconds{1'000'000};
};

struct Signer {
  std::optional<SignedUrl> operator()(const S3Request& request) {
    if (request.method == "DELETE") return std::nullopt;
    ++asked;
    SignedUrl made{base + request.key + "?signature=SECRET" + std::to_string(asked), request.headers,
                   clock.seconds + valid_for};
    if (!with_conditions)
      std::erase_if(made.headers, [](const auto& header) { return header.first.starts_with("if-"); });
    return made;
  }
  std::unique_ptr<S3Store> open() {
    S3Options options;
    Context context;
    context.clock = &clock;
    return open_signed(
        "pod+https://hub.test/team", [this](const S3Request& request) { return (*this)(request); }, options, context);
  }
  std::string base;
  Moment clock;
  std::int64_t valid_for = 900;
  bool with_conditions = true;
  std::atomic<int> asked{0};
};

template <class Work>
Error error_of(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  FAIL("nothing was thrown");
  return Error(ErrorCode::internal, "");
}

const auto ignore = [](base::ConstBytes) {};
constexpr std::string_view head = "ETag: \"v1\"\r\n";

TEST_CASE("a URL serves all ranges of an object until it is about to expire") {
  std::atomic<int> served{0};
  FaultServer server([&](Peer& peer) {
    while (const auto asked = peer.read()) {
      ++served;
      CHECK(asked->target == "/a?signature=SECRET" + std::string(served <= 2 ? "1" : "2"));
      const bool first = asked->header("range") == "bytes=0-1";
      peer.answer(206, first ? "ab" : "cd",
                  std::string(head) + (first ? "Content-Range: bytes 0-1/4\r\n" : "Content-Range: bytes 2-3/4\r\n"));
    }
  });
  Signer signer;
  signer.base = server.url("/");
  const auto store = signer.open();
  ReadOptions options;
  options.length = 2;
  store->get(Key::parse("a"), options, ignore);
  options.offset = 2;
  store->get(Key::parse("a"), options, ignore);
  CHECK(signer.asked == 1);
  signer.clock.seconds += 850;
  store->get(Key::parse("a"), options, ignore);
  CHECK(signer.asked == 2);
  CHECK(served == 3);
}

TEST_CASE("a URL that is refused is asked for anew, once") {
  std::atomic<int> served{0};
  int refusals = 1;
  FaultServer server([&](Peer& peer) {
    while (peer.read()) {
      if (++served <= refusals)
        peer.answer(403, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>");
      else
        peer.answer(200, "", head);
    }
  });
  Signer signer;
  signer.base = server.url("/");
  const auto store = signer.open();
  SUBCASE("and then serves") {
    CHECK(store->put_if_absent(Key::parse("a"), Content::of("1")) == Creation::created);
    CHECK(signer.asked == 2);
  }
  SUBCASE("also for what is sent once: it was not done") {
    CHECK(store->put_if_match(Key::parse("a"), Content::of("1"), "v0"));
    CHECK(signer.asked == 2);
  }
  SUBCASE("and then it is a refusal, without the signature") {
    refusals = 99;
    const Error error = error_of([&] { store->put_if_absent(Key::parse("a"), Content::of("1")); });
    CHECK(error.code() == ErrorCode::denied);
    CHECK(signer.asked == 2);
    CHECK(served == 2);
    CHECK(error.message().find("SECRET") == std::string::npos);
    for (const std::string& cause : error.causes()) CHECK(cause.find("SECRET") == std::string::npos);
  }
}

TEST_CASE("what nobody signs is not supported") {
  Signer signer;
  const Error error = error_of([&] { signer.open()->remove(Key::parse("a")); });
  CHECK(error.code() == ErrorCode::unsupported);
  CHECK(error.message() == "\"pod+https://hub.test/team\" gives no URL to DELETE \"a\"");
}

TEST_CASE("a URL that is good without the condition is not used") {
  FaultServer server([&](Peer& peer) {
    peer.read();
    FAIL("it was sent");
  });
  Signer signer;
  signer.base = server.url("/");
  signer.with_conditions = false;
  CHECK(error_of([&] { signer.open()->put_if_absent(Key::parse("a"), Content::of("1")); }).code() ==
        ErrorCode::refused);
  CHECK(error_of([&] { signer.open()->put_if_match(Key::parse("a"), Content::of("1"), "v"); }).code() ==
        ErrorCode::refused);
  CHECK(server.connections() == 0);
}

TEST_CASE("the store never has the whole of a content that is not what it says") {
  std::atomic<std::size_t> got{0};
  FaultServer server([&](Peer& peer) {
    if (const auto asked = peer.read_head()) got = peer.read_body(*asked).size();
  });
  Signer signer;
  signer.base = server.url("/");
  Content wrong = Content::of(std::string(900'000, 'x'));
  wrong.sha256[0] ^= 1;
  CHECK(error_of([&] { signer.open()->put_if_absent(Key::parse("a"), wrong); }).code() == ErrorCode::corrupt);
  CHECK(got < 900'000);
}

}  // namespace
}  // namespace pod::objects
