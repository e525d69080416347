// How deep a graph nests.
#pragma once

#include "document/graph.hpp"

#include <cstdint>
#include <optional>

namespace pod::policy {

/// A node that lies deeper below the root than `most` steps on its shortest way, if there is one. What an emulator
/// nests that deep it cannot write again. Cost: a walk over the graph, 4 bytes a node.
std::optional<document::Value> deeper_than(const document::Graph& graph, std::uint32_t most);

}  // namespace pod::policy
