#include "document/graph_builder.hpp"

#include "document/value_marks.hpp"

#include <libpod/error.hpp>

#include <utility>

namespace pod::document {
namespace {

[[noreturn]] void too_much(std::string_view what, std::string_view of, std::uint64_t limit) {
  throw Error(ErrorCode::refused, printable(what) + " has more than " + std::to_string(limit) + ' ' + std::string(of));
}

}  // namespace

GraphBuilder::GraphBuilder(std::string file, std::string_view what, const Limits& limits)
    : what_(what), limits_(limits) {
  if (file.size() > limits.bytes) too_much(what_, "bytes", limits.bytes);
  graph_.file_ = std::move(file);
}

void GraphBuilder::spend(std::uint64_t steps) {
  spent_ += steps;
  if (spent_ > limits_.steps) too_much(what_, "steps to read", limits_.steps);
}

Value GraphBuilder::boolean(bool value) const noexcept { return Value(Kind::boolean, value ? 1 : 0); }

Value GraphBuilder::integer(std::int64_t value) {
  constexpr std::int64_t limit = std::int64_t{1} << 57;
  if (value >= -limit && value < limit)
    return Value(Kind::integer, static_cast<std::uint64_t>(value) & (Graph::elsewhere - 1));
  const std::uint64_t place = graph_.extra_.size();
  graph_.extra_.append(reinterpret_cast<const char*>(&value), sizeof value);
  return Value(Kind::integer, Graph::elsewhere | place);
}

Value GraphBuilder::real(std::uint64_t ieee_bits) {
  const std::uint64_t place = graph_.extra_.size();
  graph_.extra_.append(reinterpret_cast<const char*>(&ieee_bits), sizeof ieee_bits);
  return Value(Kind::real, place);
}

Value GraphBuilder::in_file(Kind kind, std::uint64_t offset, std::uint64_t length) {
  // An empty one must not point behind the file, where `extra_` begins.
  if (length == 0) offset = 0;
  if (length < (std::uint64_t{1} << Graph::length_bits) && offset < (std::uint64_t{1} << Graph::place_bits))
    return Value(kind, length << Graph::place_bits | offset);
  graph_.long_bytes_.push_back({offset, length});
  return Value(kind, Graph::elsewhere | (graph_.long_bytes_.size() - 1));
}

Value GraphBuilder::copied(Kind kind, std::string_view bytes) {
  const std::uint64_t place = graph_.file_.size() + graph_.extra_.size();
  graph_.extra_.append(bytes);
  return in_file(kind, place, bytes.size());
}

Value GraphBuilder::add_node(Kind kind, std::span<const Value> arguments, std::uint64_t offset) {
  if (graph_.nodes_.size() >= limits_.nodes) too_much(what_, "objects", limits_.nodes);
  if (graph_.values_.size() + arguments.size() > UINT32_MAX) too_much(what_, "values", UINT32_MAX);
  Graph::Node node;
  node.first_argument = static_cast<std::uint32_t>(graph_.values_.size());
  node.argument_count = static_cast<std::uint32_t>(arguments.size());
  node.offset = offset & 0xffff'ffff'ffff;
  node.kind = kind;
  graph_.values_.append(arguments);
  graph_.nodes_.push_back(node);
  return Value(kind, graph_.nodes_.size() - 1);
}

Value GraphBuilder::add_byte_array(std::string_view bytes, std::uint64_t offset) {
  const Value content = copied(Kind::bytes, bytes);
  return add_node(Kind::byte_array, std::span(&content, 1), offset);
}

void GraphBuilder::add_part(Value value, Part::Act act, std::span<const Value> values) {
  const auto end = static_cast<std::uint32_t>(graph_.values_.size());
  if (graph_.values_.size() + values.size() > UINT32_MAX) too_much(what_, "values", UINT32_MAX);
  graph_.values_.append(values);
  Graph::Node& node = graph_.nodes_[value.node()];
  if (node.last_part != Graph::none_part) {
    Graph::PartRecord& last = graph_.part_records_[node.last_part];
    const bool same_act = (last.sequence_and_act & ((1u << Graph::act_bits) - 1)) == static_cast<std::uint32_t>(act);
    const bool a_list = act == Part::Act::append || act == Part::Act::add || act == Part::Act::items;
    if (same_act && a_list && last.first_value + last.value_count == end) {
      last.value_count += static_cast<std::uint32_t>(values.size());
      return;
    }
  }
  if (sequence_ >= UINT32_MAX >> Graph::act_bits) too_much(what_, "changes", UINT32_MAX >> Graph::act_bits);
  const auto number = static_cast<std::uint32_t>(graph_.part_records_.size());
  graph_.part_records_.push_back({end, static_cast<std::uint32_t>(values.size()), Graph::none_part,
                                  sequence_++ << Graph::act_bits | static_cast<std::uint32_t>(act)});
  if (node.last_part == Graph::none_part)
    node.first_part = number;
  else
    graph_.part_records_[node.last_part].next = number;
  node.last_part = number;
}

void GraphBuilder::add_loose_effect(Value call) { graph_.loose_effects_.push_back(call); }

void GraphBuilder::remove_effects(Value value, const std::function<bool(Value call)>& unwanted) {
  Graph::Node& node = graph_.nodes_[value.node()];
  std::uint32_t kept = Graph::none_part;
  for (std::uint32_t number = node.first_part; number != Graph::none_part;) {
    const Graph::PartRecord record = graph_.part_records_[number];
    const bool is_effect =
        (record.sequence_and_act & ((1u << Graph::act_bits) - 1)) == static_cast<std::uint32_t>(Part::Act::effect);
    if (!is_effect || !unwanted(graph_.values_[record.first_value])) {
      (kept == Graph::none_part ? node.first_part : graph_.part_records_[kept].next) = number;
      kept = number;
    }
    number = record.next;
  }
  node.last_part = kept;
  (kept == Graph::none_part ? node.first_part : graph_.part_records_[kept].next) = Graph::none_part;
}

void GraphBuilder::remove_loose_effects(const std::function<bool(Value call)>& unwanted) {
  std::erase_if(graph_.loose_effects_, unwanted);
}

Graph GraphBuilder::finish(Value root, int protocol, std::uint64_t end) && {
  graph_.root_ = root;
  graph_.protocol_ = protocol;
  graph_.end_ = end;
  ValueMarks marks(graph_);
  for (NodeId id = 0; id < graph_.nodes_.size(); ++id) graph_.nodes_[id].mark = marks.next();
  return std::move(graph_);
}

}  // namespace pod::document
