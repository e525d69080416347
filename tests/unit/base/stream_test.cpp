#include "base/stream.hpp"
#include "base/files.hpp"

#include <libpod/context.hpp>
#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <vector>

using namespace pod::base;

namespace {

/// Gives one byte at a time, as a slow socket may.
class Trickle final : public ByteSource {
 public:
  explicit Trickle(std::string_view text) : source_(text) {}
  std::size_t read(std::span<std::byte> buffer) override {
    return source_.read(buffer.first(std::min<std::size_t>(buffer.size(), 1)));
  }

 private:
  MemorySource source_;
};

}  // namespace

TEST_CASE("bytes in memory are a source that ends") {
  MemorySource source("hello");
  std::vector<std::byte> buffer(3);
  CHECK(source.read(buffer) == 3);
  CHECK(text_of(buffer) == "hel");
  CHECK(source.read(buffer) == 2);
  CHECK(source.read(buffer) == 0);
  CHECK(source.read(buffer) == 0);
  MemorySource empty("");
  CHECK(empty.read(buffer) == 0);
}

TEST_CASE("reading fully goes on until the buffer is full or the source ends") {
  Trickle source("hello world");
  std::vector<std::byte> buffer(5);
  CHECK(read_fully(source, buffer) == 5);
  CHECK(text_of(buffer) == "hello");
  buffer.resize(100);
  CHECK(read_fully(source, buffer) == 6);
  CHECK(read_fully(source, buffer) == 0);
}

TEST_CASE("a source is drained in order and in bounded pieces") {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += std::to_string(i);
  MemorySource source(text);
  std::string seen;
  std::size_t largest = 0;
  drain(source, [&](ConstBytes piece) {
    seen += text_of(piece);
    largest = std::max(largest, piece.size());
  });
  CHECK(seen == text);
  CHECK(largest == 256 * 1024);
}

TEST_CASE("a sink stops a drain by throwing") {
  MemorySource source("hello");
  CHECK_THROWS_AS(drain(source, [](ConstBytes) { throw pod::Error(pod::ErrorCode::cancelled, "stop"); }), pod::Error);
}

TEST_CASE("everything is read up to the limit, and refused past it") {
  MemorySource source("12345");
  CHECK(read_all(source, 5) == "12345");
  MemorySource longer("123456");
  try {
    read_all(longer, 5);
    FAIL("more than the limit was read");
  } catch (const pod::Error& error) {
    CHECK(error.code() == pod::ErrorCode::refused);
    CHECK(error.message() == "more than 5 bytes where a small file was expected");
  }
  Trickle slow("123456");
  CHECK_THROWS_AS(read_all(slow, 5), pod::Error);
}

TEST_CASE("a context without settings has a clock, no progress, and never stops") {
  const pod::Context context;
  CHECK(context.clock->now().seconds > 1'600'000'000);
  CHECK_FALSE(context.cancel->cancelled());
  CHECK_NOTHROW(context.cancel->check());
  context.progress->begin("step", 10);
  context.progress->advance(10);
  context.progress->end();
}

TEST_CASE("a token that was cancelled stops whoever asks it") {
  pod::CancelToken token;
  CHECK_NOTHROW(token.check());
  token.cancel();
  try {
    token.check();
    FAIL("a cancelled token let through");
  } catch (const pod::Error& error) {
    CHECK(error.code() == pod::ErrorCode::cancelled);
  }
}

TEST_CASE("a fixed clock stands still") {
  const pod::FixedClock clock({1'700'000'000, 60});
  CHECK(clock.now().seconds == 1'700'000'000);
  CHECK(clock.now().offset_minutes == 60);
}

TEST_CASE("the system's clock knows the offset of its place") {
  setenv("TZ", "XYZ-05:30", 1);
  tzset();
  CHECK(pod::SystemClock().now().offset_minutes == 330);
  setenv("TZ", "XYZ3", 1);
  tzset();
  CHECK(pod::SystemClock().now().offset_minutes == -180);
  unsetenv("TZ");
  tzset();
}

TEST_CASE("the library says its version and its newest store format") {
  CHECK(pod::version().find('.') != std::string_view::npos);
  CHECK(pod::store_format() >= 1);
}
