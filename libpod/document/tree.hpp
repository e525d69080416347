// The same graph as a tree with named paths: what inspect shows, what resources are found in, what diff compares.
//
// Breadth first from the root, over named edges, those of one node by name; the first, shortest way to a node is its
// home, every other edge to it is a reference. So a resource lies where a person would look for it
// (`/queues/orders-dlq`, not
// `/queues/orders/@dead_letter_queue`), and its path stays when unrelated things change.
//
//   step            edge                                                     written
//   key             an item of a dict or of anything with items              /orders   /#5 (an integer)   /=S:a (a
//   small
//                                                                            object)   /%<digest> (others)
//   attribute       a member of an object's state                            /@name
//   index           an element of a list, a tuple, anything with append      /3
//   member          a member of a set                                        /%<digest>
//   argument        an argument of a call or an object that is no value      /!0
//   effect          what a setter was given beside items and attributes, a   /&set_key   /&state
//                   state that is no dict
//
// In keys and names `/`, `~`, control bytes, bytes that are no UTF-8 and a first `@ # % ! & =` are written `~XX` (hex);
// a text of more than 1,024 bytes is written by its digest (16 hex digits), so a path stays short. A second edge of the
// same name has `+2` behind it. So every path reads back. Transparent: the state setters of pod_agent.restore (set_raw,
// set_key, set_thread), defaultdict and OrderedDict, Counter, `(dict, slots)` states: their items and attributes are
// the object's own. Weak references are followed last: a home is where something is held.
//
// Everywhere at home, so never a reference: atoms, value objects, globals, persistent ids.
//
// Thread word: immutable, safe. Cost: two passes over the graph; 12 bytes a node and what the graph itself takes.
#pragma once

#include "document/graph.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pod::document {

struct Step {
  enum class Kind : std::uint8_t { key, attribute, index, member, argument, effect };
  /// Of an effect that no function names.
  enum class Word : std::uint8_t { none, state, append, add, call, key, items, attributes };
  Kind kind = Kind::key;
  Word word = Word::none;
  Value label;              // key, attribute, effect: the key, the name; member: the member itself
  std::uint32_t index = 0;  // index, argument: the place; others: how many of the same name come before
  friend bool operator==(const Step&, const Step&) = default;
};

struct Edge {
  Step step;
  Value target;
  const Value* slot = nullptr;  // where the target stands in the graph
};

class Tree {
 public:
  /// Keeps a reference to `graph`, which must outlive it.
  explicit Tree(const Graph& graph);
  ~Tree();
  Tree(Tree&&) noexcept;
  Tree& operator=(Tree&&) noexcept;
  const Graph& graph() const noexcept;
  Value root() const noexcept { return graph().root(); }

  /// The named edges out of `value`, in the document's order (of a key given twice the last counts); none out of atoms
  /// and value objects. Return false from `visit` to stop.
  void edges(Value value, const std::function<bool(const Edge&)>& visit) const;
  std::size_t edge_count(Value value) const;
  /// Only keys, indexes and members: what a person would say it holds.
  std::size_t item_count(Value value) const;
  /// The target under a text key, an attribute, an index. Cost: a walk over the node's edges; past 64 of them they are
  /// sorted once, on first use, and kept so.
  std::optional<Value> key(Value value, std::string_view name) const;
  std::optional<Value> attribute(Value value, std::string_view name) const;
  std::optional<Value> index(Value value, std::uint32_t index) const;
  /// The text of a label: of a text, of an enum member that is one text, of a small object (its attributes: "S:a").
  /// Nothing for others.
  std::optional<std::string_view> label_text(const Step& step) const;

  /// An atom, a value object, a global, a persistent id: has no edges, and is everywhere at home.
  bool is_leaf(Value value) const;
  /// Whether the node's home is another edge than this one. `edge` as `edges` gave it.
  bool is_reference(Value parent, const Edge& edge) const;
  /// Where a node is at home, "" for the root.
  std::string path(Value node) const;
  std::string path(Value parent, const Edge& edge) const { return path(parent) + step_text(edge.step); }
  /// "/orders", "/@name", "/3", …
  std::string step_text(const Step& step) const;
  std::optional<Value> find(std::string_view path) const;

  /// SHA-256 prefix (16 bytes, 32 hex digits) of what lies below, references by their path: equal for equal content,
  /// dicts and sets in any order. Cost: the subtree, each time it is asked.
  std::string subtree_digest(Value value) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pod::document
