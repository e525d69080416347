#include "metamodel/metamodel.hpp"

#include <libpod/error.hpp>

#include "base/ascii.hpp"

#include <algorithm>

namespace pod::metamodel {
namespace {

bool is_account(std::string_view text) { return text.size() == 12 && base::is_digits(text); }

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && base::is_alnum(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return base::is_alnum(c) || c == '-'; });
}

bool ends_with(std::string_view text, std::string_view end) { return text.size() > end.size() && text.ends_with(end); }

/// "backend" of `backend.state`; empty for other files.
std::string_view stem_of_state(std::string_view name) {
  return ends_with(name, ".state") ? name.substr(0, name.size() - std::string_view(".state").size())
                                   : std::string_view{};
}

/// `api_states/<account>/<service>/<region>/<name>.state`
bool is_pod_layout(const std::vector<std::string_view>& parts) {
  return parts.size() == 5 && parts[0] == "api_states" && is_account(parts[1]) && is_name(parts[2]) &&
         is_name(parts[3]) && !stem_of_state(parts[4]).empty();
}

/// DynamoDB Local's `<account or access key>_<region>.db`
Place place_of_database(std::string_view name, std::string_view service) {
  Place place{.account = {}, .region = {}, .service = std::string(service)};
  const std::string_view stem = name.substr(0, name.size() - 3);
  const std::size_t bar = stem.find('_');
  if (bar == std::string_view::npos || !is_name(stem.substr(bar + 1))) return place;
  place.region = stem.substr(bar + 1);
  if (is_account(stem.substr(0, bar))) place.account = stem.substr(0, bar);
  return place;
}

}  // namespace

Place place_of(const StatePath& path) {
  const std::vector<std::string_view> parts = path.components();
  if (is_pod_layout(parts)) return {std::string(parts[1]), std::string(parts[3]), std::string(parts[2])};
  if (parts.size() > 2 && parts[0] == "api_states" && is_account(parts[1]) && is_name(parts[2]))
    return {std::string(parts[1]), {}, std::string(parts[2])};
  if (parts.size() > 2 && parts[0] == "assets" && is_name(parts[1]))
    return ends_with(parts.back(), ".db") ? place_of_database(parts.back(), parts[1])
                                          : Place{{}, {}, std::string(parts[1])};
  if (parts.size() > 2 && parts[1] == "assets" && is_name(parts[0]))
    return ends_with(parts.back(), ".db") ? place_of_database(parts.back(), parts[0])
                                          : Place{{}, {}, std::string(parts[0])};
  if (parts.size() == 2 && is_name(parts[0]) && (parts[1].starts_with("store.") || parts[1].starts_with("backend.")))
    return {{}, {}, std::string(parts[0])};
  return {};
}

std::optional<StatePath> model_path(const StatePath& state_file) {
  const std::vector<std::string_view> parts = state_file.components();
  std::string path = ".pod/metamodel/";
  if (is_pod_layout(parts)) {
    path.append(parts[1]).append("/").append(parts[2]).append("/").append(parts[3]);
    if (const std::string_view stem = stem_of_state(parts[4]); stem != "backend") path.append(".").append(stem);
  } else {
    path += "files/" + state_file.str();
  }
  path += ".json";
  try {
    return StatePath::parse(path);
  } catch (const Error&) {
    return std::nullopt;  // longer than a path may be
  }
}

}  // namespace pod::metamodel
