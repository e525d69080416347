// What Python 2 called modules and names that Python 3 calls otherwise.
#pragma once

#include <compare>
#include <string_view>

namespace pod::document {

struct PythonName {
  std::string_view module;
  std::string_view name;
  friend constexpr auto operator<=>(const PythonName&, const PythonName&) = default;
};

/// The name that an unpickler looks up for a global of protocol 2 and below.
PythonName python3_name(PythonName name) noexcept;

}  // namespace pod::document
