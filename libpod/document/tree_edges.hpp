// The inside of a Tree: what was settled about every node, and the walk over a node's edges that all its questions
// share.
//
// A container that a state or a setter gives to an object (its attributes, its raw items) is *absorbed* by that object
// when it is reached that way first: its items are then the object's own, and nobody else's. Tuples of arguments may be
// shared, so only short ones are spread out. So a tree has no more than a fixed multiple of the edges that the graph
// has values.
#pragma once

#include "document/labels.hpp"
#include "document/tree.hpp"
#include "document/values.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace pod::document {

struct Tree::Impl {
  enum class Role : std::uint32_t { unknown, leaf, root, edge, items, attributes, slots };
  /// 12 bytes a node: they are most of what a tree takes.
  struct Home {
    std::uint32_t slot = 0;  // Graph::slot_number(); of an absorbed container: where the part's value stands
    NodeId parent = 0;
    Role role : 3 = Role::unknown;
    Step::Kind kind : 3 = Step::Kind::key;
    std::uint32_t index : 26 = 0;  // of an effect: its place in effect_steps

    Home() = default;
    Home(Role its_role, std::uint32_t its_slot, NodeId its_parent, Step::Kind its_kind, std::uint32_t its_index)
        : slot(its_slot), parent(its_parent), role(its_role), kind(its_kind), index(its_index & 0x3ffffff) {}
  };

  explicit Impl(const Graph& its_graph) : graph(&its_graph), labels(its_graph) {}

  // The way in (tree.cpp).
  void spread();
  void look_ahead(const std::vector<NodeId>& queue, std::size_t next) const;
  struct Scratch {
    std::vector<Edge> edges;
    std::vector<Step> names;
    std::vector<std::uint64_t> hashes;
    std::array<std::vector<Step>, 64> without_twins;  // names of nodes that were seen to have none
    std::vector<std::pair<LabelKey, Edge>> fresh;
  };
  bool may_have_twins(Scratch& scratch) const;
  void expand(Value value, Scratch& scratch, std::vector<NodeId>& found);
  void claim_contents(Value owner);
  bool claim(Value owner, Value container, const Value* part, Role role, std::uint32_t& count);
  /// Numbers members, effects and objects as keys of one name, drops all but the last of other keys and of attributes.
  /// Whether there were any.
  bool mend_twins(std::vector<Edge>& edges) const;

  // Questions.
  bool is_leaf(Value value) const;
  bool is_reference(Value parent, const Edge& edge) const;
  Step home_step(NodeId id) const;
  std::string home_text(NodeId id) const;
  std::optional<Edge> search(Value value, const LabelKey& key, std::uint32_t twin) const;
  std::optional<Value> along(Value value, std::string_view segment) const;
  std::string subtree_digest(Value value) const;
  ShortDigest path_digest(NodeId id) const;

  /// Calls `visit(edge)` for each edge until it says false; of twins every one.
  template <class Visit>
  bool walk(Value value, Visit&& visit) const;
  /// The same with twins mended.
  template <class Visit>
  bool walk_settled(Value value, Visit&& visit) const {
    if (!value.is_node() || is_leaf(value)) return true;
    if (!twins.contains(value.node())) return walk(value, visit);
    std::vector<Edge> edges;
    walk(value, [&](const Edge& edge) { return edges.push_back(edge), true; });
    mend_twins(edges);
    for (const Edge& edge : edges)
      if (!visit(edge)) return false;
    return true;
  }

  const Graph* graph;
  Labels labels;
  static_assert(sizeof(Home) == 12);
  std::vector<Home> homes;
  std::vector<Step> effect_steps;
  std::unordered_set<NodeId> twins;

  /// What was computed on demand.
  struct Sorted {
    std::vector<std::pair<LabelKey, Edge>> edges;
  };
  mutable std::mutex mutex;
  mutable std::unordered_map<NodeId, std::shared_ptr<const Sorted>> sorted;
  mutable std::unordered_map<NodeId, ShortDigest> path_digests;

