#include "commands.hpp"

#include "command.hpp"
#include "options.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

constexpr std::string_view settings_text =
    "inject.strategy   how an inject joins what the instance holds\n"
    "instance.token    token of the instance; in your own file only\n"
    "instance.url      the instance to commit from and inject into\n"
    "user.email        author of versions: e-mail\n"
    "user.name         author of versions: name\n"
    "\n"
    "The environment counts before the store's file, that before your own\n"
    "($XDG_CONFIG_HOME/podgit/config, --global). A store's file may have come with a\n"
    "project: it can set no token, and no instance on another machine.";

/// What is shown of a value: never a secret.
std::string shown(const SettingKey& key, const std::string& value) { return key.secret ? "(set, not shown)" : value; }

class ConfigGet final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "config get", "[--global] KEY", "print a setting", "podgit config get user.name", settings_text, ""};
    return text;
  }
  void declare(CLI::App& app) override {
    declare_positional(app, key_, "KEY", "KEY", "the setting");
    app.add_flag("--global", global_, "from your own file only");
  }
  Outcome run(Session& session) override {
    const SettingKey& key = setting_key(key_);
    std::optional<Setting> found;
    if (!global_) {
      found = session.settings().find(key.name);
    } else if (const auto own = session.settings().user_file().find(key.name)) {
      found = Setting{*own, session.settings().user_file().path().native()};
    }
    if (!found)
      throw pod::Error(pod::ErrorCode::not_found, fmt::format("{} is not set", key.name))
          .hint(fmt::format("podgit config set --global {} VALUE", key.name));
    const std::string value = shown(key, found->value);
    if (!session.json()) session.out().line(pod::printable(value));
    return {.data = {{"key", key.name},
                     {"value", key.secret ? Json(nullptr) : json_text(value)},
                     {"origin", json_text(found->origin)}}};
  }

 private:
  std::string key_;
  bool global_ = false;
};

/// `value` absent: unset.
Outcome change_setting(Session& session, const SettingKey& key, const std::optional<std::string>& value, bool global,
                       bool dry_run) {
  std::string path;
  if (global) {
    ConfigFile file = ConfigFile::read(user_config_path());
    path = file.path().native();
    if (!value && !file.find(key.name))
      throw pod::Error(pod::ErrorCode::not_found, fmt::format("{} is not set in {}", key.name, pod::quote(path)));
    if (!dry_run) file.set(key.name, value);
  } else {
    if (value && !allowed_in_store(key, *value))
      throw pod::Error(pod::ErrorCode::refused, fmt::format("{} is not kept in a store's configuration", key.name))
          .because("a store may come from somebody else, so that podgit ignores this there")
          .hint(fmt::format("podgit config set --global {}", key.name));
    pod::Store& store = value ? session.store_to_fill(dry_run) : session.store_to_change();
    path = (store.path() / "config").native();
    if (!value && !store.config(key.name))
      throw pod::Error(pod::ErrorCode::not_found, fmt::format("{} is not set in {}", key.name, pod::quote(path)))
          .hint("podgit config list shows where each setting comes from");
    if (!dry_run) store.set_config(key.name, value ? std::optional<std::string_view>(*value) : std::nullopt);
  }
  session.note(fmt::format("{}{} in {}", dry_run ? "would change " : "", key.name, pod::printable(path)));
  return {.data = {{"key", key.name},
                   {"value", value && !key.secret ? json_text(*value) : Json(nullptr)},
                   {"file", json_text(path)},
                   {"dryRun", dry_run}}};
}

