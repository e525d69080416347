#include "durations.hpp"

#include "errors.hpp"

#include <libpod/error.hpp>

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

namespace podgit {

std::chrono::seconds parse_duration(std::string_view text, std::string_view option) {
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (error == std::errc()) {
    if (unit == "s" || (unit.empty() && number == 0)) return std::chrono::seconds(number);
    if (unit == "m") return std::chrono::minutes(number);
    if (unit == "h") return std::chrono::hours(number);
    if (unit == "d") return std::chrono::hours(std::int64_t{24} * number);
    if (unit == "w") return std::chrono::hours(std::int64_t{168} * number);
  }
  throw_usage(fmt::format("{} is no time for {}", pod::quote(text), option), "write it as 90m, 12h, 14d or 2w");
}

}  // namespace podgit
