// A field's value as one line that anybody may see.
#pragma once

#include "document/tree.hpp"

#include <string>
#include <string_view>

namespace pod::flow {

/// What stands at `path` of a service's document, held by `parent`; masked where it is a secret.
std::string shown_value(const document::Tree& tree, std::string_view service, std::string_view path,
                        document::Value parent, document::Value value);

/// Whether it is one.
bool is_secret(const document::Tree& tree, std::string_view service, std::string_view path, document::Value parent,
               document::Value value);

/// The mask for a value.
std::string masked(const document::Tree& tree, document::Value value);

}  // namespace pod::flow
