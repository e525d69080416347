// The formats that state comes in, and one way to read them all.
#pragma once

#include "document/graph.hpp"

#include <string>
#include <string_view>

namespace pod::document {

enum class Format {
  pickle,
  tagged_pickle,  // localstack-persist's .pkl: one byte, `p` or `d`, then a pickle
  json,
  jsonpickle,  // JSON with py/object, py/id, …; localstack-persist's store.json and backend.json
  sqlite,
  opaque,  // none of these: stored and compared as bytes
};
std::string_view format_name(Format format) noexcept;

/// By content alone (the first 4 KiB are enough), never by name: what a file is called is for its author to say.
Format detect(std::string_view head);

/// Reads `file` as `format`. Error(corrupt) with `what` and the place; Error(refused) past a limit; Error(unsupported)
/// for opaque.
Graph read(std::string file, Format format, std::string_view what, const Limits& limits = {});

/// SHA-256, 64 hex digits, of what the document says: equal for two files that load to the same graph, in whatever
/// order sets and dicts were written and memo slots numbered. Texts, bytes and value objects count by content, other
/// nodes by identity: sharing is part of it.
std::string canonical_digest(const Graph& graph);

}  // namespace pod::document
