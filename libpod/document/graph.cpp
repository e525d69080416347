#include "document/graph.hpp"

#include <bit>
#include <cstring>

namespace pod::document {

Graph::Graph() = default;
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;
Graph::~Graph() = default;

Value Graph::node(NodeId id) const noexcept {
  return Value(static_cast<Kind>(nodes_[id].offset_and_kind & Value::kind_mask), id);
}

bool Graph::boolean(Value value) const noexcept { return payload(value) != 0; }

std::int64_t Graph::integer(Value value) const noexcept {
  const std::uint64_t bits = payload(value);
  if ((bits & elsewhere) != 0) return static_cast<std::int64_t>(eight_bytes(bits & ~elsewhere));
  // 58 bits with their sign
  return static_cast<std::int64_t>(bits << 6) >> 6;
}

double Graph::real(Value value) const noexcept { return std::bit_cast<double>(real_bits(value)); }
std::uint64_t Graph::real_bits(Value value) const noexcept { return eight_bytes(payload(value)); }

std::string_view Graph::bytes(Value value) const noexcept {
  if (value.kind() == Kind::byte_array) return bytes(arguments(value)[0]);
  const std::uint64_t bits = payload(value);
  if ((bits & elsewhere) != 0) {
    const LongBytes& found = long_bytes_[bits & ~elsewhere];
    return at(found.place, found.length);
  }
  return at(bits & ((std::uint64_t{1} << place_bits) - 1), bits >> place_bits);
}

std::span<const Value> Graph::arguments(Value value) const noexcept {
  const Node& node = nodes_[value.node()];
  return std::span(values_).subspan(node.first_argument, node.argument_count);
}

Graph::Parts Graph::parts(Value value) const noexcept {
  const std::uint32_t first = nodes_[value.node()].first_part;
  return Parts(first == none_part ? PartIterator() : PartIterator(this, first));
}

std::uint64_t Graph::offset(Value node) const noexcept {
  return nodes_[node.node()].offset_and_kind >> Value::kind_bits;
}

std::string_view Graph::at(std::uint64_t place, std::uint64_t length) const noexcept {
  if (place < file_.size()) return std::string_view(file_).substr(place, length);
  return std::string_view(extra_).substr(place - file_.size(), length);
}

std::uint64_t Graph::eight_bytes(std::uint64_t place) const noexcept {
  std::uint64_t bits = 0;
  std::memcpy(&bits, extra_.data() + place, sizeof bits);
  return bits;
}

Part PartIterator::operator*() const noexcept {
  const Graph::PartRecord& record = graph_->part_records_[record_];
  return {static_cast<Part::Act>(record.sequence_and_act & ((1u << Graph::act_bits) - 1)),
          record.sequence_and_act >> Graph::act_bits,
          std::span(graph_->values_).subspan(record.first_value, record.value_count)};
}

PartIterator& PartIterator::operator++() noexcept {
  record_ = graph_->part_records_[record_].next;
  return *this;
}

}  // namespace pod::document
