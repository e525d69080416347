#include "merge/list_match.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <unordered_map>

namespace pod::merge {
namespace {

/// What lies between two common elements, paired in order.
void pair_gap(std::vector<Pair>& pairs, std::size_t before, std::size_t before_end, std::size_t after,
              std::size_t after_end) {
  while (before < before_end && after < after_end) pairs.emplace_back(before++, after++);
  while (before < before_end) pairs.emplace_back(before++, std::nullopt);
  while (after < after_end) pairs.emplace_back(std::nullopt, after++);
}

/// Places of a longest common sequence of before[from, before_end) and after[from, after_end), by the classic table of
/// lengths.
std::vector<std::pair<std::size_t, std::size_t>> common_sequence(const std::vector<std::string>& before,
                                                                 std::size_t from, std::size_t before_end,
                                                                 const std::vector<std::string>& after,
                                                                 std::size_t after_end) {
  const std::size_t rows = before_end - from;
  const std::size_t columns = after_end - from;
  std::vector<std::uint32_t> lengths((rows + 1) * (columns + 1));
  const auto length = [&](std::size_t row, std::size_t column) -> std::uint32_t& {
    return lengths[row * (columns + 1) + column];
  };
  for (std::size_t row = rows; row-- > 0;)
    for (std::size_t column = columns; column-- > 0;)
      length(row, column) = before[from + row] == after[from + column]
                                ? length(row + 1, column + 1) + 1
                                : std::max(length(row + 1, column), length(row, column + 1));
  std::vector<std::pair<std::size_t, std::size_t>> common;
  for (std::size_t row = 0, column = 0; row < rows && column < columns;) {
    if (before[from + row] == after[from + column])
      common.emplace_back(from + row++, from + column++);
    else if (length(row + 1, column) >= length(row, column + 1))
      ++row;
    else
      ++column;
  }
  return common;
}

}  // namespace

std::vector<Pair> match_by_name(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < after.size(); ++i) places.emplace(after[i], i);
  std::unordered_map<std::size_t, std::size_t> before_of;  // place after → place before
  std::vector<std::vector<std::size_t>> removed_behind(before.size() + 1);
  std::size_t predecessor = 0;  // one more than the place of the last common element
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto found = places.find(before[i]);
    if (found == places.end()) {
      removed_behind[predecessor].push_back(i);
    } else {
      before_of.emplace(found->second, i);
      predecessor = i + 1;
    }
  }
  std::vector<Pair> pairs;
  for (const std::size_t gone : removed_behind[0]) pairs.emplace_back(gone, std::nullopt);
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto found = before_of.find(i);
    if (found == before_of.end()) {
      pairs.emplace_back(std::nullopt, i);
      continue;
    }
    pairs.emplace_back(found->second, i);
    for (const std::size_t gone : removed_behind[found->second + 1]) pairs.emplace_back(gone, std::nullopt);
  }
  return pairs;
}

std::vector<Pair> match_by_sequence(const std::vector<std::string>& before, const std::vector<std::string>& after,
                                    std::size_t work) {
  std::size_t from = 0;
  while (from < before.size() && from < after.size() && before[from] == after[from]) ++from;
  std::size_t before_end = before.size();
  std::size_t after_end = after.size();
  while (before_end > from && after_end > from && before[before_end - 1] == after[after_end - 1])
    --before_end, --after_end;

  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < from; ++i) pairs.emplace_back(i, i);
  std::size_t next_before = from;
  std::size_t next_after = from;
  const std::size_t rows = before_end - from;
  const std::size_t columns = after_end - from;
  if (rows > 0 && columns > 0 && rows <= work / columns)
    for (const auto& [place_before, place_after] : common_sequence(before, from, before_end, after, after_end)) {
      pair_gap(pairs, next_before, place_before, next_after, place_after);
      pairs.emplace_back(place_before, place_after);
      next_before = place_before + 1;
      next_after = place_after + 1;
    }
  pair_gap(pairs, next_before, before_end, next_after, after_end);
  while (before_end < before.size()) pairs.emplace_back(before_end++, after_end++);
  return pairs;
}

}  // namespace pod::merge
