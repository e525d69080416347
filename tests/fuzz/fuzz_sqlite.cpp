#include "document/sqlite_reader.hpp"
#include "tree_outline.hpp"

#include <libpod/error.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const pod::document::Limits limits{.bytes = 1 << 17, .steps = 200'000, .nodes = 10'000, .depth = 64};
  try {
    const pod::document::Graph graph = pod::document::read_sqlite(std::string(fuzz::text(data, size)), "input", limits);
    fuzz::outline(pod::document::Tree(graph), 500);
  } catch (const pod::Error& error) {
    fuzz::must_hold(error.code() == pod::ErrorCode::corrupt || error.code() == pod::ErrorCode::refused,
                    "the error is of the two that are promised");
  }
  return 0;
}
