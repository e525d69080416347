// JSON and jsonpickle texts to graphs. jsonpickle is JSON in which objects of Python stand with their class, and
// references by number: it becomes the graph that a pickle of the same objects becomes.
#pragma once

#include "document/graph.hpp"
#include "document/graph_builder.hpp"

#include <string>
#include <string_view>

namespace pod::document {

/// Objects become dicts. Error(corrupt) with line and column: bad syntax, invalid UTF-8, keys that are there twice;
/// Error(refused) past a limit.
Graph read_json(std::string file, std::string_view what, const Limits& limits = {});

/// `py/object` becomes an object with its class and state, `py/reduce` a call, `py/id` the node that it numbers, in the
/// order in which jsonpickle counts. `{"v": 1, "data": …}` of localstack-persist is seen through: the root is `data`.
/// Error(corrupt) also for references to what is not there.
Graph read_jsonpickle(std::string file, std::string_view what, const Limits& limits = {});

/// Adds what `text` says to what `builder` makes.
Value add_json(GraphBuilder& builder, std::string_view text, std::string_view what);
/// An integer in decimal, of any length. Error(refused) where it has more than 4,300 digits.
Value add_decimal(GraphBuilder& builder, std::string_view digits, std::string_view what);

}  // namespace pod::document
