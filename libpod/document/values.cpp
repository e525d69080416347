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

class ValueCheck {
 public:
  explicit ValueCheck(const Graph& graph) : graph_(graph) {}

  /// Depth is bounded with the number of nodes.
  bool is_value(Value value) {
    if (!value.is_node()) {
      bytes_ += has_bytes(value.kind()) ? graph_.bytes(value).size() : 8;
      return bytes_ <= value_bytes;
    }
    if (++nodes_ > value_nodes) return false;
    const auto arguments = graph_.arguments(value);
    switch (value.kind()) {
      case Kind::tuple:
      case Kind::frozen_set: return graph_.parts(value).empty() && all(arguments);
      case Kind::global:
      case Kind::persistent: return graph_.parts(value).empty() && all(arguments);
      case Kind::call: return graph_.parts(value).empty() && is_value_call(arguments);
      case Kind::object: return is_uuid(value);
      default: return false;
    }
  }

 private:
  static bool has_bytes(Kind kind) {
    return kind == Kind::text || kind == Kind::bytes || kind == Kind::byte_text || kind == Kind::big_integer;
  }
  bool all(std::span<const Value> values) {
    return std::all_of(values.begin(), values.end(), [this](Value value) { return is_value(value); });
  }
  bool is_value_call(std::span<const Value> arguments) {
    const auto name = global_name(graph_, arguments[0]);
    if (!name || arguments[1].kind() != Kind::tuple) return false;
    const auto given = graph_.arguments(arguments[1]);
    const bool known = std::find(value_makers.begin(), value_makers.end(), *name) != value_makers.end();
    return (known || looks_like_enum(*name, given)) && all(arguments);
  }
  /// NEWOBJ of uuid.UUID, its state a dict of atoms.
  bool is_uuid(Value value) {
    const auto arguments = graph_.arguments(value);
    if (global_name(graph_, arguments[0]) != ClassName{"uuid", "UUID"} || !all(arguments)) return false;
    std::size_t parts = 0;
    for (const Part& part : graph_.parts(value)) {
      if (++parts > 1 || part.act != Part::Act::state || part.values[0].kind() != Kind::dict) return false;
      for (const Part& items : graph_.parts(part.values[0]))
        if (items.act != Part::Act::items || !all(items.values)) return false;
    }
    return parts == 1;
  }

  const Graph& graph_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

std::optional<ClassName> global_name(const Graph& graph, Value value) {
  if (value.kind() != Kind::global) return std::nullopt;
  const auto arguments = graph.arguments(value);
  if (arguments.size() != 2 || arguments[0].kind() != Kind::text || arguments[1].kind() != Kind::text)
    return std::nullopt;
  return ClassName{graph.text(arguments[0]), graph.text(arguments[1])};
}

std::optional<ClassName> class_of(const Graph& graph, Value value) {
  if (value.kind() != Kind::call && value.kind() != Kind::object && value.kind() != Kind::object_kw &&
      value.kind() != Kind::instance)
    return std::nullopt;
  const auto arguments = graph.arguments(value);
  if (arguments.empty()) return std::nullopt;
  const auto name = global_name(graph, arguments[0]);
  const bool maker = name == ClassName{"copyreg", "_reconstructor"} || name == ClassName{"copyreg", "__newobj__"};
  if (!maker || value.kind() != Kind::call || arguments[1].kind() != Kind::tuple) return name;
  // Both are given the class first.
  const auto given = graph.arguments(arguments[1]);
  const auto type = given.empty() ? std::nullopt : global_name(graph, given[0]);
  return type ? type : name;
}

bool is_value_object(const Graph& graph, Value value) {
  switch (value.kind()) {
    case Kind::tuple:
    case Kind::frozen_set:
    case Kind::global:
    case Kind::persistent:
    case Kind::call:
    case Kind::object: return ValueCheck(graph).is_value(value);
    default: return false;
  }
}

}  // namespace pod::document
