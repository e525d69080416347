// Times as people write them.
#pragma once

#include <chrono>
#include <string_view>

namespace podgit {

/// "30s", "90m", "12h", "14d", "2w"; "0" alone is none. A usage error that names `option` for anything else.
std::chrono::seconds parse_duration(std::string_view text, std::string_view option);

}  // namespace podgit
