// Text out of a document, fit for a model: one line, valid UTF-8, bounded.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pod::metamodel {

inline constexpr std::size_t most_text = 256;   // of an attribute's value
inline constexpr std::size_t most_name = 1024;  // of ids, ARNs, tags

/// Without control bytes and marks that turn the direction of writing (both escaped as pod::printable does), at most
/// `limit` bytes of the original and then "…".
std::string clean(std::string_view text, std::size_t limit);

}  // namespace pod::metamodel
