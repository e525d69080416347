// Resources outside of the browser: as a tree, as a table; and the fields of a document.
#pragma once

#include "../session.hpp"
#include "content.hpp"

#include <libpod/resources.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace podgit::inspect {

/// Service, account and region, then a line a resource: "queue orders  3 messages, 1.2 KiB".
void print_tree(Session& session, const Content& content);
void print_table(Session& session, const Content& content);

/// The fields below `path`, `depth` levels deep; deeper ones as their number.
void print_fields(Session& session, const pod::Document& document, std::string_view path, std::size_t depth);

}  // namespace podgit::inspect
