// Archives that were whole once: cut anywhere, or with bits turned. They end in an error or in the same contents.
#include "archive_bytes.hpp"

#include "base/files.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <random>

using pod::StatePath;
using pod::archive::Format;

namespace {

std::string sample(Format format) {
  const auto path = hostile::fresh_path("-whole");
  pod::archive::Writer writer(path, format, {});
  std::string lines;
  for (int i = 0; i < 60; ++i) lines += "line " + std::to_string(i * i) + "\n";
  writer.add(StatePath::parse("api_states/000000000000/sqs/us-east-1/backend.state"), lines);
  writer.add(StatePath::parse("short"), "xyz");
  writer.add_folder(StatePath::parse("folder"));
  writer.finish();
  return pod::base::read_file(path, 1 << 20).value();
}

std::string python_stream() {
  return pod::base::read_file(std::filesystem::path(TEST_DATA) / "archives/python-stream-deflated.zip", 1 << 20)
      .value();
}

void check_damage(const std::string& bytes) {
  const auto whole = hostile::contents_of(bytes);
  REQUIRE(whole);
  int taken = 0;
  for (std::size_t length = 0; length < bytes.size(); ++length)
    if (hostile::contents_of(bytes.substr(0, length))) ++taken;
  CHECK(taken == 0);

  int different = 0;
  int refused = 0;
  const auto judge = [&](const std::string& damaged) {
    const auto contents = hostile::contents_of(damaged);
    if (!contents) ++refused;
    if (contents && *contents != *whole) ++different;
  };
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ 1 << bit);
      judge(damaged);
    }
  }
  std::mt19937 random(20240101);  // the same every time, so that a failure can be repeated
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = bytes;
    for (unsigned count = 1 + random() % 8; count-- > 0;) {
      const std::size_t at = random() % damaged.size();
      switch (random() % 3) {
        case 0: damaged[at] = static_cast<char>(random()); break;
        case 1: damaged.erase(at, 1 + random() % 4); break;
        default: damaged.insert(at, 1 + random() % 4, static_cast<char>(random())); break;
      }
      if (damaged.empty()) break;
    }
    judge(damaged);
  }
  CHECK(different == 0);
  CHECK(refused > 3000);
}

}  // namespace

TEST_CASE("a zip that is cut or damaged is an error or unchanged") { check_damage(sample(Format::zip)); }

TEST_CASE("a streamed zip of Python that is cut or damaged is an error or unchanged") { check_damage(python_stream()); }

TEST_CASE("a tar.zst that is cut or damaged is an error or unchanged") { check_damage(sample(Format::tar_zst)); }
