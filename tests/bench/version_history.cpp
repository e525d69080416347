// Many versions of a tree in which few files change: what one commit costs through the library, and what lies there.
//
//   version_history STORE [VERSIONS [FILES [CHANGED]]]
// Prints one JSON line: milliseconds a commit (mean, 99th percentile, worst), packs and bytes at the end.
#include "snapshot/tree_builder.hpp"
#include "store/engine.hpp"

#include <libpod/store.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace pod;

/// A state file as an emulator keeps it: records of like fields, other values.
std::string state_file(std::mt19937_64& random) {
  std::string text = "{\n";
  const std::size_t records = 5 + random() % 40;
  for (std::size_t i = 0; i < records; ++i)
    text += "  \"arn:aws:sqs:us-east-1:000000000000:queue-" + std::to_string(random() % 100000) +
            "\": {\"VisibilityTimeout\": \"" + std::to_string(random() % 60) + "\", \"CreatedTimestamp\": \"" +
            std::to_string(1700000000 + random() % 10000000) + "\", \"token\": \"" + std::to_string(random()) +
            "\"},\n";
  return text + "}\n";
}

void change(std::string& text, std::mt19937_64& random) {
  const std::string value = std::to_string(random());
  text.replace(random() % (text.size() - 24), value.size(), value);
}

}  // namespace

int main(int count, char** arguments) {
  const auto number = [&](int at, std::size_t usual) {
    return count > at ? static_cast<std::size_t>(std::atoll(arguments[at])) : usual;
  };
  if (count < 2) return 2;
  const std::size_t versions = number(2, 1000);
  const std::size_t files = number(3, 2000);
  const std::size_t changed = number(4, 5);
  Store store = Store::open_or_init(arguments[1]);
  std::mt19937_64 random(1);
  std::vector<std::string> contents(files);
  std::vector<StatePath> paths;
  for (std::size_t i = 0; i < files; ++i) {
    contents[i] = state_file(random);
    paths.push_back(StatePath::parse("api_states/000000000000/service" + std::to_string(i % 40) + "/region" +
                                     std::to_string(i / 40) + "/store.state"));
  }
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < files; ++i) places[paths[i].str()] = i;
  std::vector<std::optional<FileEntry>> known(files);
  std::vector<double> times;
  const PodName pod = PodName::parse("history");
  for (std::size_t version = 0; version < versions; ++version) {
    std::vector<bool> is_changed(files, version == 0);
    for (std::size_t i = 0; version > 0 && i < changed; ++i) {
      const std::size_t at = random() % files;
      change(contents[at], random);
      is_changed[at] = true;
    }
    const auto start = std::chrono::steady_clock::now();
    store::Engine& engine = store.engine();
    git::PackWriter pack = engine.pack_writer({});
    snapshot::TreeBuilder builder(pack);
    for (std::size_t i = 0; i < files; ++i) {
      base::MemorySource source(contents[i]);
      if (is_changed[i])
        builder.add_file(paths[i], contents[i].size(), source);
      else
        builder.add_existing(*known[i]);
    }
    const Oid tree = builder.finish({});
    const store::WriterLock lock = engine.lock({});
    const Version made = engine.commit_version(lock, pack,
                                               {.pod = pod,
                                                .tree = tree,
                                                .parent = engine.latest(pod),
                                                .message = "version " + std::to_string(version + 1),
                                                .author = {"Ada", "ada@example.org"},
                                                .verb = "commit"},
                                               {});
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    std::vector<FileEntry> entries = store.snapshot(made).files();
    for (FileEntry& entry : entries) {
      const std::size_t at = places.at(entry.path.str());
      known[at] = std::move(entry);
    }
  }
  double sum = 0;
  for (std::size_t i = 1; i < times.size(); ++i) sum += times[i];
  std::sort(times.begin() + 1, times.end());
  std::size_t packs = 0;
  std::uintmax_t bytes = 0;
  for (const auto& file : fs::directory_iterator(store.path() / "objects" / "pack")) {
    packs += file.path().extension() == ".pack";
    bytes += file.file_size();
  }
  std::printf(
      "{\"first_ms\": %.2f, \"mean_ms\": %.2f, \"p99_ms\": %.2f, \"worst_ms\": %.2f, \"packs\": %zu, \"bytes\": %ju}\n",
      times[0], sum / static_cast<double>(std::max<std::size_t>(1, times.size() - 1)),
      times[times.size() - 1 - times.size() / 100], times.back(), packs, bytes);
  return 0;
}
