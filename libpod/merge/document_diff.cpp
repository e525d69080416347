#include "merge/document_diff.hpp"

#include "document/inline_pickle.hpp"
#include "document/values.hpp"
#include "merge/list_match.hpp"

#include <array>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace pod::merge {
namespace {

using document::Edge;
using document::Graph;
using document::Kind;
using document::Step;
using document::Tree;
using document::Value;

/// What tells an element of a list from its neighbours, best first.
constexpr std::array<std::string_view, 14> identities{"id",         "arn", "message_id", "name", "key",
                                                      "Id",         "Arn", "Name",       "Key",  "MessageId",
                                                      "version_id", "_id", "_arn",       "_name"};

std::vector<Edge> edges_of(const Side& side) {
  std::vector<Edge> edges;
  side.tree.edges(side.value, [&](const Edge& edge) {
    edges.push_back(edge);
    return true;
  });
  return edges;
}

/// Equal atoms, whatever file they stand in.
bool same_atom(const Graph& a, Value x, const Graph& b, Value y) {
  if (x.kind() != y.kind()) return false;
  switch (x.kind()) {
    case Kind::none: return true;
    case Kind::boolean: return a.boolean(x) == b.boolean(y);
    case Kind::integer: return a.integer(x) == b.integer(y);
    case Kind::real: return a.real_bits(x) == b.real_bits(y);
    default: return a.bytes(x) == b.bytes(y);
  }
}

std::optional<std::string> identity_of(const Tree& tree, Value value, std::string_view name) {
  std::optional<Value> found = tree.attribute(value, name);
  if (!found) found = tree.key(value, name);
  if (!found || found->kind() != Kind::text || tree.graph().text(*found).empty()) return std::nullopt;
  return std::string(tree.graph().text(*found));
}

/// The elements' names by one identity that all of them have and no two share.
std::optional<std::vector<std::string>> names_by(const Tree& tree, const std::vector<Edge>& elements,
                                                 std::string_view identity) {
  std::vector<std::string> names;
  std::unordered_set<std::string> seen;
  for (const Edge& element : elements) {
    auto name = identity_of(tree, element.target, identity);
    if (!name || !seen.insert(*name).second) return std::nullopt;
    names.push_back(*std::move(name));
  }
  return names;
}

std::vector<std::string> digests_of(const Tree& tree, const std::vector<Edge>& elements) {
  std::vector<std::string> digests;
  digests.reserve(elements.size());
  for (const Edge& element : elements) digests.push_back(tree.subtree_digest(element.target));
  return digests;
}

std::vector<Pair> match_elements(const Tree& before, const std::vector<Edge>& a, const Tree& after,
                                 const std::vector<Edge>& b) {
  if (a.empty() && b.empty()) return {};
  for (const std::string_view identity : identities) {
    const auto names_before = names_by(before, a, identity);
    if (!names_before) continue;
    if (const auto names_after = names_by(after, b, identity)) return match_by_name(*names_before, *names_after);
  }
  return match_by_sequence(digests_of(before, a), digests_of(after, b));
}

class Walk {
 public:
  Walk(const Side& before, const Side& after, const DiffRequest& request)
      : before_(before.tree), after_(after.tree), request_(request) {}

  DocumentDiff run(Value before, Value after) {
    tasks_.push_back({{}, FieldDifference::Place{before, before, false}, FieldDifference::Place{after, after, false}});
    while (!tasks_.empty()) {
      const Task task = std::move(tasks_.back());
      tasks_.pop_back();
      visit(task);
    }
    return std::move(diff_);
  }

 private:
  using Place = FieldDifference::Place;
  struct Task {
    std::string path;
    std::optional<Place> before;
    std::optional<Place> after;
  };

  void report(const Task& task, FieldDifference::Kind kind) {
    if (diff_.fields.size() >= request_.limit)
      ++diff_.more;
    else
      diff_.fields.push_back({task.path, kind, task.before, task.after});
  }

