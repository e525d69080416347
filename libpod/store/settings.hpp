// The settings that a store's promises rest on.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pod::store {

using Setting = std::pair<std::string, std::string>;

/// Keys and values that Engine::init writes and nobody has a reason to change: a store made by an older podgit has
/// them.
const std::vector<Setting>& needed_settings();
/// Whether its section is one whose values the store's promises rest on, or that make git run or read something.
bool is_reserved_setting(std::string_view key);
/// Those of them that `entries` (keys in lower case) say otherwise or not at all, one line each.
std::vector<std::string> unusual_settings(const std::vector<Setting>& entries);

}  // namespace pod::store
