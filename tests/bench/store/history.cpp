// Many versions through the library: the time of each commit of a folder in which some files changed.
//
//   store_history STORE FOLDER STEPS  →  {"versions", "meanSeconds", "medianSeconds", "p99Seconds", "worstSeconds",
//   "peakBytes"}
//
// STEPS holds a folder for each version, 1, 2, …: its files are written over those of FOLDER, outside the measured
// time.
#include <libpod/error.hpp>
#include <libpod/flow.hpp>
#include <libpod/store.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

unsigned long long peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return 2;
  try {
    pod::Store store = pod::Store::open(arguments[1]);
    const fs::path folder = arguments[2], steps = arguments[3];
    std::vector<double> seconds;
    for (unsigned version = 1; fs::is_directory(steps / std::to_string(version)); ++version) {
      fs::copy(steps / std::to_string(version), folder,
               fs::copy_options::recursive | fs::copy_options::overwrite_existing);
      const auto start = std::chrono::steady_clock::now();
      const pod::CommitResult result =
          pod::commit(store, pod::PodName::parse("bench"), pod::Source::parse(folder.string()), pod::CommitOptions{});
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      if (!result.created) {
        std::fprintf(stderr, "store_history: nothing changed in version %u\n", version);
        return 1;
      }
    }
    if (seconds.empty()) return 2;
    const double sum = std::accumulate(seconds.begin(), seconds.end(), 0.0);
    std::sort(seconds.begin(), seconds.end());
    std::printf(
        "{\"versions\": %zu, \"meanSeconds\": %f, \"medianSeconds\": %f, \"p99Seconds\": %f, \"worstSeconds\": %f, "
        "\"peakBytes\": %llu}\n",
        seconds.size(), sum / static_cast<double>(seconds.size()), seconds[seconds.size() / 2],
        seconds[seconds.size() * 99 / 100], seconds.back(), peak_bytes());
  } catch (const pod::Error& error) {
    std::fprintf(stderr, "store_history: %s\n", error.message().c_str());
    return 1;
  }
}
