// Values of a document as one line of text, for a resource's attributes: without quotes, without control bytes, cut.
#pragma once

#include "document/tree.hpp"
#include "metamodel/clean_text.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pod::metamodel {

/// Of a leaf: texts as they are, numbers, true and false, times, members of enums by their value, the last step of what
/// is at home elsewhere. Of a list, tuple or set of leaves: those, with commas. Nothing for none, bytes, dicts,
/// objects.
std::optional<std::string> text_of(const document::Tree& tree, document::Value value, std::size_t limit = most_text);

/// A number since 1970 (or its digits), in seconds or (from the year 5138 on) milliseconds, as "2026-11-26T07:30:53Z".
/// Nothing for others.
std::optional<std::string> time_of(const document::Tree& tree, document::Value value);

/// Bytes of a text or of bytes; a number that is not negative is what it says. 0 for others.
std::uint64_t size_of(const document::Tree& tree, document::Value value);

/// What a persistent id of pod-agent names: `state:<service>:<region>:<account>:<path>`. Nothing for other values.
std::optional<std::string> reference_of(const document::Tree& tree, document::Value value);

/// Whether it looks like an ARN: "arn:", at least five colons and something behind them, printable ASCII, no template.
bool is_arn(std::string_view text);

}  // namespace pod::metamodel
