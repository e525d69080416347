// What the metamodel says of the state files in a folder: one line each, `<path> <tab> <the model's file>`.
//
//   model_of FOLDER [--time]

#include "document/document.hpp"
#include "metamodel/metamodel.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

double milliseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

pod::StateReading reading_of(const fs::path& file, const pod::StatePath& path, bool time) {
  const pod::metamodel::Place place = pod::metamodel::place_of(path);
  pod::StateReading reading{.path = path, .account = place.account, .region = place.region, .service = place.service};
  std::string content = content_of(file);
  reading.bytes = content.size();
  reading.digest = std::string(64, '0');
  const pod::document::Format format = pod::document::detect(std::string_view(content).substr(0, 4096));
  reading.format = pod::document::format_name(format);
  try {
    const auto start = Clock::now();
    const pod::document::Graph graph = pod::document::read(std::move(content), format, path.str());
    const auto read = Clock::now();
    const pod::document::Tree tree(graph);
    const auto spread = Clock::now();
    pod::metamodel::StateModel model = pod::metamodel::extract(tree, place);
    const auto extracted = Clock::now();
    if (time)
      std::fprintf(stderr, "%s: read %.1f ms, tree %.1f ms, extract %.1f ms, %zu resources\n", path.str().c_str(),
                   milliseconds(start, read), milliseconds(read, spread), milliseconds(spread, extracted),
                   model.resources.size());
    reading.resources = std::move(model.resources);
    reading.unmapped = std::move(model.unmapped);
  } catch (const pod::Error& error) {
    reading.not_read = error.message();
  }
  return reading;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fputs("usage: model_of FOLDER [--time]\n", stderr);
    return 2;
  }
  const fs::path folder = arguments[1];
  const bool time = count > 2 && std::string_view(arguments[2]) == "--time";
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  try {
    for (const fs::path& file : files) {
      const pod::StatePath path = pod::StatePath::parse(file.lexically_relative(folder).generic_string());
      std::cout << path.str() << '\t' << pod::metamodel::encode(reading_of(file, path, time));
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "model_of: %s\n", error.what());
    return 1;
  }
}
