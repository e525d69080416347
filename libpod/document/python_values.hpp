// Values of Python's library as other formats than pickle write them, made into what a pickle holds.
#pragma once

#include "document/graph.hpp"
#include "document/graph_builder.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace pod::document {

/// "a.b.C" → "a.b", "C"; "a.Outer.Inner" → "a", "Outer.Inner": a module's name does not begin with a capital.
std::pair<std::string_view, std::string_view> split_class_name(std::string_view name);

/// jsonpickle's own form of dates, times and UUIDs (`json`, a dict) as the call or the object that a pickle holds.
/// Nothing for other classes and other forms.
std::optional<Value> add_known_object(GraphBuilder& builder, const Graph& graph, Value json,
                                      std::string_view class_name, Value class_global);

std::optional<std::string> from_base64(std::string_view text);
/// As Python's `base64.b85encode` writes it.
std::optional<std::string> from_base85(std::string_view text);

}  // namespace pod::document
