// Which element of one list is which of another.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pod::merge {

/// A place in each list; nothing where the element is on one side only.
using Pair = std::pair<std::optional<std::size_t>, std::optional<std::size_t>>;

/// Equal names are the same element, in whatever place. Names are unique on each side. In the order of `after`, each
/// removed one behind its predecessor.
std::vector<Pair> match_by_name(const std::vector<std::string>& before, const std::vector<std::string>& after);

/// The longest common sequence of equal names; elements in the gap between two common ones are paired in order, the
/// rest is added or removed. Past `work` steps the middle is taken by place. Cost: linear where little changed.
std::vector<Pair> match_by_sequence(const std::vector<std::string>& before, const std::vector<std::string>& after,
                                    std::size_t work = 4'000'000);

}  // namespace pod::merge
