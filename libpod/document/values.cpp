#include "document/values.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace pod::document {
namespace {

constexpr std::size_t most_nodes = 64;
constexpr std::size_t most_bytes = 1024;

/// Classes and functions whose results have no identity for anyone, whatever they are given.
constexpr std::array<ClassName, 30> value_classes{{
    {"datetime", "datetime"},
    {"datetime", "date"},
    {"datetime", "time"},
    {"datetime", "timedelta"},
    {"datetime", "timezone"},
    {"uuid", "UUID"},
    {"uuid", "SafeUUID"},
    {"decimal", "Decimal"},
    {"fractions", "Fraction"},
    {"builtins", "complex"},
    {"builtins", "range"},
    {"builtins", "slice"},
    {"ipaddress", "IPv4Address"},
    {"ipaddress", "IPv6Address"},
    {"ipaddress", "IPv4Network"},
    {"ipaddress", "IPv6Network"},
    {"ipaddress", "IPv4Interface"},
    {"ipaddress", "IPv6Interface"},
    {"re", "_compile"},
    {"_codecs", "encode"},
    {"zoneinfo", "ZoneInfo"},
    {"dateutil.tz", "tzutc"},
    {"dateutil.tz.tz", "tzutc"},
    {"dateutil.tz.tz", "tzlocal"},
    {"pod_agent.restore", "regex"},
    {"pod_agent.restore", "zone"},
    {"pod_agent.restore", "tzutc"},
    {"pod_agent.restore", "tzlocal"},
    {"pod_agent.restore", "factory"},
    {"pod_agent.restore", "nothing"},
}};

bool makes_values(ClassName name) { return std::find(value_classes.begin(), value_classes.end(), name) != value_classes.end(); }

/// A class called with one text or number, and nothing done to what it gave: how an enum member is written.
bool looks_like_enum(const Graph& graph, Value value, ClassName name) {
  if (value.kind() != Kind::call || !graph.parts(value).empty()) return false;
  const auto last = name.name.rfind('.');
  std::string_view simple = name.name.substr(last == std::string_view::npos ? 0 : last + 1);
  while (simple.starts_with('_')) simple.remove_prefix(1);
  if (simple.empty() || simple[0] < 'A' || simple[0] > 'Z') return false;
  const auto arguments = graph.arguments(value);
  if (arguments.size() != 2 || arguments[1].kind() != Kind::tuple) return false;
  const auto given = graph.arguments(arguments[1]);
  return given.size() == 1 && (given[0].kind() == Kind::text || given[0].kind() == Kind::integer);
}

std::optional<Value> argument_of(const Graph& graph, Value call, std::size_t place) {
  const auto arguments = graph.arguments(call);
  if (arguments.size() < 2 || arguments[1].kind() != Kind::tuple) return std::nullopt;
  const auto given = graph.arguments(arguments[1]);
  return place < given.size() ? std::optional(given[place]) : std::nullopt;
}

}  // namespace

std::optional<ClassName> global_name(const Graph& graph, Value value) {
  if (value.kind() != Kind::global) return std::nullopt;
  const auto names = graph.arguments(value);
  if (names.size() != 2 || names[0].kind() != Kind::text || names[1].kind() != Kind::text) return std::nullopt;
  return ClassName{graph.text(names[0]), graph.text(names[1])};
}

std::optional<ClassName> class_of(const Graph& graph, Value value) {
  switch (value.kind()) {
    case Kind::call:
    case Kind::object:
    case Kind::object_kw:
    case Kind::instance: break;
    default: return std::nullopt;
  }
  const auto arguments = graph.arguments(value);
  if (arguments.empty()) return std::nullopt;
  const auto name = global_name(graph, arguments[0]);
  if (value.kind() == Kind::call && (name == ClassName{"copyreg", "_reconstructor"} || name == ClassName{"copyreg", "__newobj__"}))
    if (const auto made = argument_of(graph, value, 0)) return global_name(graph, *made);
  return name;
}

bool is_value_object(const Graph& graph, Value value) {
  std::vector<Value> todo{value};
  std::size_t nodes = 0;
  std::size_t bytes = 0;
  while (!todo.empty()) {
    const Value at = todo.back();
    todo.pop_back();
    if (++nodes > most_nodes) return false;
    if (!at.is_node()) {
      if (at.kind() >= Kind::text || at.kind() == Kind::big_integer) bytes += graph.bytes(at).size();
      if (bytes > most_bytes) return false;
      continue;
    }
    auto inside = graph.arguments(at);
    if (at.kind() == Kind::tuple) {
      if (!graph.parts(at).empty()) return false;
    } else if (at.kind() == Kind::call || at.kind() == Kind::object) {
      const auto name = class_of(graph, at);
      if (!name || !(makes_values(*name) || looks_like_enum(graph, at, *name))) return false;
      // Its class is known; its state, if it has any, is a dict of values.
      inside = inside.subspan(1);
      for (const Part& part : graph.parts(at)) {
        if (part.act != Part::Act::state || part.values[0].kind() != Kind::dict) return false;
        for (const Part& items : graph.parts(part.values[0])) {
          if (items.act != Part::Act::items || items.values.size() > most_nodes || ++nodes > most_nodes) return false;
          todo.insert(todo.end(), items.values.begin(), items.values.end());
        }
        if (++nodes > most_nodes) return false;
      }
    } else {
      return false;
    }
    if (inside.size() > most_nodes) return false;
    todo.insert(todo.end(), inside.begin(), inside.end());
  }
  return value.is_node();
}

}  // namespace pod::document