  void visit(const Task& task) {
    if (request_.skip && !task.path.empty() && request_.skip(task.path)) return;
    if (!task.before) return report(task, FieldDifference::Kind::added);
    if (!task.after) return report(task, FieldDifference::Kind::removed);
    const Place& a = *task.before;
    const Place& b = *task.after;
    if (a.reference || b.reference) {
      if (!same_reference(a, b)) report(task, FieldDifference::Kind::changed);
      return;
    }
    const bool leaf = before_.is_leaf(a.value);
    if (leaf || after_.is_leaf(b.value) || !same_kind(a.value, b.value)) {
      if (!same_content({before_, a.value}, {after_, b.value})) report(task, FieldDifference::Kind::changed);
      return;
    }
    if (!same_subtree(a.value, b.value)) descend(task.path, a.value, b.value);
  }

  /// A home may have moved because of something else: what is meant counts, not where it lies.
  bool same_reference(const Place& a, const Place& b) {
    if (a.reference && b.reference && before_.path(a.value) == after_.path(b.value)) return true;
    if (!a.value.is_node() || !b.value.is_node()) return same_content({before_, a.value}, {after_, b.value});
    return digest_of(before_, a.value, old_digests_) == digest_of(after_, b.value, new_digests_);
  }

  /// Many references may name one large node.
  static const std::string& digest_of(const Tree& tree, Value value,
                                      std::unordered_map<document::NodeId, std::string>& known) {
    std::string& digest = known[value.node()];
    if (digest.empty()) digest = tree.subtree_digest(value);
    return digest;
  }

  bool same_kind(Value a, Value b) const {
    const auto family = [](Kind kind) {
      return kind == Kind::object || kind == Kind::object_kw || kind == Kind::call ? Kind::instance : kind;
    };
    if (family(a.kind()) != family(b.kind())) return false;
    return document::class_of(before_.graph(), a) == document::class_of(after_.graph(), b);
  }

  void descend(const std::string& path, Value before, Value after) {
    const std::vector<Edge> a = edges_of({before_, before});
    const std::vector<Edge> b = edges_of({after_, after});
    std::vector<Task> found;
    const auto add = [&](const Edge* old_edge, const Edge* new_edge) {
      Task task;
      task.path = path + (new_edge ? after_.step_text(new_edge->step) : before_.step_text(old_edge->step));
      if (old_edge) task.before = Place{before, old_edge->target, before_.is_reference(before, *old_edge)};
      if (new_edge) task.after = Place{after, new_edge->target, after_.is_reference(after, *new_edge)};
      found.push_back(std::move(task));
    };
    const auto [old_elements, old_named] = split(a);
    const auto [new_elements, new_named] = split(b);
    for (const auto& [old_place, new_place] : match_elements(before_, old_elements, after_, new_elements))
      add(old_place ? &old_elements[*old_place] : nullptr, new_place ? &new_elements[*new_place] : nullptr);
    std::unordered_map<std::string, const Edge*> unmatched;
    for (const Edge& edge : old_named) unmatched.emplace(before_.step_text(edge.step), &edge);
    for (const Edge& edge : new_named) {
      const auto place = unmatched.find(after_.step_text(edge.step));
      add(place == unmatched.end() ? nullptr : place->second, &edge);
      if (place != unmatched.end()) unmatched.erase(place);
    }
    for (const Edge& edge : old_named)
      if (unmatched.contains(before_.step_text(edge.step))) add(&edge, nullptr);
    for (auto task = found.rbegin(); task != found.rend(); ++task) tasks_.push_back(std::move(*task));
  }

  /// Elements of a list, and what has a name of its own.
  static std::pair<std::vector<Edge>, std::vector<Edge>> split(const std::vector<Edge>& edges) {
    std::pair<std::vector<Edge>, std::vector<Edge>> out;
    for (const Edge& edge : edges) (edge.step.kind == Step::Kind::index ? out.first : out.second).push_back(edge);
    return out;
  }

  /// Two nodes that are compared edge by edge, and the edges of both.
  struct Walked {
    Value before;
    Value after;
    std::vector<Edge> edges_before;
    std::vector<Edge> edges_after;
    std::size_t next = 0;
  };

