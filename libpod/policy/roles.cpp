#include "policy/roles.hpp"

#include "policy/policy.hpp"

#include <algorithm>
#include <array>

namespace pod {

std::string_view verdict_name(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::accept: return "accept";
    case Verdict::review: return "review";
    case Verdict::refuse: return "refuse";
  }
  return "refuse";
}

namespace policy {
namespace {

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return made;
}

struct Name {
  std::string stem;       // up to the first dot
  std::string extension;  // from the last dot on
};

Name parts_of(std::string_view file) {
  const std::string name = lower(file);
  const std::size_t last = name.rfind('.');
  return {name.substr(0, name.find('.')), last == std::string::npos ? std::string{} : name.substr(last)};
}

bool is_store(const Name& name) { return name.stem == "store" || name.stem == "backend"; }

bool has_pickle_extension(const Name& name) {
  static constexpr std::array<std::string_view, 4> extensions{".state", ".pkl", ".pickle", ".dill"};
  return std::find(extensions.begin(), extensions.end(), name.extension) != extensions.end();
}

}  // namespace

bool is_called_store(const StatePath& path) { return is_store(parts_of(path.components().back())); }

bool is_named_like_state(const StatePath& path) {
  return is_called_store(path) || has_pickle_extension(parts_of(path.components().back()));
}

Role role_of(const StatePath& path) {
  const std::vector<std::string_view> parts = path.components();
  if (parts.size() > 1 && lower(parts[0]) == "api_states") return Role::state;
  if (parts.size() > 1 && parts[0] == ".pod") return Role::other;
  const bool asset = parts.size() > 1 && (parts[0] == "assets" || (parts.size() > 2 && parts[1] == "assets") ||
                                          (parts.size() > 3 && parts[2] == "assets"));
  if (asset) return Role::asset;
  return is_named_like_state(path) ? Role::state : Role::other;
}

}  // namespace policy
}  // namespace pod
