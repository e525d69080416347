// A configuration file in git's syntax: parsed by libgit2, written whole and durably.
//
// Only the file itself is read. One that includes others is refused: a store's settings are data, and data must not
// name files for us to open.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pod::git {

using ConfigEntries = std::vector<std::pair<std::string, std::string>>;

/// Error(invalid_argument) unless it reads "section.name" or "section.sub section.name" as git allows it.
void check_config_key(std::string_view key);
/// In the file's order, keys as git normalises them. Empty where there is no file.
ConfigEntries read_config(const std::filesystem::path& file);
/// The last one counts, as in git.
std::optional<std::string> find_config(const ConfigEntries& entries, std::string_view key);
using ConfigChanges = std::vector<std::pair<std::string, std::optional<std::string>>>;
/// All of them or none. nullopt removes every value of the key. The new text is parsed again before it takes the old
/// one's place.
void write_config(const std::filesystem::path& file, const ConfigChanges& changes);

}  // namespace pod::git
