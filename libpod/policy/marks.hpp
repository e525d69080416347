// What a first walk over a graph finds out about its nodes: in which position each stands. One byte a node.
#pragma once

#include "document/graph.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace pod::policy {

/// The two attribute look-ups that real pods carry: ZoneInfo's `_unpickle`, and dill's way to `setattr`.
enum class Lookup { none, zone, setattr };
/// Of a call of `builtins.getattr`; by its arguments, exactly.
Lookup lookup_of(const document::Graph& graph, document::Value value);

/// Whether `value` is a call of the global `module.name`.
bool is_call_of(const document::Graph& graph, document::Value value, std::string_view module, std::string_view name);
/// The arguments of a call or an object; empty where they are no tuple.
std::span<const document::Value> given_to(const document::Graph& graph, document::Value value);

class Marks {
 public:
  explicit Marks(const document::Graph& graph);

  /// A call whose result was dropped: what counts is its effect on its first argument.
  bool is_dropped(document::Value call) const { return has(call, dropped); }
  /// Part of a function that dill wrote, and that lies among the attributes of an SQS queue of LocalStack: the only
  /// place where real pods have one.
  bool is_carried(document::Value node) const { return has(node, carried); }
  /// A tuple of arguments that may name what nothing else may: of a look-up, of copyreg's
  /// `_reconstructor`, of a function that is carried. Whoever judges the call looks at each of them.
  bool may_name(document::Value arguments) const { return has(arguments, naming); }

 private:
  static constexpr std::uint8_t dropped = 1;
  static constexpr std::uint8_t carried = 2;
  static constexpr std::uint8_t naming = 4;

  bool has(document::Value node, std::uint8_t mark) const {
    return node.is_node() && (marks_[node.node()] & mark) != 0;
  }
  void set(document::Value node, std::uint8_t mark) {
    if (node.is_node()) marks_[node.node()] |= mark;
  }
  void mark_queue(const document::Graph& graph, document::Value queue);
  void mark_function(const document::Graph& graph, document::Value call);
  void mark_code(const document::Graph& graph, document::Value call);

  std::vector<std::uint8_t> marks_;
};

}  // namespace pod::policy
