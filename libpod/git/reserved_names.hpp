// Names that git, or a file system that takes them for others, gives a meaning to.
#pragma once

#include <string_view>

namespace pod::git {

/// ".git", ".gitmodules", ".gitattributes", ".gitignore", ".mailmap" as the laxest of the file systems compares names:
/// any case, code points that HFS+ leaves out, blanks, dots and streams at the end, NTFS short names such as "git~1".
/// Wider than what git tests: for those who only write a harmless name in another way.
bool means_something_to_git(std::string_view component);

/// Those of them that stock git's strict check finds fault with, or with what they hold: ".git", ".gitmodules",
/// ".gitattributes"; and names with "\\" or control bytes, which are paths or worse elsewhere. No tree from elsewhere
/// may hold one.
bool is_forbidden_name(std::string_view component);

}  // namespace pod::git
