#include "document/value_marks.hpp"

#include "document/values.hpp"

#include <algorithm>
#include <array>

namespace pod::document {
namespace {

constexpr std::size_t value_nodes = 64;
constexpr std::size_t value_bytes = 1024;

// Functions and classes whose calls make something that cannot change.
constexpr std::array<ClassName, 31> value_makers{{
    {"_codecs", "encode"},
    {"builtins", "complex"},
    {"builtins", "range"},
    {"builtins", "slice"},
    {"datetime", "date"},
    {"datetime", "datetime"},
    {"datetime", "time"},
    {"datetime", "timedelta"},
    {"datetime", "timezone"},
    {"dateutil.tz", "tzutc"},
    {"dateutil.tz.tz", "tzlocal"},
    {"dateutil.tz.tz", "tzutc"},
    {"decimal", "Decimal"},
    {"fractions", "Fraction"},
    {"ipaddress", "IPv4Address"},
    {"ipaddress", "IPv4Interface"},
    {"ipaddress", "IPv4Network"},
    {"ipaddress", "IPv6Address"},
    {"ipaddress", "IPv6Interface"},
    {"ipaddress", "IPv6Network"},
    {"pod_agent.restore", "factory"},
    {"pod_agent.restore", "nothing"},
    {"pod_agent.restore", "regex"},
    {"pod_agent.restore", "service_model"},
    {"pod_agent.restore", "tzlocal"},
    {"pod_agent.restore", "tzutc"},
    {"pod_agent.restore", "zone"},
    {"re", "_compile"},
    {"uuid", "SafeUUID"},
    {"uuid", "UUID"},
    {"zoneinfo", "ZoneInfo"},
}};

/// A class called with one text or number, and nothing done to what it gave: how an enum member is written.
bool looks_like_enum(const ClassName& name, std::span<const Value> given) {
  std::string_view simple = name.name.substr(name.name.rfind('.') + 1);
  while (simple.starts_with('_')) simple.remove_prefix(1);
  if (simple.empty() || simple.front() < 'A' || simple.front() > 'Z') return false;
  return given.size() == 1 &&
         (given[0].kind() == Kind::text || given[0].kind() == Kind::integer || given[0].kind() == Kind::none);
}

bool has_bytes(Kind kind) {
  return kind == Kind::text || kind == Kind::bytes || kind == Kind::byte_text || kind == Kind::big_integer;
}

KnownName name_of(const Graph& graph, Value global) {
  const auto name = global_name(graph, global);
  if (!name) return KnownName::none;
  if (name->module == "pod_agent.restore") {
    if (name->name == "set_raw") return KnownName::set_raw;
    if (name->name == "set_key") return KnownName::set_key;
    if (name->name == "set_thread") return KnownName::set_thread;
    if (name->name.starts_with("weak") || name->name == "method" || name->name == "timer") return KnownName::weak;
  }
  if (*name == ClassName{"collections", "Counter"}) return KnownName::counter;
  if (*name == ClassName{"copyreg", "_reconstructor"} || *name == ClassName{"copyreg", "__newobj__"})
    return KnownName::reconstructor;
  return std::find(value_makers.begin(), value_makers.end(), *name) != value_makers.end() ? KnownName::maker
                                                                                          : KnownName::none;
}

}  // namespace

std::uint8_t ValueMarks::next() {
  const Value node = graph_.node(static_cast<NodeId>(settled_.size()));
  Size size{.nodes = 1};
  const bool is_value = may_be_value(node, size);
  const KnownName name = node.kind() == Kind::global ? name_of(graph_, node) : KnownName::none;
  settled_.push_back(is_value ? size : Size{});
  return static_cast<std::uint8_t>(static_cast<unsigned>(name) | (is_value ? value_mark : 0u));
}

bool ValueMarks::add(Value value, Size& size) const {
  if (!value.is_node()) {
    const std::size_t length = has_bytes(value.kind()) ? graph_.bytes(value).size() : 8;
    size.bytes = static_cast<std::uint16_t>(size.bytes + std::min(length, value_bytes + 1));
    return size.bytes <= value_bytes;
  }
  if (value.node() < settled_.size()) {
    const Size known = settled_[value.node()];
    size.nodes = static_cast<std::uint16_t>(size.nodes + known.nodes);
    size.bytes = static_cast<std::uint16_t>(size.bytes + known.bytes);
    return known.nodes > 0 && size.nodes <= value_nodes && size.bytes <= value_bytes;
  }
  // Only a UUID has what was made after it. Depth is bounded with the number of nodes.
  return ++size.nodes <= value_nodes && may_be_value(value, size);
}

bool ValueMarks::add_all(std::span<const Value> values, Size& size) const {
  return std::all_of(values.begin(), values.end(), [&](Value value) { return add(value, size); });
}

bool ValueMarks::may_be_value(Value node, Size& size) const {
  const auto arguments = graph_.arguments(node);
  switch (node.kind()) {
    case Kind::tuple:
    case Kind::frozen_set:
    case Kind::global:
    case Kind::persistent: return graph_.parts(node).empty() && add_all(arguments, size);
    case Kind::call: return graph_.parts(node).empty() && is_value_call(arguments) && add_all(arguments, size);
    case Kind::object: return is_uuid(node, size);
    default: return false;
  }
}

bool ValueMarks::is_value_call(std::span<const Value> arguments) const {
  const auto name = global_name(graph_, arguments[0]);
  if (!name || arguments[1].kind() != Kind::tuple) return false;
  const bool settled = arguments[0].node() < settled_.size();
  const KnownName known = settled ? known_name(graph_, arguments[0]) : name_of(graph_, arguments[0]);
  return known == KnownName::maker || looks_like_enum(*name, graph_.arguments(arguments[1]));
}

/// NEWOBJ of uuid.UUID, its state a dict of atoms.
bool ValueMarks::is_uuid(Value node, Size& size) const {
  const auto arguments = graph_.arguments(node);
  if (global_name(graph_, arguments[0]) != ClassName{"uuid", "UUID"} || !add_all(arguments, size)) return false;
  std::size_t parts = 0;
  for (const Part& part : graph_.parts(node)) {
    if (++parts > 1 || part.act != Part::Act::state || part.values[0].kind() != Kind::dict) return false;
    for (const Part& items : graph_.parts(part.values[0]))
      if (items.act != Part::Act::items || !add_all(items.values, size)) return false;
  }
  return parts == 1;
}

}  // namespace pod::document
