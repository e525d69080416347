#include "archive_bytes.hpp"

#include "base/files.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

#include <clocale>
#include <cstring>

using pod::Context;
using pod::ErrorCode;
using pod::StatePath;
using pod::archive::Entry;
using pod::archive::Format;
using pod::archive::Reader;
using pod::archive::Writer;

namespace {

/// The same byte again and again: large without memory.
class Repeated final : public pod::base::ByteSource {
 public:
  Repeated(std::uint64_t size, std::uint8_t byte) : left_(size), byte_(byte) {}
  std::size_t read(std::span<std::byte> buffer) override {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left_));
    std::memset(buffer.data(), byte_, count);
    left_ -= count;
    return count;
  }

 private:
  std::uint64_t left_;
  std::uint8_t byte_;
};

std::string random_text(std::size_t size) {
  std::string text;
  std::uint64_t state = 88172645463325252ull;
  while (text.size() < size) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    text += static_cast<char>(state & 0xff);
  }
  return text;
}

std::string bytes_of_file(const std::filesystem::path& path) { return pod::base::read_file(path, 1ull << 30).value(); }

std::string long_name() { return std::string(120, 'n') + "/" + std::string(200, 'm') + "/ü.state"; }

std::filesystem::path write_sample(Format format) {
  const auto path = hostile::fresh_path("-sample");
  Writer writer(path, format, {});
  writer.add(StatePath::parse("api_states/000000000000/sqs/us-east-1/backend.state"),
             std::string(100'000, 'a') + random_text(1000));
  writer.add_folder(StatePath::parse("assets/empty"));
  writer.add(StatePath::parse("empty.state"), "");
  writer.add(StatePath::parse(long_name()), "deep", 0600);
  writer.add(StatePath::parse("random.bin"), random_text(300'000), 0755);
  writer.add(StatePath::parse("not utf-8 \xff"), "x");
  writer.finish();
  return path;
}

ErrorCode code_of(const auto& call) {
  try {
    call();
  } catch (const pod::Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

}  // namespace

TEST_CASE("the end of a name says the format") {
  CHECK(pod::archive::format_for("a/b.zip") == Format::zip);
  CHECK(pod::archive::format_for("ls-state-export") == Format::zip);
  CHECK(pod::archive::format_for("x.tar.zst") == Format::tar_zst);
  CHECK(pod::archive::format_for("x.TZST") == Format::tar_zst);
  CHECK(pod::archive::format_for("tar.zst/x") == Format::zip);
}

TEST_CASE("what is written is read again: order, names, contents, folders, modes") {
  for (const Format format : {Format::zip, Format::tar_zst}) {
    CAPTURE(static_cast<int>(format));
    Reader reader(write_sample(format), {}, {});
    CHECK(reader.format() == format);
    std::vector<std::string> shown;
    for (const Entry& entry : reader.entries())
      shown.push_back(entry.path.str() + " " + std::to_string(entry.size) + (entry.folder ? " folder " : " file ") +
                      std::to_string(entry.mode));
    CHECK(shown == std::vector<std::string>{
                       "api_states/000000000000/sqs/us-east-1/backend.state 101000 file " + std::to_string(0644),
                       "assets/empty 0 folder " + std::to_string(0755), "empty.state 0 file " + std::to_string(0644),
                       long_name() + " 4 file " + std::to_string(0600),
                       "random.bin 300000 file " + std::to_string(0755),
                       "not utf-8 \xff 1 file " + std::to_string(0644)});
    std::vector<std::string> visited;
    reader.for_each([&](const Entry& entry, pod::base::ByteSource& source) {
      visited.push_back(entry.path.str());
      if (entry.path.str() == "random.bin") CHECK(read_all(source, 1 << 20) == random_text(300'000));
      if (entry.path.str() == "api_states/000000000000/sqs/us-east-1/backend.state")
        CHECK(read_all(source, 1 << 20) == std::string(100'000, 'a') + random_text(1000));
    });
    CHECK(visited.size() == 5);
    CHECK(reader.contains("empty.state"));
    CHECK_FALSE(reader.contains("empty"));
    CHECK(reader.read(long_name(), 4) == "deep");
    CHECK(reader.read("empty.state", 0) == "");
    CHECK(reader.read("random.bin", 1 << 20) == random_text(300'000));
    CHECK_FALSE(reader.read("missing", 10));
    CHECK_FALSE(reader.read("assets/empty", 10));
    CHECK(code_of([&] { reader.read(long_name(), 3); }) == ErrorCode::refused);
  }
}

TEST_CASE("a visitor may leave a file half read") {
  for (const Format format : {Format::zip, Format::tar_zst}) {
    Reader reader(write_sample(format), {}, {});
    std::string last;
    reader.for_each([&](const Entry& entry, pod::base::ByteSource& source) {
      std::array<std::byte, 10> some{};
      source.read(some);
      last = entry.path.str();
    });
    CHECK(last == "not utf-8 \xff");
  }
}

TEST_CASE("the same entries give the same bytes, under any locale, time zone and umask") {
  for (const Format format : {Format::zip, Format::tar_zst}) {
    const std::string first = bytes_of_file(write_sample(format));
    const char* const zone = std::getenv("TZ");
    REQUIRE(zone == nullptr);
    setenv("TZ", "Asia/Tokyo", 1);
    tzset();
    setlocale(LC_ALL, "C.UTF-8");
    CHECK(bytes_of_file(write_sample(format)) == first);
    setlocale(LC_ALL, "C");
    unsetenv("TZ");
    tzset();
    CHECK(bytes_of_file(write_sample(format)) == first);
  }
}

TEST_CASE("large files that shrink like a bomb are written so that their own reader takes them") {
  for (const Format format : {Format::zip, Format::tar_zst}) {
    const auto path = hostile::fresh_path("-zeros");
    Writer writer(path, format, {});
    writer.add(StatePath::parse("first"), random_text(100'000));
    for (const std::uint64_t megabytes : {60u, 90u}) {
      Repeated zeros(megabytes << 20, 0);
      writer.add(StatePath::parse("zeros" + std::to_string(megabytes)), megabytes << 20, zeros);
    }
    writer.finish();
    std::uint64_t seen = 0;
    Reader(path, {}, {}).for_each([&](const Entry&, pod::base::ByteSource& source) {
      drain(source, [&](pod::base::ConstBytes piece) { seen += piece.size(); });
    });
    CHECK(seen == (150u << 20) + 100'000);
    if (format == Format::tar_zst) CHECK(std::filesystem::file_size(path) < 2 << 20);
    std::filesystem::remove(path);
  }
}

TEST_CASE("a source that gives another number of bytes than its size is an error, and no archive comes of it") {
  for (const Format format : {Format::zip, Format::tar_zst}) {
    for (const std::uint64_t announced : {9u, 11u}) {
      const auto path = hostile::fresh_path("-wrong");
      {
        Writer writer(path, format, {});
        writer.add(StatePath::parse("good"), "good");
        pod::base::MemorySource ten("0123456789");
        CHECK(code_of([&] { writer.add(StatePath::parse("bad"), announced, ten); }) == ErrorCode::corrupt);
      }
      CHECK(code_of([&] { Reader(path, {}, {}); }) == ErrorCode::corrupt);
    }
  }
}

TEST_CASE("without finish the file is not an archive") {
  for (const Format format : {Format::zip, Format::tar_zst}) {
    const auto path = hostile::fresh_path("-unfinished");
    { Writer(path, format, {}).add(StatePath::parse("a"), random_text(600'000)); }
    CHECK(code_of([&] { Reader(path, {}, {}); }) == ErrorCode::corrupt);
  }
}

TEST_CASE("an archive without entries is an archive") {
  for (const Format format : {Format::zip, Format::tar_zst}) {
    const auto path = hostile::fresh_path("-nothing");
    Writer(path, format, {}).finish();
    Reader reader(path, {}, {});
    CHECK(reader.entries().empty());
    reader.for_each([](const Entry&, pod::base::ByteSource&) { FAIL("there is no file"); });
  }
}

TEST_CASE("what the reader would refuse is not written") {
  const auto path = hostile::fresh_path("-unsafe");
  Writer writer(path, Format::zip, {});
  CHECK(code_of([&] { writer.add(StatePath::parse("a\\b"), ""); }) == ErrorCode::refused);
  CHECK(code_of([&] { writer.add(StatePath::parse("c:x"), ""); }) == ErrorCode::refused);
  writer.add(StatePath::parse("Twin"), "");
  writer.add(StatePath::parse("twin"), "");
  CHECK(code_of([&] { writer.finish(); }) == ErrorCode::refused);
}

TEST_CASE("a cancelled context stops reading and writing") {
  pod::CancelToken stop;
  Context context;
  context.cancel = &stop;
  const auto sample = write_sample(Format::zip);
  Reader reader(sample, {}, context);
  Writer writer(hostile::fresh_path("-stopped"), Format::tar_zst, context);
  stop.cancel();
  CHECK(code_of([&] { reader.for_each([](const Entry&, pod::base::ByteSource&) {}); }) == ErrorCode::cancelled);
  CHECK(code_of([&] { Reader(sample, {}, context); }) == ErrorCode::cancelled);
  CHECK(code_of([&] { writer.add(StatePath::parse("a"), "x"); }) == ErrorCode::cancelled);
}

TEST_CASE("a full disk is an error that names the archive") {
  for (const Format format : {Format::zip, Format::tar_zst}) {
    CHECK(code_of([&] {
            Writer writer("/dev/full", format, {});
            writer.add(StatePath::parse("a"), random_text(1 << 20));
            writer.finish();
          }) == ErrorCode::io);
  }
}
