// The user's configuration file, in git's syntax. (A store's own file is read and written by libpod.)
//
// Sections, quoted subsections, comments, escapes and continued lines are read; includes are not. A change keeps the
// lines around it as they are.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace podgit {

class ConfigFile {
 public:
  /// A missing file is empty. Throws pod::Error(corrupt) with the line, pod::Error(io), pod::Error(denied).
  static ConfigFile read(const std::filesystem::path& path);

  const std::filesystem::path& path() const noexcept { return path_; }
  bool exists() const noexcept { return exists_; }
  /// It may hold secrets: a regular file (no link) of this user that nobody else can read.
  bool is_private() const noexcept { return private_; }
  /// "section.key" in lower case; the last one counts.
  std::optional<std::string> find(std::string_view key) const;
  const std::vector<std::pair<std::string, std::string>>& entries() const noexcept { return entries_; }

  /// Writes the file with `key` set, or removed. Mode 0600; whole or not at all.
  void set(std::string_view key, std::optional<std::string_view> value);

 private:
  struct Line {
    std::string text;  // with its continuations
    std::string section;
    std::string key;  // "section.key", empty where the line sets nothing
  };
  void parse(std::string_view text);
  void write(std::string_view text);

  std::filesystem::path path_;
  bool exists_ = false;
  bool private_ = false;
  std::vector<Line> lines_;
  std::vector<std::pair<std::string, std::string>> entries_;
};

}  // namespace podgit
