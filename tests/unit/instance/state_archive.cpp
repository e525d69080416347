#include "instance/state_archive.hpp"

#include "archive/archive.hpp"
#include "base/files.hpp"
#include "digest/digest.hpp"

#include <libpod/snapshot.hpp>

#include <fstream>
#include <set>

namespace pod::test {
namespace {

std::string zip_of(const std::vector<StateFile>& files, const std::string* listing) {
  const base::TempFolder folder(std::filesystem::temp_directory_path(), "pod-unit-");
  const auto path = folder.path() / "made.zip";
  archive::Writer writer(path, archive::Format::zip, {});
  for (const StateFile& file : files)
    if (!file.omitted) writer.add(StatePath::parse(file.path), file.content);
  if (listing != nullptr) writer.add(StatePath::parse(".pod/capture.json"), *listing);
  writer.finish();
  return base::read_file(path, 1ull << 30).value();
}

}  // namespace

std::string sha256_of(std::string_view text) { return digest::hex(digest::sha256(text)); }

json::Value listing_of(const std::vector<StateFile>& files) {
  json::Value entries = json::Value::array();
  std::set<std::string> captured;
  std::string lines;
  for (const StateFile& file : files) {
    const std::string sha256 = sha256_of(file.content);
    entries.push_back(
        {{"path", file.path}, {"size", file.content.size()}, {"sha256", sha256}, {"omitted", file.omitted}});
    captured.insert(std::string(service_of(StatePath::parse(file.path))));
    lines += sha256 + " " + file.path + "\n";
  }
  const json::Value empty = json::Value::array({"sns"});
  return {{"format", 1},
          {"emulator", {{"name", "moto"}, {"version", "5.2.1"}, {"python", "3.11"}, {"agent", "0.1.0"}}},
          {"process", "f00d"},
          {"services", {{"captured", captured}, {"empty", empty}, {"failed", json::Value::array()}}},
          {"entries", entries},
          {"digest", sha256_of(lines)}};
}

std::string archive_of(const std::vector<StateFile>& files, const std::function<void(json::Value&)>& change) {
  json::Value listing = listing_of(files);
  if (change) change(listing);
  const std::string text = listing.dump();
  return zip_of(files, &text);
}

std::string plain_archive_of(const std::vector<StateFile>& files) { return zip_of(files, nullptr); }

std::vector<StateFile> shop() {
  const std::string body(5000, 'b');
  const std::string name = sha256_of(body);
  return {{"api_states/000000000000/s3/global/backend.state", "buckets"},
          {"api_states/000000000000/sqs/us-east-1/backend.state", "queues"},
          {"assets/s3/blobs/" + name.substr(0, 2) + "/" + name, body}};
}

void write_bytes(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace pod::test
