#include "git/reserved_names.hpp"

#include "base/ascii.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace pod::git {
namespace {

/// Code points that HFS+ leaves out when it compares names.
bool is_ignorable(char32_t point) {
  return (point >= 0x200c && point <= 0x200f) || (point >= 0x202a && point <= 0x202e) ||
         (point >= 0x206a && point <= 0x206f) || point == 0xfeff;
}

/// As the laxest of the file systems compares names: lower case, nothing ignorable, no stream ("name:stream"), no
/// blanks and dots at the end.
std::string folded(std::string_view component) {
  std::string out;
  while (!component.empty()) {
    const auto [point, length] = base::decode_utf8(component);
    if (!is_ignorable(point)) out += base::lower(component.substr(0, length));
    component.remove_prefix(length);
  }
  if (const auto colon = out.find(':'); colon != std::string::npos) out.resize(colon);
  while (!out.empty() && (out.back() == ' ' || out.back() == '.')) out.pop_back();
  return out;
}

/// Where the number of an NTFS short name begins; npos where it is none.
std::size_t short_name_end(std::string_view name) {
  constexpr std::size_t longest = 6;
  const auto tilde = name.find('~');
  const bool numbered =
      tilde != std::string_view::npos && tilde <= longest && tilde + 1 < name.size() && base::is_digit(name[tilde + 1]);
  return numbered ? tilde : std::string_view::npos;
}

/// "git~1", "gitmod~1", "gi7eba~1", "maba30~1", "g~123456".
bool looks_like_short_name(std::string_view name) {
  if (name.empty() || (name.front() != 'g' && name.front() != 'm')) return false;
  return short_name_end(name) != std::string_view::npos;
}

}  // namespace

bool means_something_to_git(std::string_view component) {
  constexpr std::array<std::string_view, 5> names{".git", ".gitmodules", ".gitattributes", ".gitignore", ".mailmap"};
  const std::string name = folded(component);
  return std::find(names.begin(), names.end(), name) != names.end() || looks_like_short_name(name);
}

bool is_forbidden_name(std::string_view component) {
  constexpr std::array<std::string_view, 3> names{".git", ".gitmodules", ".gitattributes"};
  // What stands before "~1" where NTFS shortens them; the longer the number, the less of it.
  constexpr std::array<std::string_view, 5> shortened{"git", "gitmod", "gi7eba", "gitatt", "gi7d29"};
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\'; };
  if (std::any_of(component.begin(), component.end(), control)) return true;
  const std::string name = folded(component);
  if (std::find(names.begin(), names.end(), name) != names.end()) return true;
  const std::size_t end = short_name_end(name);
  return end != std::string::npos && end > 0 &&
         std::any_of(shortened.begin(), shortened.end(),
                     [&](std::string_view whole) { return whole.starts_with(std::string_view(name).substr(0, end)); });
}

}  // namespace pod::git
