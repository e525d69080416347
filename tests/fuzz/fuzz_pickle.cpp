// Whatever bytes come, reading a pickle ends in a graph or in a promised error; what is written of the graph reads
// back, says the same, and is written the same again.
#include "document/document.hpp"
#include "document/pickle.hpp"
#include "document/values.hpp"
#include "fuzz_input.hpp"

#include <libpod/error.hpp>

#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pod::document;
  const std::string_view input = fuzz::text(data, size);
  const Limits limits{.bytes = 1 << 20, .steps = 100'000, .nodes = 50'000, .memo = 10'000, .depth = 1'000};
  static_cast<void>(looks_like_pickle(input));
  for (const Instruction& line : disassemble(input, 0, 100))
    fuzz::must_hold(line.argument.size() <= 120, "arguments are cut");
  try {
    const Graph graph = read_pickle(std::string(input), "input", limits);
    fuzz::must_hold(render(graph, graph.root()).size() <= 200, "a value is one short line");
    const std::string digest = canonical_digest(graph);
    const std::string written = write_pickle(graph);
    const Graph again = read_pickle(written, "written");
    fuzz::must_hold(again.end() == written.size(), "nothing stands behind STOP");
    fuzz::must_hold(write_pickle(again) == written, "writing is a fixed point");
    fuzz::must_hold(canonical_digest(again) == digest, "what is written says the same");
  } catch (const pod::Error& error) {
    fuzz::must_hold(error.code() == pod::ErrorCode::corrupt || error.code() == pod::ErrorCode::refused ||
                        error.code() == pod::ErrorCode::unsupported,
                    "the error is of those that are promised");
  }
  return 0;
}
