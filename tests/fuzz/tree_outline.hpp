// What a tree says, line by line, for targets that compare trees; on the way every path is read back.
#pragma once

#include "fuzz_input.hpp"

#include "document/tree.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace fuzz {

/// At most `most` edges. Sorted: dicts and sets come in any order.
inline std::vector<std::string> outline(const pod::document::Tree& tree, std::size_t most = 2000) {
  using pod::document::Edge;
  using pod::document::Value;
  std::vector<std::string> lines;
  std::vector<Value> todo{tree.root()};
  for (std::size_t next = 0; next < todo.size() && lines.size() < most; ++next) {
    const Value value = todo[next];
    tree.edges(value, [&](const Edge& edge) {
      const std::string path = tree.path(value, edge);
      const auto found = tree.find(path);
      must_hold(found && *found == edge.target, "a path reads back");
      const bool reference = tree.is_reference(value, edge);
      if (reference) {
        lines.push_back(path + " > " + tree.path(edge.target));
      } else if (tree.is_leaf(edge.target)) {
        lines.push_back(path + " = " + tree.subtree_digest(edge.target));
      } else {
        must_hold(tree.path(edge.target) == path, "a home is where it is");
        lines.push_back(path);
        todo.push_back(edge.target);
      }
      return lines.size() < most;
    });
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace fuzz
