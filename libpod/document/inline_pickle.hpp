// Atoms and value objects as pickle opcodes, without memo: equal content gives equal bytes.
#pragma once

#include "document/graph.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace pod::document {

/// `value` is an atom or is_value_object(): then its depth is bounded.
void append_inline(std::string& out, const Graph& graph, Value value);
/// Opcode and length of a text, bytes or byte_text, and what it holds.
void append_counted(std::string& out, Kind kind, std::string_view bytes);
/// `size` bytes of `number`, little-endian.
void append_number(std::string& out, std::uint64_t number, unsigned size);

/// A short text by which sets and dicts are ordered: what append_inline() gives, or for an object with an identity an
/// outline of its content (a few levels, a few hundred values) that does not depend on the order of sets or dicts.
std::string order_key(const Graph& graph, Value value);

}  // namespace pod::document
