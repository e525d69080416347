#include "measures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <ctime>
#include <cwchar>

namespace podgit {
namespace {

/// wcwidth and mbrtowc follow the locale of the thread; the user's may be C. This one reads UTF-8 always.
class Utf8Locale {
 public:
  Utf8Locale() : before_(locale() == nullptr ? nullptr : uselocale(locale())) {}
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;
  ~Utf8Locale() {
    if (before_ != nullptr) uselocale(before_);
  }

 private:
  static locale_t locale() {
    static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return utf8;
  }
  locale_t before_;
};

struct Character {
  std::size_t bytes;
  std::size_t columns;
  bool valid;
};

Character first_character(std::string_view text) {
  wchar_t wide = 0;
  std::mbstate_t state{};
  const std::size_t length = std::mbrtowc(&wide, text.data(), text.size(), &state);
  if (length == static_cast<std::size_t>(-1) || length == static_cast<std::size_t>(-2)) return {1, 1, false};
  const int columns = wcwidth(wide);
  return {length == 0 ? 1 : length, columns < 0 ? 1U : static_cast<std::size_t>(columns), true};
}

std::string formatted(const char* format, std::time_t seconds, bool local) {
  std::tm parts{};
  if ((local ? localtime_r(&seconds, &parts) : gmtime_r(&seconds, &parts)) == nullptr)
    return fmt::format("@{}", seconds);
  std::array<char, 64> buffer{};
  const std::size_t length = std::strftime(buffer.data(), buffer.size(), format, &parts);
  return {buffer.data(), length};
}

}  // namespace

std::string human_size(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  constexpr std::array units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.95 would be shown as 1024.0
  while (value >= 1023.95 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string human_duration(std::chrono::milliseconds time) {
  const auto count = time.count();
  if (count < 59950) return fmt::format("{:.1f} s", static_cast<double>(count) / 1000);
  const auto seconds = (count + 500) / 1000;
  if (seconds < 3600) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {:02} min", seconds / 3600, seconds % 3600 / 60);
}

std::string counted(std::uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string short_time(pod::Time time) { return formatted("%Y-%m-%d %H:%M", time.seconds, true); }
std::string long_time(pod::Time time) { return formatted("%a %b %e %H:%M:%S %Y %z", time.seconds, true); }
std::string utc_time(pod::Time time) { return formatted("%Y-%m-%dT%H:%M:%SZ", time.seconds, false); }

std::size_t display_width(std::string_view text) {
  const Utf8Locale utf8;
  std::size_t columns = 0;
  while (!text.empty()) {
    const Character next = first_character(text);
    columns += next.columns;
    text.remove_prefix(next.bytes);
  }
  return columns;
}

std::string fitted(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return {};
  const Utf8Locale utf8;
  std::string out;
  std::size_t columns = 0;
  while (!text.empty()) {
    const Character next = first_character(text);
    if (columns + next.columns > width - 1) break;
    out += text.substr(0, next.bytes);
    columns += next.columns;
    text.remove_prefix(next.bytes);
  }
  return out + "…";
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  const Utf8Locale utf8;
  width = std::max<std::size_t>(width, 2);  // a wide character fits
  std::vector<std::string> lines;
  while (true) {
    std::size_t columns = 0;
    std::size_t end = 0;
    std::size_t blank = 0;
    while (end < text.size()) {
      const Character next = first_character(text.substr(end));
      if (columns + next.columns > width) break;
      if (text[end] == ' ') blank = end;
      columns += next.columns;
      end += next.bytes;
    }
    if (end == text.size()) break;
    if (text[end] == ' ') blank = end;
    if (blank > 0) end = blank;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(blank > 0 ? end + 1 : end);
  }
  lines.emplace_back(text);
  return lines;
}

bool is_utf8(std::string_view text) {
  const Utf8Locale utf8;
  while (!text.empty()) {
    const Character next = first_character(text);
    if (!next.valid) return false;
    text.remove_prefix(next.bytes);
  }
  return true;
}

}  // namespace podgit
