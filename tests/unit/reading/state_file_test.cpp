#include "reading/state_file.hpp"

#include <doctest/doctest.h>

using namespace pod;
using namespace pod::reading;

namespace {

const StatePath queue_file = StatePath::parse("api_states/123456789012/sqs/eu-west-1/backend.state");

/// "queue", with a memo slot that nothing asks for.
const std::string as_python_writes = "\x80\x04\x8c\x05queue\x94.";
const std::string as_libpod_writes = "\x80\x04\x8c\x05queue.";

}  // namespace

TEST_CASE("state, and databases among assets, are read; other files are not") {
  const auto is_state = [](const char* path) { return is_state_file(StatePath::parse(path)); };
  CHECK(is_state("api_states/123456789012/sqs/eu-west-1/backend.state"));
  CHECK(is_state("sqs/store.json"));
  CHECK(is_state("assets/dynamodb/123456789012_us-east-1.db"));
  CHECK_FALSE(is_state("assets/s3/blobs/aa/aabb"));
  CHECK_FALSE(is_state("metadata.yaml"));
  CHECK_FALSE(is_state(".pod/metamodel/files/a.state.json"));
}

TEST_CASE("a reading says where the file belongs, what it is and how large") {
  const StateFile file = read_state_file(as_python_writes, queue_file);
  CHECK(file.reading.account == "123456789012");
  CHECK(file.reading.service == "sqs");
  CHECK(file.reading.region == "eu-west-1");
  CHECK(file.reading.format == "pickle");
  CHECK(file.reading.bytes == as_python_writes.size());
  CHECK(file.reading.verdict == Verdict::accept);
  CHECK_FALSE(file.canonical);
}

TEST_CASE("a canonical writing is what the reading describes") {
  const StateFile file = read_state_file(as_python_writes, queue_file, true);
  CHECK(file.canonical == as_libpod_writes);
  CHECK(file.reading.bytes == as_libpod_writes.size());
  CHECK(file.reading.digest == read_state_file(as_python_writes, queue_file).reading.digest);
  const StateFile again = read_state_file(as_libpod_writes, queue_file, true);
  CHECK(again.canonical == as_libpod_writes);
  CHECK(again.reading.digest == file.reading.digest);
}

TEST_CASE("what cannot be read or written is told, never thrown") {
  const StateFile cut = read_state_file(as_python_writes.substr(0, 7), queue_file, true);
  CHECK_FALSE(cut.reading.not_read.empty());
  CHECK(cut.reading.verdict == Verdict::refuse);
  CHECK(cut.reading.digest.size() == 64);
  CHECK_FALSE(cut.canonical);
  const StateFile trailing = read_state_file(as_python_writes + "more", queue_file, true);
  CHECK(trailing.reading.verdict == Verdict::refuse);
  CHECK_FALSE(trailing.canonical);
  CHECK_FALSE(trailing.not_written.empty());
  const StateFile empty = read_state_file("", queue_file, true);
  CHECK(empty.reading.format == "opaque");
  CHECK(empty.reading.verdict != Verdict::accept);
  const StateReading large = unread(queue_file, 1ull << 40, std::string(64, 'a'));
  CHECK(large.verdict == Verdict::refuse);
  CHECK(large.not_read.find("1099511627776") != std::string::npos);
}

TEST_CASE("JSON is read and stays as it is") {
  const StateFile file = read_state_file("{\"a\": 1}", StatePath::parse("sqs/store.json"), true);
  CHECK(file.reading.format == "json");
  CHECK(file.reading.not_read.empty());
  CHECK_FALSE(file.canonical);
}
