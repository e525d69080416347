// Archives of state as an agent makes them, and as one that lies would.
#pragma once

#include "json/json.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::test {

struct StateFile {
  std::string path;
  std::string content;
  bool omitted = false;  // listed, but not in the archive
};

/// `.pod/capture.json` for `files` (sorted by path): the services that have files are captured, "sns" is empty.
json::Value listing_of(const std::vector<StateFile>& files);

/// The bytes of a zip with `files` and the listing behind them; `change` may make it lie, "" as listing leaves it out.
std::string archive_of(const std::vector<StateFile>& files, const std::function<void(json::Value&)>& change = {});
/// A zip with `files` alone.
std::string plain_archive_of(const std::vector<StateFile>& files);

/// Two state files and a blob.
std::vector<StateFile> shop();

std::string sha256_of(std::string_view text);
void write_bytes(const std::filesystem::path& path, std::string_view bytes);

}  // namespace pod::test
