// The same graph as a tree with named paths: what inspect shows, what resources are found in, what diff compares.
//
// Breadth first from the root, over named edges; the first, shortest way to a node is its home, every other edge to it is
// a reference. So a resource lies where a person would look for it (`/queues/orders-dlq`, not
// `/queues/orders/@dead_letter_queue`), and its path stays when unrelated things change.
//
//   step            edge                                                     written
//   key             an item of a dict or of anything with items              /orders   /#5 (an integer as key)   /%<digest> (others)
//   attribute       a member of an object's state                            /@name
//   index           an element of a list, a tuple, anything with append      /3
//   member          a member of a set                                        /%<8 hex digits of its digest>
//   argument        an argument of a call or an object that is no value      /!0
//   effect          what a setter was given beside items and attributes      /&set_key
//
// In keys and names `/`, `~`, control bytes and a first `@ # % ! &` or digit are written `~XX` (hex), so that every path
// reads back. Transparent: the state setters of pod_agent.restore (set_raw, set_key, set_thread), defaultdict and
// OrderedDict, `(dict, slots)` states: their items and attributes are the object's own.
//
// Thread word: immutable, safe. Cost: two passes over the graph; 8 bytes a node and what the graph itself takes.
#pragma once

#include "document/graph.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::document {

struct Step {
  enum class Kind : std::uint8_t { key, attribute, index, member, argument, effect };
  Kind kind = Kind::key;
  Value label;              // key, attribute, effect: the key, the name; member: the member itself
  std::uint32_t index = 0;  // index, argument
};

struct Edge {
  Step step;
  Value target;
};

class Tree {
 public:
  /// Keeps a reference to `graph`, which must outlive it.
  explicit Tree(const Graph& graph);
  const Graph& graph() const noexcept { return *graph_; }
  Value root() const noexcept { return graph_->root(); }

  /// The named edges out of `value`, in the document's order (of a key given twice the last counts); none out of atoms and
  /// value objects. Return false from `visit` to stop.
  void edges(Value value, const std::function<bool(const Edge&)>& visit) const;
  std::size_t edge_count(Value value) const;
  /// The target under a text key, an attribute, an index. Cost: a walk over the node's edges.
  std::optional<Value> key(Value value, std::string_view name) const;
  std::optional<Value> attribute(Value value, std::string_view name) const;
  std::optional<Value> index(Value value, std::uint32_t index) const;

  /// Whether the node's home is another edge than this one. Never for atoms and value objects: they are everywhere at home.
  bool is_reference(Value parent, const Edge& edge) const;
  /// Where a node is at home, "" for the root.
  std::string path(Value node) const;
  std::string path(Value parent, const Edge& edge) const { return path(parent) + step_text(edge.step); }
  /// "/orders", "/@name", "/3", …
  std::string step_text(const Step& step) const;
  std::optional<Value> find(std::string_view path) const;

  /// SHA-256 prefix (16 bytes) of what lies below, references by their path: equal for equal content, dicts and sets in any
  /// order. Cost: the subtree, each time it is asked.
  std::string subtree_digest(Value value) const;

 private:
  struct Home {
    NodeId parent;
    std::uint32_t edge;
  };
  const Graph* graph_;
  std::vector<Home> homes_;
};

}  // namespace pod::document
