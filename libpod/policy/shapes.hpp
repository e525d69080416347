// What a callable of the short list takes. Each shape is what pod-agent's restore functions and value types check too,
// so that a call which is accepted here is one that they grant.
#pragma once

#include "document/graph.hpp"

#include <span>
#include <string_view>

namespace pod::policy {

using Arguments = std::span<const document::Value>;
using Shape = bool (*)(const document::Graph& graph, Arguments arguments);

/// The shape of calling `module.name`, or null where it is not on the list. In `setter` whether it is a state setter:
/// one that changes its first argument.
Shape shape_of(std::string_view module, std::string_view name, bool* setter = nullptr);

/// The same for callables that real pods are known to carry, though nothing says that they are harmless.
Shape carrier_shape_of(std::string_view module, std::string_view name);

/// What a service calls an instance's key, an enum's value: text, a number, a boolean.
bool is_scalar(const document::Graph& graph, document::Value value);

/// A persistent id of pod-agent: ("blob", sha256), ("body", sha256, size), ("ref", …), ("backend", …), ("account", …),
/// ("backends", …), in the shapes that it checks.
bool is_persistent_id(const document::Graph& graph, document::Value id);

/// A dunder: what Python looks up by itself.
constexpr bool is_dunder(std::string_view name) noexcept { return name.starts_with("__") && name.ends_with("__"); }

/// A name without dots, `[A-Za-z_][A-Za-z0-9_]*`, at most 200 bytes.
bool is_identifier(std::string_view name) noexcept;

}  // namespace pod::policy
