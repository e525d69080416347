// How a reader makes a Graph. One thread at a time.
#pragma once

#include "document/graph.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace pod::document {

class GraphBuilder {
 public:
  /// `what` names the document in errors. Error(refused) where the file is larger than `limits.bytes`.
  GraphBuilder(std::string file, std::string_view what, const Limits& limits);

  std::string_view file() const noexcept { return graph_.file_; }
  std::string_view what() const noexcept { return what_; }
  const Limits& limits() const noexcept { return limits_; }
  /// Counts `steps`; Error(refused) past the limit.
  void spend(std::uint64_t steps = 1);

  Value none() const noexcept { return {}; }
  Value boolean(bool value) const noexcept;
  Value integer(std::int64_t value);
  Value real(std::uint64_t ieee_bits);
  /// text, bytes, byte_text or big_integer that stands in the file as it is.
  Value in_file(Kind kind, std::uint64_t offset, std::uint64_t length);
  /// The same for bytes that do not: they are copied.
  Value copied(Kind kind, std::string_view bytes);

  /// Error(refused) past the limit of nodes.
  Value add_node(Kind kind, std::span<const Value> arguments, std::uint64_t offset = 0);
  Value add_byte_array(std::string_view bytes, std::uint64_t offset = 0);
  /// Joins with the node's last part where that is of the same act and its values are the last that were added.
  void add_part(Value node, Part::Act act, std::span<const Value> values);
  void add_loose_effect(Value call);
  /// Takes back effects of `node` whose call `unwanted` says. Cost: the parts of the node.
  void remove_effects(Value node, const std::function<bool(Value call)>& unwanted);
  void remove_loose_effects(const std::function<bool(Value call)>& unwanted);

  /// What is there so far; spans and views are good until the next change.
  const Graph& graph() const noexcept { return graph_; }
  Graph finish(Value root, int protocol = 0, std::uint64_t end = 0) &&;

 private:
  std::string what_;
  Limits limits_;
  std::uint64_t spent_ = 0;
  std::uint32_t sequence_ = 0;
  Graph graph_;
};

}  // namespace pod::document