class ConfigSet final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"config set",
                                  "[--global] KEY [VALUE]",
                                  "change a setting",
                                  "podgit config set --global user.name \"Ada Lovelace\"\n"
                                  "podgit config set inject.strategy overwrite      # for this store\n"
                                  "podgit config set --global instance.token        # asks for it",
                                  settings_text,
                                  "the configuration is as it was"};
    return text;
  }
  void declare(CLI::App& app) override {
    declare_positional(app, key_, "KEY", "KEY", "the setting");
    app.add_option("VALUE", value_, "what it becomes; a token is read from standard input")->type_name("VALUE");
    app.add_flag("--global", global_, "in your own file");
    declare_dry_run(app, dry_run_);
  }
  Outcome run(Session& session) override {
    const SettingKey& key = setting_key(key_);
    std::string value;
    if (key.secret) {
      if (value_)
        throw_usage(fmt::format("{} is not taken from the command line, where other users can see it", key.name),
                    fmt::format("podgit config set --global {} < FILE", key.name));
      if (!global_)
        throw pod::Error(pod::ErrorCode::refused, fmt::format("{} is kept in your own file only", key.name))
            .hint(fmt::format("podgit config set --global {}", key.name));
      value = session.secret_line(key.name);
      if (value.empty())
        throw_usage("standard input had no value", fmt::format("podgit config set --global {} < FILE", key.name));
    } else {
      if (!value_) throw_usage("there is no VALUE", fmt::format("podgit config set {} VALUE", key.name));
      value = *value_;
      if (key.name == "inject.strategy") pod::parse_strategy(value);
      if (key.name == "instance.url" && !pod::Source::parse(value).is_instance())
        throw_usage(fmt::format("{} is not the URL of an instance", pod::quote(value)),
                    "an instance is named like http://localhost:4566");
    }
    return change_setting(session, key, value, global_, dry_run_);
  }

 private:
  std::string key_;
  std::optional<std::string> value_;
  bool global_ = false;
  bool dry_run_ = false;
};

class ConfigUnset final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"config unset",     "[--global] KEY",
                                  "forget a setting", "podgit config unset --global instance.url",
                                  settings_text,      "the configuration is as it was"};
    return text;
  }
  void declare(CLI::App& app) override {
    declare_positional(app, key_, "KEY", "KEY", "the setting");
    app.add_flag("--global", global_, "in your own file");
    declare_dry_run(app, dry_run_);
  }
  Outcome run(Session& session) override {
    return change_setting(session, setting_key(key_), std::nullopt, global_, dry_run_);
  }

 private:
  std::string key_;
  bool global_ = false;
  bool dry_run_ = false;
};

class ConfigList final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "config list",        "[--global]",  "list the settings that count, and where they come from",
        "podgit config list", settings_text, ""};
    return text;
  }
  void declare(CLI::App& app) override { app.add_flag("--global", global_, "of your own file only"); }
  Outcome run(Session& session) override {
    Json all = Json::array();
    Table table({{"KEY"}, {"VALUE"}, {"FROM"}});
    for (const SettingKey& key : setting_keys()) {
      std::optional<Setting> found;
      if (!global_)
        found = session.settings().find(key.name);
      else if (auto own = session.settings().user_file().find(key.name))
        found = Setting{*own, user_config_path().native()};
      if (!found) continue;
      table.add({std::string(key.name), shown(key, found->value), found->origin});
      all.push_back({{"key", key.name},
                     {"value", key.secret ? Json(nullptr) : json_text(found->value)},
                     {"origin", json_text(found->origin)}});
    }
    if (table.empty())
      session.note("nothing is set; podgit config set --help lists the settings");
    else if (!session.json())
      session.print(table);
    return {.data = {{"settings", std::move(all)}}};
  }

 private:
  bool global_ = false;
};

}  // namespace

std::unique_ptr<Command> make_config_get() { return std::make_unique<ConfigGet>(); }
std::unique_ptr<Command> make_config_set() { return std::make_unique<ConfigSet>(); }
std::unique_ptr<Command> make_config_unset() { return std::make_unique<ConfigUnset>(); }
std::unique_ptr<Command> make_config_list() { return std::make_unique<ConfigList>(); }

}  // namespace podgit
