#include "metamodel/value_text.hpp"

#include "document/values.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

namespace pod::metamodel {
namespace {

using document::Edge;
using document::Graph;
using document::Kind;
using document::Step;
using document::Tree;
using document::Value;

constexpr std::size_t most_elements = 32;

std::string text_of_real(double value) {
  char buffer[32];
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), value).ptr;
  return std::string(std::begin(buffer), end);
}

/// `Zip` of PackageType("Zip"), `1.5` of Decimal("1.5").
std::optional<std::string_view> only_argument(const Graph& graph, Value value) {
  if (value.kind() != Kind::call) return std::nullopt;
  const auto arguments = graph.arguments(value);
  if (arguments.size() != 2 || arguments[1].kind() != Kind::tuple) return std::nullopt;
  const auto given = graph.arguments(arguments[1]);
  if (given.size() != 1 || given[0].kind() != Kind::text) return std::nullopt;
  return graph.text(given[0]);
}

std::optional<std::string> text_of_leaf(const Tree& tree, Value value, std::size_t limit) {
  const Graph& graph = tree.graph();
  switch (value.kind()) {
    case Kind::text:
    case Kind::byte_text: return clean(graph.bytes(value), limit);
    case Kind::boolean: return graph.boolean(value) ? "true" : "false";
    case Kind::integer: return std::to_string(graph.integer(value));
    case Kind::real: return text_of_real(graph.real(value));
    case Kind::big_integer: return clean(document::render(graph, value, limit), limit);
    case Kind::persistent:
      if (const auto reference = reference_of(tree, value))
        return clean(reference->substr(reference->rfind('/') + 1), limit);
      return std::nullopt;
    default: break;
  }
  if (const auto argument = only_argument(graph, value)) return clean(*argument, limit);
  if (value.is_node() && document::is_value_object(graph, value) && value.kind() != Kind::global)
    return clean(document::render(graph, value, limit), limit);
  return std::nullopt;
}

bool is_sequence(Value value) {
  return value.kind() == Kind::list || value.kind() == Kind::tuple || value.kind() == Kind::set ||
         value.kind() == Kind::frozen_set;
}

}  // namespace

std::optional<std::string> text_of(const Tree& tree, Value value, std::size_t limit) {
  if (!is_sequence(value)) return text_of_leaf(tree, value, limit);
  if (tree.is_leaf(value) && value.kind() == Kind::tuple)
    return clean(document::render(tree.graph(), value, limit), limit);
  std::vector<std::string> texts;
  bool more = false;
  tree.edges(value, [&](const Edge& edge) {
    if (texts.size() == most_elements) return more = true, false;
    if (auto text = text_of_leaf(tree, edge.target, limit)) texts.push_back(std::move(*text));
    return true;
  });
  if (texts.empty()) return std::nullopt;
  if (value.kind() == Kind::set || value.kind() == Kind::frozen_set) std::sort(texts.begin(), texts.end());
  std::string joined;
  for (const std::string& text : texts) joined.append(joined.empty() ? "" : ", ").append(text);
  if (more) joined += ", …";
  return clean(joined, limit);
}

std::optional<std::string> time_of(const Tree& tree, Value value) {
  double seconds = 0;
  if (value.kind() == Kind::integer)
    seconds = static_cast<double>(tree.graph().integer(value));
  else if (value.kind() == Kind::real)
    seconds = tree.graph().real(value);
  else if (value.kind() == Kind::text && base::is_digits(tree.graph().text(value)) &&
           tree.graph().text(value).size() <= 13)
    seconds = static_cast<double>(std::stoll(std::string(tree.graph().text(value))));
  else
    return text_of(tree, value);
  if (!(seconds >= 0)) return std::nullopt;
  if (seconds >= 1e11) seconds /= 1000;
  if (!(seconds < 253402300800.0)) return std::nullopt;  // the year 10000
  const auto whole = static_cast<std::int64_t>(seconds);
  // Days since 0000-03-01, in eras of 400 years (146,097 days).
  const std::int64_t days = whole / 86400 + 719468;
  const std::int64_t era = days / 146097;
  const std::int64_t of_era = days % 146097;
  const std::int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const std::int64_t day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const std::int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const std::int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  const std::int64_t year = era * 400 + year_of_era + (month <= 2 ? 1 : 0);
  const auto padded = [](std::int64_t number, std::size_t width) {
    std::string digits = std::to_string(number);
    return std::string(width - std::min(width, digits.size()), '0') + digits;
  };
  return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2) + "T" + padded(whole / 3600 % 24, 2) + ":" +
         padded(whole / 60 % 60, 2) + ":" + padded(whole % 60, 2) + "Z";
}

std::uint64_t size_of(const Tree& tree, Value value) {
  const Graph& graph = tree.graph();
  switch (value.kind()) {
    case Kind::text:
    case Kind::bytes:
    case Kind::byte_text:
    case Kind::byte_array: return graph.bytes(value).size();
    case Kind::integer: return graph.integer(value) > 0 ? static_cast<std::uint64_t>(graph.integer(value)) : 0;
    default: return 0;
  }
}

std::optional<std::string> reference_of(const Tree& tree, Value value) {
  const Graph& graph = tree.graph();
  if (value.kind() != Kind::persistent) return std::nullopt;
  const auto arguments = graph.arguments(value);
  if (arguments.size() != 1 || arguments[0].kind() != Kind::tuple) return std::nullopt;
  const auto parts = graph.arguments(arguments[0]);
  if (parts.size() != 5 || !graph.is_text(parts[0], "ref")) return std::nullopt;
  for (const Value part : parts)
    if (part.kind() != Kind::text) return std::nullopt;
  std::string out = "state:";
  for (const std::size_t at : {1u, 3u, 2u}) out.append(graph.text(parts[at])).append(":");
  return clean(out.append(graph.text(parts[4])), most_name);
}

bool is_arn(std::string_view text) {
  return text.starts_with("arn:") && text.size() <= most_name && std::count(text.begin(), text.end(), ':') >= 5 &&
         text.back() != ':' &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '{'; });
}

}  // namespace pod::metamodel
