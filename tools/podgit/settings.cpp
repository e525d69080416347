#include "settings.hpp"

#include "environment.hpp"
#include "errors.hpp"
#include "suggestion.hpp"

#include <libpod/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace podgit {
namespace {

constexpr std::array keys{
    SettingKey{"inject.strategy", "PODGIT_STRATEGY", false, "how an inject joins what the instance holds"},
    SettingKey{"instance.token", "PODGIT_INSTANCE_TOKEN", true, "token of the instance; user's file only"},
    SettingKey{"instance.url", "PODGIT_INSTANCE", false, "the instance to commit from and inject into"},
    SettingKey{"user.email", "PODGIT_AUTHOR_EMAIL", false, "author of versions: e-mail"},
    SettingKey{"user.name", "PODGIT_AUTHOR_NAME", false, "author of versions: name"},
};

bool on_this_machine(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  std::string_view authority = url.substr(scheme + 3);
  authority = authority.substr(0, authority.find_first_of("/?#\\"));
  if (authority.find('@') != std::string_view::npos) return false;
  if (authority.starts_with('[')) return authority == "[::1]" || authority.starts_with("[::1]:");
  const std::string_view host = authority.substr(0, authority.find(':'));
  return host == "localhost" || host == "127.0.0.1";
}

}  // namespace

std::span<const SettingKey> setting_keys() { return keys; }

const SettingKey& setting_key(std::string_view name) {
  std::string lowered(name);
  for (char& c : lowered) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const SettingKey& key) { return key.name == lowered; });
  if (found != keys.end()) return *found;
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (const SettingKey& key : keys) names.emplace_back(key.name);
  const auto near = nearest(lowered, names);
  throw_usage(fmt::format("there is no setting {}", pod::quote(name)),
              near ? fmt::format("did you mean {}?", *near) : fmt::format("settings are {}", fmt::join(names, ", ")));
}

bool allowed_in_store(const SettingKey& key, std::string_view value) {
  if (key.secret) return false;
  return key.name != "instance.url" || on_this_machine(value);
}

std::filesystem::path user_config_path() { return config_home() / "podgit" / "config"; }

Settings::Settings(const std::vector<std::pair<std::string, std::string>>& store_values, std::string store_origin)
    : user_(ConfigFile::read(user_config_path())), store_origin_(std::move(store_origin)) {
  for (const auto& entry : store_values) {
    const auto key =
        std::find_if(keys.begin(), keys.end(), [&](const SettingKey& known) { return known.name == entry.first; });
    if (key == keys.end()) continue;  // git's own
    if (allowed_in_store(*key, entry.second))
      store_.push_back(entry);
    else
      ignored_.push_back(entry.first);
  }
}

std::optional<Setting> Settings::find(std::string_view name) const {
  const SettingKey& key = setting_key(name);
  if (const auto set = environment(key.variable)) return Setting{*set, fmt::format("${}", key.variable)};
  for (auto entry = store_.rbegin(); entry != store_.rend(); ++entry)
    if (entry->first == key.name) return Setting{entry->second, store_origin_};
  const auto own = user_.find(key.name);
  if (!own) return std::nullopt;
  if (key.secret && !user_.is_private())
    throw pod::Error(pod::ErrorCode::denied,
                     fmt::format("{} holds {} and others can read it", pod::quote(user_.path().native()), key.name))
        .hint(fmt::format("chmod 600 {}", user_.path().native()));
  return Setting{*own, user_.path().native()};
}

std::optional<std::string> Settings::value(std::string_view key) const {
  auto found = find(key);
  if (!found) return std::nullopt;
  return std::move(found->value);
}

}  // namespace podgit
