#include "policy/depth.hpp"

#include <vector>

namespace pod::policy {

using document::Kind;
using document::NodeId;
using document::Value;

std::optional<Value> deeper_than(const document::Graph& graph, std::uint32_t most) {
  if (graph.node_count() <= most || !graph.root().is_node()) return std::nullopt;
  std::vector<bool> seen(graph.node_count());
  std::vector<NodeId> level{graph.root().node()};
  std::vector<NodeId> next;
  seen[level[0]] = true;
  const auto visit = [&](Value value) {
    if (!value.is_node() || seen[value.node()]) return;
    seen[value.node()] = true;
    next.push_back(value.node());
  };
  for (std::uint32_t depth = 0; !level.empty(); ++depth) {
    if (depth > most) return graph.node(level[0]);
    next.clear();
    for (const NodeId id : level) {
      const Value node = graph.node(id);
      if (node.kind() == Kind::byte_array) continue;
      for (const Value argument : graph.arguments(node)) visit(argument);
      for (const document::Part& part : graph.parts(node))
        for (const Value value : part.values) visit(value);
    }
    level.swap(next);
  }
  return std::nullopt;
}

}  // namespace pod::policy
