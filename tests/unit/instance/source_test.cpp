#include <libpod/instance.hpp>

#include "base/files.hpp"
#include "instance/state_archive.hpp"

#include <libpod/error.hpp>

#include <doctest/doctest.h>

using pod::Error;
using pod::ErrorCode;
using pod::Source;

namespace {

Error refusal(std::string_view text) {
  try {
    const Source source = Source::parse(text);
    FAIL("accepted: " << source.display());
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_argument);
    return error;
  }
  throw std::logic_error("not reached");
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a URL is an instance, in its canonical text") {
  const Source source = Source::parse("HTTP://LocalHost:4566/");
  CHECK(source.is_instance());
  CHECK(source.kind() == Source::Kind::instance);
  CHECK(source.url() == "http://localhost:4566");
  CHECK(source.display() == "http://localhost:4566");
  CHECK(Source::parse("https://emulator.example.org/base").url() == "https://emulator.example.org/base");
}

TEST_CASE("plain http is accepted for any host, since emulators speak it") {
  CHECK(Source::parse("http://moto:5000").is_instance());
  CHECK(Source::parse("http://emulator.example.org").is_instance());
}

TEST_CASE("a folder is a directory, a file an archive, also one that is not there yet") {
  const pod::base::TempFolder folder(std::filesystem::temp_directory_path(), "pod-unit-");
  CHECK(Source::parse(folder.path().native()).kind() == Source::Kind::directory);
  CHECK(Source::parse(folder.path().native()).path() == folder.path());
  pod::test::write_bytes(folder.path() / "pod.zip", "x");
  CHECK(Source::parse((folder.path() / "pod.zip").native()).kind() == Source::Kind::archive);
  const Source missing = Source::parse((folder.path() / "missing.zip").native());
  CHECK(missing.kind() == Source::Kind::archive);
  CHECK(!missing.is_instance());
}

TEST_CASE("what people see of a path is printable") {
  CHECK(Source::parse("a\x1b[31m.zip").display() == "a\\x1b[31m.zip");
}

TEST_CASE("user and password are refused, not shown, and the way for a token is named") {
  const Error error = refusal("http://ada:s3cret@localhost:4566");
  CHECK(!has(error.message() + error.next(), "s3cret"));
  CHECK(has(error.next(), "$PODGIT_INSTANCE_TOKEN"));
}

TEST_CASE("what is none of the three is refused with what to write") {
  CHECK(has(refusal("").next(), "http://localhost:4566"));
  CHECK(has(refusal("localhost:4566").next(), "http://localhost:4566"));
  CHECK(has(refusal("moto:5000/").next(), "http://moto:5000/"));
  CHECK(has(refusal("s3://bucket/prefix").message(), "s3://"));
  CHECK(has(refusal("pod+https://host/org").message(), "pod+https://"));
  CHECK(has(refusal("http://").message(), "host is missing"));
  CHECK(has(refusal(std::string_view("a\0b", 3)).message(), "NUL"));
}

TEST_CASE("strategies are known by their names") {
  using pod::Strategy;
  for (const Strategy strategy :
       {Strategy::overwrite, Strategy::account_region_merge, Strategy::service_merge, Strategy::deep})
    CHECK(pod::parse_strategy(pod::strategy_name(strategy)) == strategy);
  CHECK(pod::strategy_name(Strategy::account_region_merge) == "account-region-merge");
  try {
    pod::parse_strategy("Overwrite");
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_argument);
    CHECK(has(error.next(), "overwrite, account-region-merge, service-merge, deep"));
  }
}
