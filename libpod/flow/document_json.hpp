// A document, or a part of it, as JSON text.
//
//   a dict, an object        {"key": …, "@attribute": …}: the steps of the tree's paths without their slash
//   a list, a tuple, a set   [ … ]; one that has attributes too is written as an object, by its steps
//   a second way to a node   {"$ref": "/path/where/it/is/at/home"}
//   bytes                    {"$bytes": "<hex>"}
//   a time, a UUID, …        its one line of text
//   a secret                 "•••• (12 bytes)"
#pragma once

#include "document/tree.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace pod::flow {

/// Two spaces a level, "\n" at the end. Error(refused) past `limit` bytes. Cost: linear.
std::string write_json(const document::Tree& tree, std::string_view service, document::Value value, bool reveal,
                       std::uint64_t limit);

}  // namespace pod::flow
