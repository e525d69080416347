// Sizes, durations and moments as people read them; and how wide a text is on a terminal.
#pragma once

#include <libpod/context.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace podgit {

/// "812 B", "34.1 MiB".
std::string human_size(std::uint64_t bytes);
/// "0.4 s", "2 min 05 s".
std::string human_duration(std::chrono::milliseconds time);
/// "1 file", "3 files".
std::string counted(std::uint64_t number, std::string_view noun);

/// "2026-11-22 14:05", local time.
std::string short_time(pod::Time time);
/// "Sun Nov 22 14:05:09 2026 +0100", local time.
std::string long_time(pod::Time time);
/// "2026-11-22T13:05:09Z", for machines.
std::string utc_time(pod::Time time);

/// Columns of UTF-8 text on a terminal; wide characters count two, combining ones none.
std::size_t display_width(std::string_view text);
/// `text` in at most `width` columns, with "…" at the end where something was cut.
std::string fitted(std::string_view text, std::size_t width);
/// `text` in lines of at most `width` columns, broken at blanks where there are some; at least one line.
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

bool is_utf8(std::string_view text);

}  // namespace podgit
