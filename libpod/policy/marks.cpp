#include "policy/marks.hpp"

#include "policy/names.hpp"
#include "policy/shapes.hpp"

namespace pod::policy {
namespace {

using document::Graph;
using document::Kind;
using document::NodeId;
using document::Value;

constexpr std::string_view dill = "dill._dill";
constexpr std::string_view queues = "localstack.services.sqs.models";

}  // namespace

bool is_call_of(const Graph& graph, Value value, std::string_view module, std::string_view name) {
  if (value.kind() != Kind::call) return false;
  const auto called = name_of(graph, graph.arguments(value)[0]);
  return called && called->module == module && called->name == name;
}

std::span<const Value> given_to(const Graph& graph, Value value) {
  const auto arguments = graph.arguments(value);
  return arguments.size() > 1 && arguments[1].kind() == Kind::tuple ? graph.arguments(arguments[1])
                                                                    : std::span<const Value>{};
}

Lookup lookup_of(const Graph& graph, Value value) {
  if (!is_call_of(graph, value, "builtins", "getattr")) return Lookup::none;
  const auto given = given_to(graph, value);
  if (!carrier_shape_of("builtins", "getattr")(graph, given)) return Lookup::none;
  return given.size() == 2 ? Lookup::zone : Lookup::setattr;
}

Marks::Marks(const Graph& graph) : marks_(graph.node_count()) {
  for (std::size_t id = 0; id < graph.node_count(); ++id) {
    const Value node = graph.node(static_cast<NodeId>(id));
    if (node.kind() == Kind::byte_array) continue;
    for (const document::Part& part : graph.parts(node))
      if (part.act == document::Part::Act::effect)
        for (const Value call : part.values) set(call, dropped);
    if (node.kind() == Kind::call && lookup_of(graph, node) != Lookup::none) set(graph.arguments(node)[1], naming);
    if (is_call_of(graph, node, "copyreg", "_reconstructor")) set(graph.arguments(node)[1], naming);
    if (node.kind() == Kind::object) {
      const auto made = name_of(graph, graph.arguments(node)[0]);
      if (made && made->module == queues && made->name.ends_with("Queue")) mark_queue(graph, node);
    }
  }
  for (const Value call : graph.loose_effects()) set(call, dropped);
}

void Marks::mark_queue(const Graph& graph, Value queue) {
  for (const document::Part& part : graph.parts(queue)) {
    if (part.act != document::Part::Act::state || part.values[0].kind() != Kind::dict) continue;
    for (const document::Part& items : graph.parts(part.values[0]))
      for (std::size_t i = 0; items.act == document::Part::Act::items && i + 1 < items.values.size(); i += 2) {
        const Value attributes = items.values[i + 1];
        if (!graph.is_text(items.values[i], "attributes") || attributes.kind() != Kind::dict) continue;
        for (const document::Part& each : graph.parts(attributes))
          for (std::size_t j = 1; each.act == document::Part::Act::items && j < each.values.size(); j += 2)
            if (is_call_of(graph, each.values[j], dill, "_create_function")) mark_function(graph, each.values[j]);
      }
  }
}

/// (code, the module's globals, name, defaults, cells, …)
void Marks::mark_function(const Graph& graph, Value call) {
  if (has(call, carried)) return;
  const auto given = given_to(graph, call);
  if (given.size() < 4 || !is_call_of(graph, given[0], dill, "_create_code")) return;
  const auto module = name_of(graph, given[1]);
  if (!module || module->module != queues || module->name != "__dict__") return;
  set(call, carried);
  set(graph.arguments(call)[1], naming);
  mark_code(graph, given[0]);
  if (given.size() > 4 && given[4].kind() == Kind::tuple)
    for (const Value cell : graph.arguments(given[4]))
      if (is_call_of(graph, cell, dill, "_create_cell")) set(cell, carried);
}

/// Code, and the code of the functions inside of it, which stands among its constants.
void Marks::mark_code(const Graph& graph, Value call) {
  std::vector<Value> left{call};
  while (!left.empty()) {
    const Value code = left.back();
    left.pop_back();
    if (has(code, carried)) continue;
    set(code, carried);
    for (const Value given : given_to(graph, code))
      if (given.kind() == Kind::tuple)
        for (const Value constant : graph.arguments(given))
          if (is_call_of(graph, constant, dill, "_create_code")) left.push_back(constant);
  }
}

}  // namespace pod::policy
