#include "document/walk.hpp"

#include "document/inline_pickle.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace pod::document {
namespace {

/// Sorts by `key_of(value)`, then by place.
template <typename KeyOf>
std::span<const Value> sorted(std::span<const Value> values, std::size_t step, std::deque<std::vector<Value>>& storage,
                              KeyOf key_of) {
  std::vector<std::pair<decltype(key_of(values[0])), std::size_t>> keys;
  keys.reserve(values.size() / step);
  for (std::size_t i = 0; i + step <= values.size(); i += step) keys.emplace_back(key_of(values[i]), i);
  std::sort(keys.begin(), keys.end());
  std::vector<Value>& ordered = storage.emplace_back();
  ordered.reserve(values.size());
  for (const auto& [key, at] : keys)
    for (std::size_t i = 0; i < step; ++i) ordered.push_back(values[at + i]);
  return ordered;
}

}  // namespace

std::span<const Value> in_order(const Graph& graph, std::span<const Value> values, std::size_t step,
                                std::deque<std::vector<Value>>& storage) {
  if (values.size() <= step) return values;
  bool all_texts = true;
  for (std::size_t i = 0; i < values.size(); i += step) all_texts = all_texts && values[i].kind() == Kind::text;
  // Nearly every dict has them; they need no copy.
  if (all_texts) return sorted(values, step, storage, [&](Value key) { return graph.text(key); });
  return sorted(values, step, storage, [&](Value key) { return order_key(graph, key); });
}

}  // namespace pod::document
