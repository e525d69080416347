// A world for the browser that lies in memory, and resources to put into it.
#pragma once

#include "inspect/state_reader.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace podgit::inspect {

inline pod::Resource resource(std::string type, std::string id, std::uint64_t bytes = 0, std::uint64_t count = 0) {
  pod::Resource out;
  out.type = std::move(type);
  out.id = std::move(id);
  out.arn = "arn:aws:x:::" + out.id;
  out.path = "/" + out.type + "s/" + out.id;
  out.bytes = bytes;
  if (count > 0) out.counts = {{"things", count}};
  return out;
}

inline pod::StateReading state_file(std::string service, std::vector<pod::Resource> resources,
                                    std::string region = "us-east-1") {
  pod::StateReading out{pod::StatePath::parse("api_states/000000000000/" + service + "/" + region + "/backend.state"),
                        "000000000000",
                        region,
                        service,
                        "pickle",
                        std::string(64, '0'),
                        1000,
                        pod::Verdict::accept,
                        "",
                        {},
                        {}};
  std::sort(resources.begin(), resources.end(), [](const pod::Resource& a, const pod::Resource& b) {
    return std::pair(a.type, a.id) < std::pair(b.type, b.id);
  });
  out.resources = std::move(resources);
  return out;
}

/// Three services, the last with a file that was not read.
inline pod::Inventory small_inventory() {
  pod::Inventory out;
  out.files.push_back(
      state_file("s3", {resource("bucket", "photos", 5000, 12), resource("bucket", "archive", 90, 2)}, "global"));
  pod::StateReading queues = state_file("sqs", {resource("queue", "orders", 0, 3), resource("queue", "Mails", 10, 1)});
  queues.unmapped = {{"@moves", 2}};
  queues.verdict = pod::Verdict::review;
  out.files.push_back(std::move(queues));
  pod::StateReading unread = state_file("xray", {});
  unread.format = "opaque";
  unread.not_read = "no format that is known";
  out.files.push_back(std::move(unread));
  out.assets = {{"s3", 4, 1 << 20}};
  return out;
}

class MemoryReader final : public StateReader {
 public:
  std::vector<VersionLine> versions() override { return lines; }
  Content open(const std::string& version) override {
    opened.push_back(version);
    if (!inventories.contains(version)) throw pod::Error(pod::ErrorCode::not_found, "there is no " + version);
    return {version, inventories[version]};
  }
  Content compare(const std::string& version, const Content& now) override {
    compared.push_back(version);
    return {version + " -> " + now.title(), difference, Content(version, inventories[version]), now};
  }
  std::vector<pod::Field> fields(const pod::StatePath& file, std::string_view path, std::size_t first,
                                 std::size_t limit) override {
    asked.push_back(file.str() + ":" + std::string(path));
    if (broken) throw pod::Error(pod::ErrorCode::unsupported, "this is no document");
    const auto found = documents.find(path);
    if (found == documents.end()) return {};
    const auto& all = found->second;
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(std::min(first, all.size()));
    return {begin, begin + static_cast<std::ptrdiff_t>(std::min(limit, static_cast<std::size_t>(all.end() - begin)))};
  }
  std::string save(const std::string& file, const std::vector<const Item*>& items) override {
    saved = {file, items.size()};
    return "wrote " + file;
  }

  std::vector<VersionLine> lines{{"shop:3", "today", "third"}, {"shop:2", "yesterday", "second"}};
  std::map<std::string, pod::Inventory> inventories;
  pod::ResourceDiff difference;
  std::map<std::string, std::vector<pod::Field>, std::less<>> documents;
  bool broken = false;

  std::vector<std::string> opened;
  std::vector<std::string> compared;
  std::vector<std::string> asked;
  std::pair<std::string, std::size_t> saved;
};

}  // namespace podgit::inspect
