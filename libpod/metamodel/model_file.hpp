// What the two sides of a model's file agree on. For this room alone.
#pragma once

#include "metamodel/metamodel.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace pod::metamodel {

inline constexpr int model_format = 1;

inline constexpr std::array<std::pair<Verdict, std::string_view>, 3> verdict_names{
    {{Verdict::accept, "accept"}, {Verdict::review, "review"}, {Verdict::refuse, "refuse"}}};
std::string_view name_of(Verdict verdict);

/// A reason as one line, cut at 1 KiB where it was no clean line before. Twice is once.
std::string clean_reason(std::string_view reason);

}  // namespace pod::metamodel
