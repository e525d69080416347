#include "document/values.hpp"

namespace pod::document {

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
  if (known_name(graph, arguments[0]) != KnownName::reconstructor || value.kind() != Kind::call ||
      arguments[1].kind() != Kind::tuple)
    return name;
  // Both are given the class first.
  const auto given = graph.arguments(arguments[1]);
  const auto type = given.empty() ? std::nullopt : global_name(graph, given[0]);
  return type ? type : name;
}

}  // namespace pod::document
