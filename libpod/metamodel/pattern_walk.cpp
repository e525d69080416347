#include "metamodel/pattern_walk.hpp"

#include "document/values.hpp"
#include "metamodel/rule_set.hpp"

namespace pod::metamodel {
namespace {

using document::Edge;
using document::Step;
using document::Value;

/// A node of more edges is asked through the tree, which sorts them.
constexpr std::size_t most_fields = 64;

bool is_item(const Step& step) {
  return step.kind == Step::Kind::key || step.kind == Step::Kind::index || step.kind == Step::Kind::member;
}

Hit start_at(Value value) { return {.value = value, .parent = {}, .edge = {}, .at_start = true}; }

}  // namespace

const PatternWalk::Known& PatternWalk::known(Value value) {
  for (const Known& known : known_)
    if (known.value == value) return known;
  Known& known = known_[oldest_];
  oldest_ = 1 - oldest_;
  known.value = value;
  known.whole = true;
  known.fields.clear();
  tree_->edges(value, [&](const Edge& edge) {
    if (edge.step.kind != Step::Kind::key && edge.step.kind != Step::Kind::attribute) return true;
    if (known.fields.size() == most_fields) return known.whole = false;
    if (const auto text = tree_->label_text(edge.step)) known.fields.push_back({*text, edge});
    return true;
  });
  return known;
}

std::optional<Edge> PatternWalk::find(Value value, std::string_view name, bool attribute_only) {
  if (!value.is_node()) return std::nullopt;
  if (const Known& its = known(value); its.whole) {
    const Field* found = nullptr;
    for (const Field& field : its.fields) {
      if (field.name != name) continue;
      if (field.edge.step.kind == Step::Kind::attribute) return field.edge;
      if (!attribute_only) found = &field;
    }
    return found == nullptr ? std::nullopt : std::optional(found->edge);
  }
  // Through the tree, which does not say which edge it was; nobody asks for its label.
  const auto search = [&](Step::Kind kind) {
    const auto target = kind == Step::Kind::attribute ? tree_->attribute(value, name) : tree_->key(value, name);
    std::optional<Edge> found;
    if (target) found = Edge{Step{.kind = kind}, *target};
    return found;
  };
  if (const auto found = search(Step::Kind::attribute)) return found;
  return attribute_only ? std::nullopt : search(Step::Kind::key);
}

std::optional<Edge> PatternWalk::place(Value value, std::int32_t index) const {
  std::size_t at = 0;
  if (index < 0) {
    std::size_t size = 0;
    tree_->edges(value, [&](const Edge& edge) { return size += edge.step.kind == Step::Kind::index ? 1u : 0u, true; });
    const auto back = static_cast<std::size_t>(-static_cast<std::int64_t>(index));
    if (back > size) return std::nullopt;
    at = size - back;
  } else {
    at = static_cast<std::size_t>(index);
  }
  std::optional<Edge> found;
  tree_->edges(value, [&](const Edge& edge) {
    if (edge.step.kind == Step::Kind::index && edge.step.index == at) found = edge;
    return !found;
  });
  return found;
}

std::string PatternWalk::star_text(const Step& step) const {
  if (step.kind == Step::Kind::key)
    if (const auto text = tree_->label_text(step)) return std::string(*text);
  std::string text = tree_->step_text(step).substr(1);
  return text.starts_with('#') ? text.substr(1) : text;
}

bool PatternWalk::fits(const PatternStep& step, Value value) const {
  if (step.class_name.empty()) return true;
  if (!value.is_node()) return false;
  const auto name = document::class_of(tree_->graph(), value);
  return name && name->name == step.class_name;
}

// Recurses along the pattern, which the rules' author wrote, never along the document.
bool PatternWalk::go(const Going& going, const Hit& hit, std::size_t at) {
  static const std::vector<std::string> nobody_asks;
  if (at == going.steps) return going.visit(hit, going.stars == nullptr ? nobody_asks : *going.stars);
  const PatternStep& step = going.pattern.steps[at];
  const auto on = [&](const Edge& edge) {
    return !fits(step, edge.target) || go(going, {edge.target, hit.value, edge}, at + 1);
  };
  switch (step.kind) {
    case PatternStep::Kind::name:
    case PatternStep::Kind::attribute: {
      const auto edge = find(hit.value, step.name, step.kind == PatternStep::Kind::attribute);
      return !edge || on(*edge);
    }
    case PatternStep::Kind::variable: {
      const auto name = going.variable ? going.variable(step.name) : std::nullopt;
      const auto edge = name ? find(hit.value, *name, false) : std::nullopt;
      return !edge || on(*edge);
    }
    case PatternStep::Kind::index: {
      const auto edge = place(hit.value, step.index);
      return !edge || on(*edge);
    }
    case PatternStep::Kind::argument:
      tree_->edges(hit.value, [&](const Edge& edge) {
        const bool it =
            edge.step.kind == Step::Kind::argument && edge.step.index == static_cast<std::uint32_t>(step.index);
        return !it || on(edge);
      });
      return true;
    case PatternStep::Kind::any:
    case PatternStep::Kind::secret: break;
  }
  bool all = true;
  tree_->edges(hit.value, [&](const Edge& edge) {
    if (!is_item(edge.step)) return true;
    if (going.stars != nullptr) going.stars->push_back(star_text(edge.step));
    all = on(edge);
    if (going.stars != nullptr) going.stars->pop_back();
    return all;
  });
  return all;
}

void PatternWalk::each(Value from, const Pattern& pattern, const Variable& variable, const Visit& visit) {
  std::vector<std::string> stars;
  go({pattern, variable, visit, pattern.steps.size(), &stars}, start_at(from), 0);
}

std::optional<Hit> PatternWalk::first(Value from, const Pattern& pattern, const Variable& variable) {
  std::optional<Hit> found;
  const Visit take = [&](const Hit& hit, const auto&) { return found = hit, false; };
  go({pattern, variable, take, pattern.steps.size(), nullptr}, start_at(from), 0);
  return found;
}

std::uint64_t PatternWalk::count(Value from, const Pattern& pattern, const Variable& variable) {
  std::uint64_t count = 0;
  const std::size_t steps = pattern.steps.size();
  if (steps > 0 && pattern.steps.back().kind == PatternStep::Kind::any && pattern.steps.back().class_name.empty()) {
    const Visit add_items = [&](const Hit& hit, const auto&) { return count += tree_->item_count(hit.value), true; };
    go({pattern, variable, add_items, steps - 1, nullptr}, start_at(from), 0);
  } else {
    const Visit add_one = [&](const Hit&, const auto&) { return ++count, true; };
    go({pattern, variable, add_one, steps, nullptr}, start_at(from), 0);
  }
  return count;
}

}  // namespace pod::metamodel
