// What reading one pickle costs: seconds to read it and to lay its tree, as inspect does, and the peak memory of both.
//
//   reading_speed FILE  →  {"bytes", "readSeconds", "treeSeconds", "peakBytes", "writeSeconds", "digestSeconds"}

#include "document/document.hpp"
#include "document/pickle.hpp"
#include "document/tree.hpp"

#include <libpod/error.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// VmHWM of this process: unlike getrusage() it does not count what started it.
std::uint64_t peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  return 0;
}

std::string content_of(const char* file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  std::string bytes(static_cast<std::size_t>(in.tellg()), '\0');
  in.seekg(0);
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

void measure(const char* file) {
  namespace document = pod::document;
  std::string bytes = content_of(file);
  const std::size_t size = bytes.size();
  const auto start = Clock::now();
  const document::Graph graph = document::read_pickle(std::move(bytes), file, {.bytes = std::uint64_t{4} << 30});
  const double read = since(start);
  const auto spread = Clock::now();
  double tree_seconds = 0;
  {
    const document::Tree tree(graph);
    tree_seconds = since(spread);
  }
  const std::uint64_t peak = peak_bytes();
  const auto writing = Clock::now();
  const std::string written = document::write_pickle(graph);
  const double write = since(writing);
  const auto digesting = Clock::now();
  const std::string digest = document::canonical_digest(graph);
  std::printf(
      "{\"bytes\": %zu, \"readSeconds\": %f, \"treeSeconds\": %f, \"peakBytes\": %llu, \"writeSeconds\": %f, "
      "\"digestSeconds\": %f, "
      "\"written\": %zu}\n",
      size, read, tree_seconds, static_cast<unsigned long long>(peak), write, since(digesting), written.size());
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  try {
    measure(arguments[1]);
  } catch (const pod::Error& error) {
    std::fprintf(stderr, "reading_speed: %s\n", error.message().c_str());
    return 1;
  }
}
