// Value objects: immutable objects of a few classes that have no identity for anyone (times, UUIDs, addresses,
// decimals, regular expressions, enum members, classes by name, persistent ids, tuples and frozen sets of such). They
// are written inline wherever they occur, compared by content, and shown as one line of text.
#pragma once

#include "document/graph.hpp"
#include "document/value_marks.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace pod::document {

struct ClassName {
  std::string_view module;
  std::string_view name;
  friend bool operator==(const ClassName&, const ClassName&) = default;
};

/// Of a `global` node: what it names. Nothing where module or name are no texts.
std::optional<ClassName> global_name(const Graph& graph, Value value);
/// Of call, object, object_kw, instance: the global that makes it. `copyreg._reconstructor` and `copyreg.__newobj__`
/// are seen through: the class is what counts.
std::optional<ClassName> class_of(const Graph& graph, Value value);

/// Never for a node whose inline form is longer than 64 nodes or 1 KiB, so that inlining cannot grow without bound.
/// Settled when the graph was finished.
inline bool is_value_object(const Graph& graph, Value value) {
  return value.is_node() && (graph.mark(value) & value_mark) != 0;
}

/// One line for people, printable, at most `limit` bytes: atoms as JSON would show them, bytes as "12 bytes: 48 65 …",
/// times in ISO 8601, "UUID", "10.0.0.0/16", enum members as Class.VALUE, containers as "list of 3", objects as
/// "Queue".
std::string render(const Graph& graph, Value value, std::size_t limit = 200);

}  // namespace pod::document