 private:
  template <class Visit>
  struct Walk;
  bool absorbed(Value container, Value owner, const Value* part, Role role) const {
    if (!container.is_node()) return false;
    const Home& home = homes[container.node()];
    return home.role == role && home.slot == graph->slot_number(part) && home.parent == owner.node();
  }
};

/// A longer tuple of arguments is a node of its own, the only argument.
inline bool is_short_tuple(const Graph& graph, Value value) {
  return value.kind() == Kind::tuple && graph.arguments(value).size() <= 16;
}
/// What a setter of pod_agent.restore was given, or any other call whose result was dropped.
struct SetterCall {
  const Value* name_text = nullptr;   // null where the callable is no global
  const Value* items = nullptr;       // set_raw
  const Value* attributes = nullptr;  // set_raw, set_key, set_thread
  std::span<const Value> rest;        // the other arguments
};
SetterCall setter_call(const Graph& graph, Value call);
/// A dict and nothing but its items; with `list`, a list and nothing but its elements.
bool is_plain_container(const Graph& graph, Value value, bool list_too);
/// The dict among a call's arguments whose items are the object's own: of `collections.Counter`.
const Value* counted_items(const Graph& graph, Value call);
inline bool is_attributes_pair(const Graph& graph, Value state) {
  if (state.kind() != Kind::tuple) return false;
  const auto pair = graph.arguments(state);
  const auto fits = [](Value value) { return value.kind() == Kind::dict || value.kind() == Kind::none; };
  return pair.size() == 2 && fits(pair[0]) && fits(pair[1]) && (pair[0].is_node() || pair[1].is_node());
}

template <class Visit>
struct Tree::Impl::Walk {
  const Impl& tree;
  const Graph& graph;
  Value value;
  Visit& visit;
  std::uint32_t place = 0;  // of the next element
  int keyed = -1;           // whether the node has keys too; not asked yet
  bool going = true;

  void emit(Step step, const Value* slot) {
    if (going) going = visit(Edge{step, *slot, slot});
  }
  void effect(Step::Word word, const Value* slot) { emit({.kind = Step::Kind::effect, .word = word}, slot); }
  void argument(std::uint32_t index, const Value* slot) { emit({.kind = Step::Kind::argument, .index = index}, slot); }

  bool has_keys() {
    if (keyed >= 0) return keyed > 0;
    keyed = 0;
    if (const Value* items = counted_items(graph, value)) keyed = tree.absorbed(*items, value, items, Role::items);
    for (const Part& part : graph.parts(value)) {
      if (keyed > 0) break;
      if (part.act == Part::Act::items) keyed = 1;
      if (part.act == Part::Act::effect)
        for (const Value& call : part.values)
          if (const Value* items = setter_call(graph, call).items; items != nullptr && items->kind() == Kind::dict)
            keyed = 1;
    }
    return keyed > 0;
  }

