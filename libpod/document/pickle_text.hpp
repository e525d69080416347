// The arguments that protocol 0 writes as lines of text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace pod::document {

/// A whole number: in 64 bits, or as two's complement bytes, little endian, the shortest that keep the sign.
using WholeNumber = std::variant<std::int64_t, std::string>;

/// Of little-endian two's complement bytes of any length.
WholeNumber whole_number(std::string_view bytes);
/// Decimal digits with an optional sign, at most 4,300 of them (what Python reads); nothing where the text is
/// otherwise.
std::optional<WholeNumber> parse_decimal(std::string_view text);

/// IEEE bits of what FLOAT says: decimal, "inf", "nan", with a sign or not.
std::optional<std::uint64_t> parse_float(std::string_view text);

/// STRING: a quoted text with the escapes of Python's bytes literals.
std::optional<std::string> unquote_string(std::string_view line);
/// UNICODE: Latin-1 with \uXXXX and \UXXXXXXXX; the result is UTF-8, lone surrogates as their three bytes.
std::optional<std::string> decode_raw_unicode(std::string_view line);

/// Valid UTF-8, but lone surrogates may stand in it (Python's "surrogatepass").
bool is_python_text(std::string_view bytes) noexcept;

}  // namespace pod::document
