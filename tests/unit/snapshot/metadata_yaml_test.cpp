#include "snapshot/metadata_yaml.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace pod::snapshot;

namespace {
std::string repeated(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}
}  // namespace

TEST_CASE("LocalStack's metadata says its version and services") {
  const auto info = parse_metadata(
      "localstack_ext_version: ''\nlocalstack_version: 2.0.1\nmoto_ext_version: 4.1.5.post2\nname: x\npro: "
      "false\nservices:\n- sqs\n- s3\nsize: 1\n");
  REQUIRE(info);
  CHECK(info->emulator == pod::Emulator{"localstack", "2.0.1", ""});
  CHECK(info->captured == std::vector<std::string>{"s3", "sqs"});
  CHECK(parse_metadata("services: [s3, '../x', \"a b\", s3]")->captured == std::vector<std::string>{"s3"});
  CHECK(parse_metadata("{localstack_version: \"1\", services: []}")->emulator.version == "1");
}

TEST_CASE("nested values do not pass for those at the top") {
  const auto info = parse_metadata(
      "x: {localstack_version: 9, services: [evil]}\nservices: [[s1], {a: s2}, s3]\nlocalstack_version: 1");
  REQUIRE(info);
  CHECK(info->captured == std::vector<std::string>{"s3"});
  CHECK(info->emulator.version == "1");
}

TEST_CASE("metadata that cannot be read is no claim, and costs no time") {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<std::string> hostile{
      "",
      "- s3",
      "just text",
      "name: x",
      "services: s3",
      "a: &a [x]\nservices: [s3]\nb: *a",
      "a: &a [x,x]\nb: &b [*a,*a]\nservices: [s3]",
      "services: &x [s3]",
      "services: [s3",
      "services: [\xff]",
      "? {a: b}\n: c\nservices: [s3]",
      repeated("[", 60'000),
      "services: " + repeated("[", 60'000),
      repeated("{a: ", 15'000),
      repeated("- ", 30'000),
      repeated("? ", 30'000),
      repeated("!a ", 20'000),
      "services: [s3]\nx: " + std::string(70'000, 'x'),
  };
  for (const std::string& text : hostile) {
    CAPTURE(text.substr(0, 60));
    CHECK_FALSE(parse_metadata(text));
  }
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

TEST_CASE("the metadata of an export is the same each time and reads back") {
  pod::SnapshotInfo info;
  info.emulator = {"localstack", "3.0", ""};
  info.captured = {"s3", "sqs"};
  const std::string text = make_metadata(info, "a \"name\": with\nall", 123);
  CHECK(text ==
        "# made by podgit from .pod/info.json\n"
        "localstack_ext_version: \"\"\n"
        "localstack_version: \"3.0\"\n"
        "moto_ext_version: \"\"\n"
        "name: \"a \\\"name\\\": with\\\\x0aall\"\n"
        "pro: false\n"
        "services:\n"
        "  - \"s3\"\n"
        "  - \"sqs\"\n"
        "size: 123\n");
  CHECK(is_made_metadata(text));
  CHECK_FALSE(is_made_metadata("name: x\n"));
  CHECK(parse_metadata(text) == info);
  info.captured.clear();
  CHECK(parse_metadata(make_metadata(info, "", 0))->captured.empty());
}
