// Walks over a graph that do not recurse: what the writer and the digest have in common.
#pragma once

#include "document/graph.hpp"

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace pod::document {

/// Neighbouring parts of one act, as one: how many batches a file wrote them in says nothing.
struct PartGroup {
  Part::Act act;
  std::span<const Value> values;
};

/// Gives the groups of one node in order. Values that several parts hold are copied to `storage`.
class PartGroups {
 public:
  PartGroups() = default;
  PartGroups(const Graph& graph, Value node, std::deque<std::vector<Value>>& storage)
      : next_(graph.parts(node).begin()), storage_(&storage) {}

  bool next(PartGroup& group) {
    if (next_ == PartIterator()) return false;
    const Part first = *next_;
    group = {first.act, first.values};
    ++next_;
    if (first.act == Part::Act::state || first.act == Part::Act::effect) return true;
    std::vector<Value>* joined = nullptr;
    for (; next_ != PartIterator() && (*next_).act == first.act; ++next_) {
      const Part more = *next_;
      if (joined == nullptr) joined = &storage_->emplace_back(first.values.begin(), first.values.end());
      joined->insert(joined->end(), more.values.begin(), more.values.end());
      group.values = *joined;
    }
    return true;
  }

 private:
  PartIterator next_;
  std::deque<std::vector<Value>>* storage_ = nullptr;
};

/// `values` in the order of their keys' content, `step` of them (a key and what follows it) at a time. Equal keys keep
/// their order: of a key given twice the last one counts.
std::span<const Value> in_order(const Graph& graph, std::span<const Value> values, std::size_t step,
                                std::deque<std::vector<Value>>& storage);

/// Texts and bytes of this size and more count by content where they occur again: they are written, hashed once.
inline constexpr std::size_t long_text = 1024;

}  // namespace pod::document
