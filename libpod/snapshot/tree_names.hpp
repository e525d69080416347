// Names in a git tree and paths in a snapshot.
//
// A component is written as it is but for: '%', '\', bytes below 0x20, 0x7f, bytes that are not UTF-8; the first
// character of a component that git or a file system could take for ".git", ".gitmodules" and the like (any case, HFS+
// ignorable code points, NTFS short names such as "git~1"); the first byte of a root component ".pod" in any case; the
// last byte of an end in ".chunks". Each of these bytes becomes %XX with upper-case digits, so every path has one name
// and every name one path.
#pragma once

#include <libpod/names.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace pod::snapshot {

std::string escape_component(std::string_view component, bool at_root);
/// nullopt where `name` is not what escape_component would have written.
std::optional<std::string> unescape_component(std::string_view name, bool at_root);

/// All components of a path, joined by '/'. The result is UTF-8 whatever the path holds.
std::string escape_path(const StatePath& path);
/// nullopt where a component is not what escape_component would have written, or the path is no StatePath.
std::optional<StatePath> unescape_path(std::string_view name);

}  // namespace pod::snapshot
