#include "document/tree.hpp"

#include "document/tree_edges.hpp"
#include "document/values.hpp"

#include <algorithm>

namespace pod::document {
namespace {

/// From this many edges on a look-up by name sorts them.
constexpr std::size_t many_edges = 64;

/// Weak references, and methods and timers that carry their owner: what they reach is held elsewhere, if it is held.
bool is_weak(const Graph& graph, Value value) {
  if (value.kind() != Kind::call) return false;
  return known_name(graph, graph.arguments(value)[0]) == KnownName::weak;
}

}  // namespace

SetterCall setter_call(const Graph& graph, Value call) {
  SetterCall out;
  const auto parts = graph.arguments(call);
  if (call.kind() != Kind::call || parts.size() != 2) return out;
  if (global_name(graph, parts[0])) out.name_text = &graph.arguments(parts[0])[1];
  if (!is_short_tuple(graph, parts[1])) {
    out.rest = parts.subspan(1);
    return out;
  }
  const auto given = graph.arguments(parts[1]);
  out.rest = given.subspan(given.empty() ? 0 : 1);
  const KnownName name = known_name(graph, parts[0]);
  if (given.size() != 2 || name < KnownName::set_raw || name > KnownName::set_thread) return out;
  const auto state = given[1].kind() == Kind::tuple ? graph.arguments(given[1]) : std::span<const Value>{};
  if (name == KnownName::set_raw && state.size() == 3) {
    out.items = &state[0];
    out.attributes = &state[1];
    out.rest = state.subspan(2);
  } else if (name == KnownName::set_key && state.size() == 2) {
    out.attributes = &state[0];
    out.rest = state.subspan(1);
  } else if (name == KnownName::set_thread) {
    out.attributes = &given[1];
    out.rest = {};
  }
  return out;
}

bool is_plain_container(const Graph& graph, Value value, bool list_too) {
  if (value.kind() != Kind::dict && !(list_too && value.kind() == Kind::list)) return false;
  const Part::Act act = value.kind() == Kind::dict ? Part::Act::items : Part::Act::append;
  for (const Part& part : graph.parts(value))
    if (part.act != act) return false;
  return true;
}

const Value* counted_items(const Graph& graph, Value call) {
  const auto arguments = graph.arguments(call);
  if (call.kind() != Kind::call || arguments.size() != 2 || arguments[1].kind() != Kind::tuple) return nullptr;
  const auto given = graph.arguments(arguments[1]);
  if (given.size() != 1 || given[0].kind() != Kind::dict) return nullptr;
  return known_name(graph, arguments[0]) == KnownName::counter ? &given[0] : nullptr;
}

bool Tree::Impl::claim(Value owner, Value container, const Value* part, Role role, std::uint32_t& count) {
  if (!container.is_node()) return false;
  Home& home = homes[container.node()];
  if (home.role != Role::unknown || !is_plain_container(*graph, container, role == Role::items)) return false;
  home = Home(role, graph->slot_number(part), owner.node(), Step::Kind::key, count++);
  return true;
}

void Tree::Impl::claim_contents(Value owner) {
  std::uint32_t items = 0;
  std::uint32_t attributes = 0;
  if (const Value* counted = counted_items(*graph, owner)) claim(owner, *counted, counted, Role::items, items);
  for (const Part& part : graph->parts(owner)) {
    if (part.act == Part::Act::state)
      for (const Value& state : part.values) {
        if (is_attributes_pair(*graph, state)) {
          const auto pair = graph->arguments(state);
          claim(owner, pair[0], &state, Role::attributes, attributes);
          claim(owner, pair[1], &state, Role::slots, attributes);
        } else {
          claim(owner, state, &state, Role::attributes, attributes);
        }
      }
    if (part.act == Part::Act::effect)
      for (const Value& call : part.values) {
        const SetterCall setter = setter_call(*graph, call);
        if (setter.items != nullptr) claim(owner, *setter.items, &call, Role::items, items);
        if (setter.attributes != nullptr) claim(owner, *setter.attributes, &call, Role::attributes, attributes);
      }
  }
}

bool Tree::Impl::mend_twins(std::vector<Edge>& edges) const {
  struct Hashed {
    std::uint64_t hash;
    std::uint32_t at;
  };
  std::vector<Hashed> hashed;  // small, since a hostile file may have twins alone
  for (std::size_t at = 0; at < edges.size(); ++at)
    if (edges[at].step.kind != Step::Kind::index && edges[at].step.kind != Step::Kind::argument)
      hashed.push_back({labels.hash_of(edges[at].step), static_cast<std::uint32_t>(at)});
  std::sort(hashed.begin(), hashed.end(),
            [](const Hashed& a, const Hashed& b) { return a.hash < b.hash || (a.hash == b.hash && a.at < b.at); });
  const auto key = [&](const Hashed& entry) { return labels.key_of(edges[entry.at].step); };
  std::vector<bool> dropped;
  bool any = false;
  for (auto first = hashed.begin(); first != hashed.end();) {
    auto last = first + 1;
    bool same = true;
    for (; last != hashed.end() && last->hash == first->hash; ++last) same = same && key(*last) == key(*first);
    if (!same)
      std::sort(first, last, [&](const Hashed& a, const Hashed& b) {
        const auto order = key(a) <=> key(b);
        return order < 0 || (order == 0 && a.at < b.at);
      });
    for (auto entry = first + 1; entry < last; ++entry) {
      if (!same && key(*entry) != key(*(entry - 1))) continue;
      any = true;
      const Edge& before = edges[(entry - 1)->at];
      const bool named = before.step.kind == Step::Kind::key || before.step.kind == Step::Kind::attribute;
      if (named && labels.is_leaf(before.step.label)) {
        dropped.resize(edges.size());
        dropped[(entry - 1)->at] = true;
      } else {
        edges[entry->at].step.index = before.step.index + 1;
      }
    }
    first = last;
  }
  if (!dropped.empty()) {
    std::size_t kept = 0;
    for (std::size_t at = 0; at < edges.size(); ++at)
      if (!dropped[at]) edges[kept++] = edges[at];
    edges.resize(kept);
  }
  return any;
}

bool Tree::Impl::may_have_twins(Scratch& scratch) const {
  if (scratch.names.size() < 2) return false;
  // Objects of one class have the same names, and a pickle writes those once: most are known by sight.
  std::vector<Step>& known = scratch.without_twins[scratch.names.size() % scratch.without_twins.size()];
  if (known == scratch.names) return false;
  scratch.hashes.clear();
  for (const Step& step : scratch.names) scratch.hashes.push_back(labels.hash_of(step));
  std::sort(scratch.hashes.begin(), scratch.hashes.end());
  if (std::adjacent_find(scratch.hashes.begin(), scratch.hashes.end()) != scratch.hashes.end()) return true;
  if (scratch.names.size() <= 2 * scratch.without_twins.size()) known = scratch.names;
  return false;
}

void Tree::Impl::expand(Value value, Scratch& scratch, std::vector<NodeId>& found) {
  claim_contents(value);
  std::vector<Edge>& edges = scratch.edges;
  std::vector<Step>& names = scratch.names;
  auto& fresh = scratch.fresh;
  fresh.clear();
  names.clear();
  const auto note = [&](const Edge& edge) {
    if (!edge.target.is_node()) return;
    Home& home = homes[edge.target.node()];
    if (home.role == Role::unknown && labels.is_leaf(edge.target)) home.role = Role::leaf;
    if (home.role == Role::unknown) fresh.push_back({{}, edge});
  };
  walk(value, [&](const Edge& edge) {
    if (edge.step.kind != Step::Kind::index && edge.step.kind != Step::Kind::argument) names.push_back(edge.step);
    note(edge);
    return true;
  });
  if (may_have_twins(scratch)) {
    std::vector<Step>().swap(names);
    std::vector<std::uint64_t>().swap(scratch.hashes);
    edges.clear();
    walk(value, [&](const Edge& edge) { return edges.push_back(edge), true; });
    if (mend_twins(edges)) {
      twins.insert(value.node());
      fresh.clear();
      for (const Edge& edge : edges) note(edge);
    }
  }
  // By name, not as they stand: sets and dicts come in any order, and a home must not depend on it.
  if (fresh.size() > 1) {
    for (auto& [key, edge] : fresh) key = labels.key_of(edge.step);
    const auto by_name = [](const auto& a, const auto& b) {
      const auto order = a.first <=> b.first;
      return order < 0 || (order == 0 && a.second.step.index < b.second.step.index);
    };
    if (!std::is_sorted(fresh.begin(), fresh.end(), by_name)) std::sort(fresh.begin(), fresh.end(), by_name);
  }
  for (const auto& [key, edge] : fresh) {
    Home& home = homes[edge.target.node()];
    if (home.role != Role::unknown) continue;
    std::uint32_t index = edge.step.index;
    if (edge.step.kind == Step::Kind::effect) {
      index = static_cast<std::uint32_t>(effect_steps.size());
      effect_steps.push_back(edge.step);
    }
    home = Home(Role::edge, graph->slot_number(edge.slot), value.node(), edge.step.kind, index);
    found.push_back(edge.target.node());
  }
}

/// A document is larger than the processor's caches, and breadth first is not how it lies in memory. So each step of
/// the way from a node to its part, to the state in it, to that one's items is asked for a few nodes ahead: a quarter
/// of the whole time.
void Tree::Impl::look_ahead(const std::vector<NodeId>& queue, std::size_t next) const {
  const auto ahead = [&](std::size_t by, auto ask) {
    if (next + by < queue.size()) ask(queue[next + by]);
  };
  ahead(20, [&](NodeId id) { graph->expect_node(id); });
  ahead(16, [&](NodeId id) { graph->expect_contents(id); });
  ahead(12, [&](NodeId id) { graph->expect_values(id); });
  ahead(8, [&](NodeId id) {
    const NodeId state = graph->first_given(id);
    graph->expect_node(state);
    __builtin_prefetch(&homes[state]);
  });
  ahead(4, [&](NodeId id) { graph->expect_contents(graph->first_given(id)); });
  ahead(2, [&](NodeId id) { graph->expect_values(graph->first_given(id)); });
}

void Tree::Impl::spread() {
  homes.resize(graph->node_count());
  const Value root = graph->root();
  if (!root.is_node()) return;
  if (labels.is_leaf(root)) {
    homes[root.node()].role = Role::leaf;
    return;
  }
  homes[root.node()] = Home(Role::root, 0, root.node(), Step::Kind::key, 0);
  std::vector<NodeId> queue{root.node()};
  std::vector<NodeId> weak;
  Scratch scratch;
  for (std::size_t next = 0; next < queue.size() || !weak.empty();) {
    if (next == queue.size()) {
      // Nothing holds the rest but weak references: follow them, then go on as before.
      queue.clear();
      next = 0;
      std::vector<NodeId> now;
      now.swap(weak);
      for (const NodeId id : now) expand(graph->node(id), scratch, queue);
      continue;
    }
    look_ahead(queue, next);
    const Value value = graph->node(queue[next++]);
    if (is_weak(*graph, value))
      weak.push_back(value.node());
    else
      expand(value, scratch, queue);
  }
}

bool Tree::Impl::is_leaf(Value value) const {
  if (!value.is_node()) return true;
  const Role role = homes[value.node()].role;
  return role == Role::leaf || (role == Role::unknown && labels.is_leaf(value));
}

Step Tree::Impl::home_step(NodeId id) const {
  const Home& home = homes[id];
  switch (home.kind) {
    case Step::Kind::key:
    case Step::Kind::attribute: return {.kind = home.kind, .label = graph->slot(home.slot)[-1], .index = home.index};
    case Step::Kind::member: return {.kind = home.kind, .label = *graph->slot(home.slot), .index = home.index};
    case Step::Kind::effect: return effect_steps[home.index];
    case Step::Kind::index:
    case Step::Kind::argument: break;
  }
  return {.kind = home.kind, .index = home.index};
}

bool Tree::Impl::is_reference(Value parent, const Edge& edge) const {
  if (!edge.target.is_node() || is_leaf(edge.target)) return false;
  const Home& home = homes[edge.target.node()];
  return home.role != Role::edge || home.slot != graph->slot_number(edge.slot) || !parent.is_node() ||
         home.parent != parent.node() || home_step(edge.target.node()) != edge.step;
}

std::optional<Edge> Tree::Impl::search(Value value, const LabelKey& key, std::uint32_t twin) const {
  if (!value.is_node() || is_leaf(value)) return std::nullopt;
  std::optional<Edge> found;
  const auto matches = [&](const Edge& edge) {
    if (edge.step.kind != key.edge) return false;
    if (key.label == LabelKey::Class::digest)
      return edge.step.index == twin && labels.has_digest(edge.step, key.digest);
    return (key.label == LabelKey::Class::place || edge.step.index == twin) && labels.key_of(edge.step) == key;
  };
  if (key.label == LabelKey::Class::digest) {  // labels are not sorted by it
    walk_settled(value, [&](const Edge& edge) {
      if (matches(edge)) found = edge;
      return !found;
    });
    return found;
  }
  const auto known = [&]() -> std::shared_ptr<const Sorted> {
    const std::lock_guard lock(mutex);
    const auto at = sorted.find(value.node());
    return at == sorted.end() ? nullptr : at->second;
  };
  std::shared_ptr<const Sorted> index = known();
  if (!index) {
    std::size_t seen = 0;
    const bool whole = walk_settled(value, [&](const Edge& edge) {
      if (matches(edge)) found = edge;
      return !found && ++seen < many_edges;
    });
    if (whole || found) return found;
    auto fresh = std::make_shared<Sorted>();
    walk_settled(value,
                 [&](const Edge& edge) { return fresh->edges.emplace_back(labels.key_of(edge.step), edge), true; });
    std::sort(fresh->edges.begin(), fresh->edges.end(), [](const auto& a, const auto& b) {
      const auto order = a.first <=> b.first;
      return order < 0 || (order == 0 && a.second.step.index < b.second.step.index);
    });
    index = fresh;
    const std::lock_guard lock(mutex);
    sorted.emplace(value.node(), index);
  }
  auto at = std::lower_bound(index->edges.begin(), index->edges.end(), key,
                             [](const auto& entry, const LabelKey& wanted) { return entry.first < wanted; });
  // Twins stand next to each other, by number.
  if (key.label != LabelKey::Class::place && static_cast<std::size_t>(index->edges.end() - at) > twin) at += twin;
  if (at != index->edges.end() && matches(at->second)) found = at->second;
  return found;
}

Tree::Tree(const Graph& graph) : impl_(std::make_unique<Impl>(graph)) { impl_->spread(); }
Tree::~Tree() = default;
Tree::Tree(Tree&&) noexcept = default;
Tree& Tree::operator=(Tree&&) noexcept = default;

const Graph& Tree::graph() const noexcept { return *impl_->graph; }

void Tree::edges(Value value, const std::function<bool(const Edge&)>& visit) const {
  impl_->walk_settled(value, visit);
}

std::size_t Tree::edge_count(Value value) const {
  std::size_t count = 0;
  impl_->walk_settled(value, [&](const Edge&) { return ++count, true; });
  return count;
}

std::size_t Tree::item_count(Value value) const {
  std::size_t count = 0;
  impl_->walk_settled(value, [&](const Edge& edge) {
    const Step::Kind kind = edge.step.kind;
    count += kind == Step::Kind::key || kind == Step::Kind::index || kind == Step::Kind::member ? 1 : 0;
    return true;
  });
  return count;
}

std::optional<Value> Tree::key(Value value, std::string_view name) const {
  if (name.size() > Labels::longest_text) return std::nullopt;
  const auto found = impl_->search(value, {.edge = Step::Kind::key, .label = LabelKey::Class::text, .text = name}, 0);
  return found ? std::optional(found->target) : std::nullopt;
}

std::optional<Value> Tree::attribute(Value value, std::string_view name) const {
  if (name.size() > Labels::longest_text) return std::nullopt;
  const auto found =
      impl_->search(value, {.edge = Step::Kind::attribute, .label = LabelKey::Class::text, .text = name}, 0);
  return found ? std::optional(found->target) : std::nullopt;
}

std::optional<Value> Tree::index(Value value, std::uint32_t index) const {
  const auto found = impl_->search(value, {.edge = Step::Kind::index, .number = index}, 0);
  return found ? std::optional(found->target) : std::nullopt;
}

std::optional<std::string_view> Tree::label_text(const Step& step) const {
  const auto text = impl_->labels.text_of(step.label);
  return text ? text : impl_->labels.object_text(step.label);
}
bool Tree::is_leaf(Value value) const { return impl_->is_leaf(value); }
bool Tree::is_reference(Value parent, const Edge& edge) const { return impl_->is_reference(parent, edge); }

}  // namespace pod::document
