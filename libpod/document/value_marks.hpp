// What is settled about each node when a graph is finished, in a byte a node: whether it is a value object, and of a
// global which of the names it has that others ask for again and again.
#pragma once

#include "document/graph.hpp"

#include <cstdint>

namespace pod::document {

enum class KnownName : std::uint8_t {
  none,
  maker,          // a call of it makes a value object
  reconstructor,  // copyreg's makers, which are given the class first
  counter,        // collections.Counter
  // of pod_agent.restore
  set_raw,
  set_key,
  set_thread,
  weak,  // weak references, methods, timers
};

inline constexpr std::uint8_t value_mark = 0x80;

inline KnownName known_name(const Graph& graph, Value global) noexcept {
  return global.kind() == Kind::global ? static_cast<KnownName>(graph.mark(global) & ~value_mark) : KnownName::none;
}

/// Gives the marks of all nodes in the order of their ids. Arguments are made before what they are given to, so one
/// pass from below settles a node by those of its arguments. Cost: the graph's arguments; 4 bytes a node meanwhile.
class ValueMarks {
 public:
  explicit ValueMarks(const Graph& graph) : graph_(graph) {}
  std::uint8_t next();

 private:
  struct Size {
    std::uint16_t nodes = 0;  // 0: no value object
    std::uint16_t bytes = 0;
  };
  /// The sizes of `value` and of what lies beneath it are added; false where it is no value object, or too large.
  bool add(Value value, Size& size) const;
  bool add_all(std::span<const Value> values, Size& size) const;
  bool may_be_value(Value node, Size& size) const;
  bool is_value_call(std::span<const Value> arguments) const;
  bool is_uuid(Value node, Size& size) const;

  const Graph& graph_;
  Growing<Size> settled_;
};

}  // namespace pod::document
