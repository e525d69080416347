// What the user has set: environment before the store's configuration before the user's own file.
//
// A store may come from somebody else (a cloned project, an unpacked archive), so that its file can set only what does
// no harm: no token, no instance on another machine; the rest of what podgit knows is ignored there, with a warning.
#pragma once

#include "config_file.hpp"

#include <libpod/store.hpp>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace podgit {

struct SettingKey {
  std::string_view name;
  const char* variable;  // environment
  bool secret;
  std::string_view description;
};
std::span<const SettingKey> setting_keys();
/// Throws a usage failure that names the nearest key.
const SettingKey& setting_key(std::string_view name);
/// A store's own file may set this. For `instance.url` only where it is on this machine.
bool allowed_in_store(const SettingKey& key, std::string_view value);

std::filesystem::path user_config_path();

struct Setting {
  std::string value;
  std::string origin;  // "$PODGIT_STRATEGY", or the file
};

class Settings {
 public:
  /// The user's file is read here. `store_values`: what the store's own file says.
  Settings(const std::vector<std::pair<std::string, std::string>>& store_values, std::string store_origin);

  /// Throws pod::Error(denied) where a secret stands in a file that others can read.
  std::optional<Setting> find(std::string_view key) const;
  std::optional<std::string> value(std::string_view key) const;
  const ConfigFile& user_file() const noexcept { return user_; }
  /// Keys of the store's file that were ignored.
  const std::vector<std::string>& ignored() const noexcept { return ignored_; }

 private:
  ConfigFile user_;
  std::vector<std::pair<std::string, std::string>> store_;
  std::string store_origin_;
  std::vector<std::string> ignored_;
};

}  // namespace podgit
