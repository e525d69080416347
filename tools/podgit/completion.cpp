#include "completion.hpp"

#include "command_line.hpp"
#include "help.hpp"
#include "options.hpp"

#include <CLI/App.hpp>

#include <unistd.h>
#include <algorithm>

namespace podgit {
namespace {

constexpr std::size_t most_versions = 100;

struct Candidates {
  std::string kind = "words";
  std::vector<std::string> words;
};

/// Pods, and versions once a pod and ":" are typed.
std::vector<std::string> references(const GlobalOptions& options, const std::string& current, bool with_versions) {
  std::vector<std::string> out;
  const StoreLocation place = locate_store(options.store);
  if (!pod::Store::is_store(place.path)) return out;
  const pod::Store store = pod::Store::open(place.path, {.read_only = true});
  const std::size_t colon = current.find(':');
  if (colon == std::string::npos) {
    for (const pod::PodName& name : store.names()) out.push_back(name.str());
  } else if (with_versions) {
    store.log(pod::PodRef::latest(pod::PodName::parse(current.substr(0, colon))), [&](const pod::Version& version) {
      out.push_back(version.str());
      return out.size() < most_versions;
    });
  }
  return out;
}

std::vector<std::string> remotes(const GlobalOptions& options) {
  std::vector<std::string> out;
  const StoreLocation place = locate_store(options.store);
  if (!pod::Store::is_store(place.path)) return out;
  const pod::Store store = pod::Store::open(place.path, {.read_only = true});
  for (const pod::RemoteInfo& remote : pod::remotes(store)) out.push_back(remote.name);
  return out;
}

Candidates of_type(const std::string& type, const std::string& current, const GlobalOptions& options) {
  if (type == "POD") return {"words", references(options, current, false)};
  if (type == "REMOTE") return {"words", remotes(options)};
  if (type == "POD[:N]") return {"words", references(options, current, true)};
  if (type == "POD[:N]|SOURCE" || type == "POD[:N]|FILE|URL") {
    std::vector<std::string> found = references(options, current, true);
    std::erase_if(found, [&](const std::string& word) { return !word.starts_with(current); });
    return found.empty() ? Candidates{"files", {}} : Candidates{"words", std::move(found)};
  }
  if (type == "FORMAT") return {"words", {"json", "table", "tree"}};
  if (type == "FILE" || type == "SOURCE") return {"files", {}};
  if (type == "DIR") return {"dirs", {}};
  if (type == "STRATEGY") return {"words", {"account-region-merge", "overwrite"}};
  if (type == "WHEN") return {"words", {"auto", "always", "never"}};
  if (type == "MODE") return {"words", {"auto", "never", "plain"}};
  if (type == "SHELL") return {"words", {"bash"}};
  Candidates out;
  if (type == "KEY")
    for (const SettingKey& key : setting_keys()) out.words.emplace_back(key.name);
  if (type == "TOPIC") {
    out.words = help_topics();
    for (const auto& command : all_commands()) {
      const std::string name(command->description().name);
      out.words.push_back(name.substr(0, name.find(' ')));
    }
  }
  return out;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> out;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) out.push_back("--" + name);
  return out;
}

Candidates candidates(const std::vector<std::string>& words) {
  if (words.empty()) return {};
  const std::vector<std::string> before(words.begin(), words.end() - 1);
  const std::string& current = words.back();
  const VerbPosition verb = find_verb(before);
  GlobalOptions options;
  CLI::App app;
  declare_global_options(app, options);
  const auto command = find_command(verb.name);
  if (command) command->declare(app);

  // what was typed so far, as far as it matters: the folder, the store, how many arguments
  const CLI::Option* waiting = nullptr;
  std::size_t arguments = 0;
  bool only_arguments = false;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const std::string& word = before[i];
    if (std::find(verb.words.begin(), verb.words.end(), i) != verb.words.end()) continue;
    if (waiting != nullptr) {
      if (waiting->check_name("-C") && chdir(word.c_str()) != 0) return {};
      if (waiting->check_name("--store")) options.store = word;
      waiting = nullptr;
    } else if (word == "--") {
      only_arguments = true;
    } else if (!only_arguments && word.size() > 1 && word.front() == '-') {
      const CLI::Option* option = app.get_option_no_throw(word);
      if (option != nullptr && option->get_items_expected_max() > 0) waiting = option;
      if (word.starts_with("--store=")) options.store = word.substr(8);
    } else {
      ++arguments;
    }
  }

  if (waiting != nullptr) return of_type(waiting->get_type_name(), current, options);
  if (const std::size_t equals = current.find('=');
      !only_arguments && current.starts_with("--") && equals != std::string::npos) {
    const CLI::Option* option = app.get_option_no_throw(current.substr(0, equals));
    if (option == nullptr) return {};
    Candidates out = of_type(option->get_type_name(), current.substr(equals + 1), options);
    for (std::string& word : out.words) word.insert(0, current, 0, equals + 1);
    return out;
  }
  if (!only_arguments && current.starts_with('-')) return {"words", option_names(app)};
  if (!command) {
    Candidates out;
    if (!verb.words.empty())
      out.words = members_of_group(verb.name);
    else
      for (const auto& each : all_commands()) {
        const std::string name(each->description().name);
        out.words.push_back(name.substr(0, name.find(' ')));
      }
    return out;
  }
  std::size_t position = 0;
  for (const CLI::Option* option : app.get_options())
    if (option->get_positional() && position++ == arguments) return of_type(option->get_type_name(), current, options);
  return {};
}

}  // namespace

int print_completions(const std::vector<std::string>& words) try {
  Candidates found = candidates(words);
  const std::string current = words.empty() ? "" : words.back();
  std::sort(found.words.begin(), found.words.end());
  found.words.erase(std::unique(found.words.begin(), found.words.end()), found.words.end());
  Output out;
  out.line(found.kind);
  for (const std::string& word : found.words)
    if (word.starts_with(current)) out.line(word);
  out.finish();
  return exit_status::done;
} catch (const std::exception&) {
  return exit_status::failure;
}

}  // namespace podgit
