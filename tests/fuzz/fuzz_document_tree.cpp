// The tree of a pickle and the tree of what is written of it are one.
#include "document/pickle.hpp"
#include "tree_outline.hpp"

#include <libpod/error.hpp>

#include <optional>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pod::document;
  const Limits limits{.bytes = 1 << 16, .steps = 20'000, .nodes = 10'000, .memo = 10'000, .depth = 200};
  std::optional<Graph> graph;
  std::string written;
  try {
    graph = read_pickle(std::string(fuzz::text(data, size)), "input", limits);
    const Tree tree(*graph);
    const auto lines = fuzz::outline(tree);
    const std::string digest = tree.subtree_digest(tree.root());
    written = write_pickle(*graph);
    const Graph again = read_pickle(written, "written");
    const Tree same(again);
    // Members of one name are numbered as they stand, and sets are written in another order.
    const bool twins = std::any_of(lines.begin(), lines.end(),
                                   [](const std::string& line) { return line.find('+') != std::string::npos; });
    if (!twins && lines.size() < 2000) {
      fuzz::must_hold(fuzz::outline(same) == lines, "the tree of what is written is the tree of what was read");
      fuzz::must_hold(same.subtree_digest(same.root()) == digest, "the digest is the same");
    }
  } catch (const pod::Error& error) {
    fuzz::must_hold(error.code() == pod::ErrorCode::corrupt || error.code() == pod::ErrorCode::refused ||
                        error.code() == pod::ErrorCode::unsupported,
                    "the error is of those that are promised");
  }
  return 0;
}
