#include "git/deflate.hpp"
#include "git/inflate.hpp"

#include "stock_git.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace pod;
using namespace pod::git;
using namespace pod::git::test;

namespace {

/// Inflates with rooms and inputs of the given sizes; how much of `packed` was used up in `used`.
std::string inflated(ZlibEngine engine, std::string_view packed, std::size_t in_step, std::size_t out_step,
                     std::size_t& used) {
  Inflater inflater(engine);
  std::string out;
  std::string room(out_step, '\0');
  used = 0;
  for (;;) {
    const auto in = base::bytes_of(packed.substr(used, in_step));
    const Inflater::Step step = inflater.step(in, std::as_writable_bytes(std::span(room)));
    used += step.consumed;
    out.append(room, 0, step.produced);
    if (step.done) return out;
    if (step.consumed == 0 && step.produced == 0) throw Error(ErrorCode::corrupt, "cut");
  }
}

}  // namespace

TEST_CASE("each engine reads what each engine wrote, in pieces of any size") {
  for (const ZlibEngine writer : {ZlibEngine::isal, ZlibEngine::zlib}) {
    for (const std::size_t size : {0u, 1u, 100u, 32767u, 65535u, 65536u, 65537u, 131070u, 300'000u}) {
      for (const std::string& content : {text(size), noise(size), std::string(size, 'a')}) {
        for (const std::size_t piece : {std::size_t{1000}, std::size_t{65536}, std::size_t{1} << 20}) {
          CAPTURE(size);
          CAPTURE(piece);
          Deflater deflater(writer);
          deflater.start();
          std::string packed;
          std::string_view rest = content;
          do {
            const std::string_view part = rest.substr(0, piece);
            rest.remove_prefix(part.size());
            deflater.add(base::bytes_of(part), rest.empty(), packed);
          } while (!rest.empty());
          CHECK(packed.size() <= content.size() + (content.size() / piece + 2) * (piece / 65535 + 1) * 5 + 6);
          for (const ZlibEngine reader : {ZlibEngine::isal, ZlibEngine::zlib}) {
            std::size_t used = 0;
            CHECK(inflated(reader, packed + "behind", 4096, 5000, used) == content);
            if (reader == ZlibEngine::zlib) CHECK(used == packed.size());
          }
        }
      }
    }
  }
}

TEST_CASE("streams are read in pieces of any size, and zlib knows to the byte where they end") {
  const std::string content = text(3000);
  for (const ZlibEngine writer : {ZlibEngine::isal, ZlibEngine::zlib}) {
    std::string packed;
    Deflater(writer).whole(base::bytes_of(content), packed);
    for (const ZlibEngine reader : {ZlibEngine::isal, ZlibEngine::zlib})
      for (std::size_t step = 1; step < 40; ++step) {
        CAPTURE(step);
        std::size_t used = 0;
        CHECK(inflated(reader, packed + "some bytes behind it", step, 7 * step, used) == content);
        if (reader == ZlibEngine::zlib) CHECK(used == packed.size());
      }
  }
}

TEST_CASE("a damaged stream is an error or ends as it should, in both engines") {
  const std::string content = text(20'000) + noise(500);
  std::string packed;
  Deflater().whole(base::bytes_of(content), packed);
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string changed = packed;
    for (int flips = 0; flips < 1 + i % 3; ++flips) {
      char& byte = changed[random() % changed.size()];
      byte = static_cast<char>(byte ^ 1 << random() % 8);
    }
    if (i % 5 == 0) changed.resize(random() % changed.size());
    for (const ZlibEngine reader : {ZlibEngine::isal, ZlibEngine::zlib}) {
      std::size_t used = 0;
      std::string out;
      if (const auto error = error_of([&] { out = inflated(reader, changed, 4096, 4096, used); }))
        CHECK(error->code() == ErrorCode::corrupt);
      else
        CHECK(out == content);  // a bit of the head that says nothing
    }
  }
}

TEST_CASE("a CRC-32 is the one of the standard") {
  CHECK(crc32_of(0, base::bytes_of("123456789")) == 0xcbf43926u);
  CHECK(crc32_of(crc32_of(0, base::bytes_of("12345")), base::bytes_of("6789")) == 0xcbf43926u);
}
