// Whether two documents say the same, without their digests.
#pragma once

#include "document/graph.hpp"

namespace pod::document {

/// True only where both have the same canonical digest. Dicts must be in the same order, so it may be false for two
/// that have. Cost: linear; nothing is hashed and no dict is sorted.
bool same_document(const Graph& one, const Graph& other);

}  // namespace pod::document
