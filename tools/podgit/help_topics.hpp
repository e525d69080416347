// `podgit help environment`, `exit-codes`, `refs`.
#pragma once

#include <optional>
#include <string_view>

namespace podgit {

std::optional<std::string_view> topic_text(std::string_view topic);

}  // namespace podgit
