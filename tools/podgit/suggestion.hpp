// "Did you mean …?"
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace podgit {

/// The candidate that a typing error (letters swapped, missing, too many, wrong) makes of; nullopt where none is near.
std::optional<std::string> nearest(std::string_view typed, const std::vector<std::string>& candidates);

}  // namespace podgit