  /// Whether nothing can differ below: the same edges in the same order. Most of a document is so, and this needs no
  /// paths and no digests. Not so says nothing more than that descend() has to look. Each pair of nodes is walked once
  /// in all, since what was found is kept: also of what lies above a difference.
  bool same_subtree(Value before, Value after) {
    if (const auto known = known_pair(before, after)) return *known;
    std::vector<Walked> walked;
    const auto enter = [&](Value a, Value b) {
      walked.push_back({a, b, edges_of({before_, a}), edges_of({after_, b})});
    };
    enter(before, after);
    while (!walked.empty()) {
      Walked& at = walked.back();
      bool same = at.edges_before.size() == at.edges_after.size();
      if (same && at.next == at.edges_before.size()) {
        note(at.before, at.after, true);
        walked.pop_back();
        continue;
      }
      std::optional<bool> known;
      if (same) {
        const Edge& a = at.edges_before[at.next];
        const Edge& b = at.edges_after[at.next++];
        known = same_step(a.step, b.step) ? same_target(at, a, b) : std::optional(false);
        if (!known) {
          enter(a.target, b.target);
          continue;
        }
        same = *known;
      }
      if (same) continue;
      for (const Walked& above : walked) note(above.before, above.after, false);
      return false;
    }
    return true;
  }

  bool same_step(const Step& a, const Step& b) const {
    if (a.kind != b.kind || a.word != b.word || a.index != b.index) return false;
    if (!a.label.is_node() && !b.label.is_node()) return same_atom(before_.graph(), a.label, after_.graph(), b.label);
    return before_.step_text(a) == after_.step_text(b);
  }

  /// Nothing where both have edges that have to be walked.
  std::optional<bool> same_target(const Walked& parents, const Edge& a, const Edge& b) {
    if (!a.target.is_node() && !b.target.is_node())
      return same_atom(before_.graph(), a.target, after_.graph(), b.target);
    const Place old_place{parents.before, a.target, before_.is_reference(parents.before, a)};
    const Place new_place{parents.after, b.target, after_.is_reference(parents.after, b)};
    if (old_place.reference || new_place.reference) return same_reference(old_place, new_place);
    if (before_.is_leaf(a.target) || after_.is_leaf(b.target) || !same_kind(a.target, b.target))
      return same_content({before_, a.target}, {after_, b.target});
    return known_pair(a.target, b.target);
  }

  std::optional<bool> known_pair(Value before, Value after) const {
    const std::uint32_t pair = pairs_.empty() ? 0 : pairs_[before.node()];
    if (pair >> 1 != after.node() + 1) return std::nullopt;
    return (pair & 1) != 0;
  }
  void note(Value before, Value after, bool same) {
    if (pairs_.empty()) pairs_.resize(before_.graph().node_count());
    pairs_[before.node()] = (after.node() + 1) << 1 | (same ? 1 : 0);
  }

  const Tree& before_;
  const Tree& after_;
  const DiffRequest& request_;
  /// By node of the older document: the node it was compared with and whether they were the same.
  std::vector<std::uint32_t> pairs_;
  std::vector<Task> tasks_;
  std::unordered_map<document::NodeId, std::string> old_digests_;
  std::unordered_map<document::NodeId, std::string> new_digests_;
  DocumentDiff diff_;
};

}  // namespace

bool same_content(const Side& before, const Side& after) {
  if (!before.value.is_node() && !after.value.is_node())
    return same_atom(before.tree.graph(), before.value, after.tree.graph(), after.value);
  if (before.value.is_node() != after.value.is_node()) return false;
  const Graph& a = before.tree.graph();
  const Graph& b = after.tree.graph();
  if (document::is_value_object(a, before.value) && document::is_value_object(b, after.value)) {
    std::string text_before;
    std::string text_after;
    document::append_inline(text_before, a, before.value);
    document::append_inline(text_after, b, after.value);
    return text_before == text_after;
  }
  return before.tree.subtree_digest(before.value) == after.tree.subtree_digest(after.value);
}

DocumentDiff diff_documents(const Side& before, const Side& after, const DiffRequest& request) {
  return Walk(before, after, request).run(before.value, after.value);
}

}  // namespace pod::merge