  void elements(std::span<const Value> values) {
    // Beside keys a place could be taken for a key.
    const bool as_effects = has_keys();
    for (const Value& element : values) {
      if (!going) return;
      if (as_effects)
        effect(Step::Word::append, &element);
      else
        emit({.kind = Step::Kind::index, .index = place++}, &element);
    }
  }
  void members(std::span<const Value> values) {
    const bool as_effects = value.kind() != Kind::frozen_set && has_keys();
    for (const Value& member : values) {
      if (!going) return;
      if (as_effects)
        effect(Step::Word::add, &member);
      else
        emit({.kind = Step::Kind::member, .label = member}, &member);
    }
  }
  void pairs(std::span<const Value> values, Step::Kind kind) {
    for (std::size_t at = 0; going && at + 1 < values.size(); at += 2) {
      if (values[at].is_node() && !tree.labels.is_leaf(values[at]) && !tree.labels.object_text(values[at]))
        effect(Step::Word::key, &values[at]);
      emit({.kind = kind, .label = values[at]}, &values[at + 1]);
    }
  }
  void contents(Value container, Step::Kind kind) {
    for (const Part& part : graph.parts(container)) {
      if (part.act == Part::Act::items)
        pairs(part.values, kind);
      else
        elements(part.values);
      if (!going) return;
    }
  }
  void state(const Value* slot) {
    if (tree.absorbed(*slot, value, slot, Role::attributes)) return contents(*slot, Step::Kind::attribute);
    if (!is_attributes_pair(graph, *slot)) return effect(Step::Word::state, slot);
    const auto pair = graph.arguments(*slot);
    for (std::size_t at = 0; at < 2; ++at)
      if (tree.absorbed(pair[at], value, slot, at == 0 ? Role::attributes : Role::slots))
        contents(pair[at], Step::Kind::attribute);
      else if (pair[at].is_node())
        effect(Step::Word::state, &pair[at]);
  }
  void setter(const Value* slot) {
    const SetterCall call = setter_call(graph, *slot);
    const auto leftover = [&](const Value* what) {
      if (call.name_text != nullptr)
        emit({.kind = Step::Kind::effect, .label = *call.name_text}, what);
      else
        effect(Step::Word::call, what);
    };
    if (call.items != nullptr && call.items->kind() != Kind::none) {
      if (tree.absorbed(*call.items, value, slot, Role::items))
        contents(*call.items, Step::Kind::key);
      else
        leftover(call.items);
    }
    if (call.attributes != nullptr && call.attributes->kind() != Kind::none) {
      if (tree.absorbed(*call.attributes, value, slot, Role::attributes))
        contents(*call.attributes, Step::Kind::attribute);
      else
        leftover(call.attributes);
    }
    for (const Value& other : call.rest)
      if (other.kind() != Kind::none) leftover(&other);
  }
  void constructor(std::span<const Value> arguments) {
    if (arguments.empty()) return;
    if (arguments[0].kind() != Kind::global || !tree.labels.is_leaf(arguments[0]))
      effect(Step::Word::call, &arguments[0]);
    std::uint32_t count = 0;
    if (const Value* items = counted_items(graph, value);
        items != nullptr && tree.absorbed(*items, value, items, Role::items))
      return contents(*items, Step::Kind::key);
    if (arguments.size() > 1) {
      if (is_short_tuple(graph, arguments[1]))
        for (const Value& given : graph.arguments(arguments[1])) argument(count++, &given);
      else
        argument(count++, &arguments[1]);
    }
    for (std::size_t at = 2; at < arguments.size(); ++at) argument(count++, &arguments[at]);
  }

  bool run() {
    const auto arguments = graph.arguments(value);
    switch (value.kind()) {
      case Kind::tuple: elements(arguments); break;
      case Kind::frozen_set: members(arguments); break;
      case Kind::call:
      case Kind::object:
      case Kind::object_kw: constructor(arguments); break;
      case Kind::instance:
        if (!arguments.empty() && !tree.labels.is_leaf(arguments[0])) effect(Step::Word::call, &arguments[0]);
        for (std::uint32_t at = 1; at < arguments.size(); ++at) argument(at - 1, &arguments[at]);
        break;
      case Kind::global:
      case Kind::byte_array: break;
      default:
        for (std::uint32_t at = 0; at < arguments.size(); ++at) argument(at, &arguments[at]);
    }
    for (const Part& part : graph.parts(value)) {
      if (!going) break;
      switch (part.act) {
        case Part::Act::append: elements(part.values); break;
        case Part::Act::add: members(part.values); break;
        case Part::Act::items: pairs(part.values, Step::Kind::key); break;
        case Part::Act::state:
          for (const Value& given : part.values) state(&given);
          break;
        case Part::Act::effect:
          for (const Value& call : part.values) setter(&call);
          break;
      }
    }
    return going;
  }
};

template <class Visit>
bool Tree::Impl::walk(Value value, Visit&& visit) const {
  return Walk<std::remove_reference_t<Visit>>{*this, *graph, value, visit}.run();
}

}  // namespace pod::document
