// Which resources are looked at: by service, by type, by a text in what people know them by.
#pragma once

#include "content.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace podgit::inspect {

/// Whether `text` holds `wanted`, which is lower case, without regard to the case of ASCII letters.
bool holds(std::string_view text, std::string_view wanted);
std::string lower(std::string_view text);
/// Name, type, place or ARN.
bool matches(const Item& item, std::string_view wanted);

struct Selection {
  std::vector<std::string> services;  // empty: all
  std::vector<std::string> types;     // empty: all; with types collections without a rule are left out
  std::string text;

  bool everything() const { return services.empty() && types.empty() && text.empty(); }
  /// Drops the rest; a file stays where something of it does.
  pod::Inventory of(pod::Inventory inventory) const;
};

}  // namespace podgit::inspect
