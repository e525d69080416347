#include "document/json_reader.hpp"
#include "tree_outline.hpp"

#include <libpod/error.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const pod::document::Limits limits{.bytes = 1 << 16, .steps = 20'000, .nodes = 10'000, .depth = 64};
  try {
    const std::string text(fuzz::text(data, size));
    const pod::document::Graph graph = pod::document::read_jsonpickle(text, "input", limits);
    const pod::document::Tree tree(graph);
    const auto lines = fuzz::outline(tree);
    const pod::document::Graph again = pod::document::read_jsonpickle(text, "input", limits);
    fuzz::must_hold(pod::document::Tree(again).subtree_digest(again.root()) == tree.subtree_digest(graph.root()),
                    "the same text is the same tree");
  } catch (const pod::Error& error) {
    fuzz::must_hold(error.code() == pod::ErrorCode::corrupt || error.code() == pod::ErrorCode::refused,
                    "the error is of the two that are promised");
  }
  return 0;
}
