#include "archive_bytes.hpp"

#include "base/files.hpp"

#include <doctest/doctest.h>

#include <map>

using pod::archive::Entry;
using pod::archive::Format;
using pod::archive::Reader;

namespace {

std::map<std::string, std::string> files_of(Reader& reader) {
  std::map<std::string, std::string> files;
  reader.for_each(
      [&](const Entry& entry, pod::base::ByteSource& source) { files[entry.path.str()] = read_all(source, 1 << 24); });
  return files;
}

std::string repeated(std::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("archives of other programs are read") {
  const std::map<std::string, std::string> expected{
      {"api_states/000000000000/sqs/us-east-1/backend.state", repeated("state ", 1000)},
      {"assets/empty.bin", ""},
      {"assets/" + repeated("long", 30) + "/" + repeated("name", 30) + ".bin", "x"},
      {"assets/größe.txt", "utf-8\n"}};
  for (const char* const name : {"python-stream-stored.zip", "python-stream-stored-zip64.zip",
                                 "python-stream-deflated.zip", "python-stream-deflated-zip64.zip", "info-zip.zip",
                                 "bsdtar.zip", "gnu.tar.zst", "gnu-pax.tar.zst", "bsdtar-pax.tar.zst"}) {
    CAPTURE(name);
    Reader reader(std::filesystem::path(TEST_DATA) / "archives" / name, {}, {});
    CHECK(reader.format() == pod::archive::format_for(name));
    CHECK(files_of(reader) == expected);
    for (const Entry& entry : reader.entries()) CHECK(entry.mode == (entry.folder ? 0755u : 0644u));
  }
}

TEST_CASE("a real pod is read, and its missing modes are the default") {
  Reader reader(std::filesystem::path(TEST_DATA) / "pods/happy-new-year.zip", {}, {});
  CHECK(reader.format() == Format::zip);
  REQUIRE(reader.entries().size() == 3);
  CHECK(reader.entries()[1].path.str() == "api_states/000000000000/s3/global/backend.state");
  CHECK(reader.entries()[1].size == 569706);
  for (const Entry& entry : reader.entries()) CHECK(entry.mode == 0644);
  const auto files = files_of(reader);
  CHECK(hostile::crc32(files.at("metadata.yaml")) == 0xe0098e44);
  CHECK(hostile::crc32(files.at("api_states/000000000000/s3/global/backend.state")) == 0x5d7a8c58);
}
