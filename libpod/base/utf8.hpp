// Reading UTF-8 one code point at a time.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

namespace pod::base {

inline constexpr char32_t invalid_point = 0xffffffff;

/// First code point of `text` (not empty) and its length in bytes; `invalid_point` and 1 where the bytes are not
/// well-formed (overlong, surrogate, past U+10FFFF, cut).
std::pair<char32_t, std::size_t> decode_utf8(std::string_view text);

/// Offset of the first byte that is not well-formed; npos where there is none.
std::size_t find_invalid_utf8(std::string_view text);
inline bool is_utf8(std::string_view text) { return find_invalid_utf8(text) == std::string_view::npos; }

}  // namespace pod::base
