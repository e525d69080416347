#include "command_line.hpp"

#include "commands/commands.hpp"
#include "completion.hpp"
#include "environment.hpp"
#include "help.hpp"
#include "options.hpp"
#include "suggestion.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <unistd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace podgit {
namespace {

pod::CancelToken interrupted;

extern "C" void stop_on_signal(int) { interrupted.cancel(); }

/// The first signal stops in order, the second kills. One that the caller ignores (nohup) stays ignored.
void install_signal_handlers() {
  std::signal(SIGPIPE, SIG_IGN);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = stop_on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, nullptr);
  }
}

/// Words that users of git, LocalStack and shells try first.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> known_elsewhere{{
    {"snapshot", "commit"},
    {"restore", "inject"},
    {"ls", "list"},
    {"rm", "delete"},
    {"remove", "delete"},
    {"cp", "copy"},
    {"branch", "list"},
    {"history", "log"},
}};

[[noreturn]] void throw_unknown_command(const std::string& typed) {
  std::string action = "podgit help lists the commands";
  const auto other =
      std::find_if(known_elsewhere.begin(), known_elsewhere.end(), [&](const auto& row) { return row.first == typed; });
  if (other != known_elsewhere.end()) {
    action = fmt::format("here that is podgit {}", other->second);
  } else {
    std::vector<std::string> names;
    for (const auto& command : all_commands()) names.emplace_back(command->description().name);
    if (const auto near = nearest(typed, names)) action = fmt::format("did you mean podgit {}?", *near);
  }
  throw_usage(fmt::format("there is no command {}", pod::quote(typed)), action);
}

[[noreturn]] void throw_no_member(const VerbPosition& verb, const std::vector<std::string>& members) {
  const std::size_t space = verb.name.find(' ');
  const std::string group = verb.name.substr(0, space);
  if (space == std::string::npos)
    throw_usage(fmt::format("podgit {} needs one of {}", group, fmt::join(members, ", ")),
                fmt::format("podgit help {}", group));
  const std::string typed = verb.name.substr(space + 1);
  const auto near = nearest(typed, members);
  throw_usage(fmt::format("there is no command {}", pod::quote(verb.name)),
              near ? fmt::format("did you mean podgit {} {}?", group, *near)
                   : fmt::format("there are {}", fmt::join(members, ", ")));
}

/// Secrets do not belong where other users and the shell's history see them.
bool names_a_secret(std::string_view option) {
  return option.starts_with("--token") || option.starts_with("--password") || option.starts_with("--secret");
}

[[noreturn]] void throw_unexpected(const CLI::App& app, const std::string& usage, std::string extra) {
  if (extra.size() < 2 || extra.front() != '-')
    throw_usage(fmt::format("{} is one argument too many", pod::quote(extra)), usage);
  extra = extra.substr(0, extra.find('='));
  if (names_a_secret(extra))
    throw_usage(fmt::format("there is no option {}: secrets are not taken from the command line", pod::quote(extra)),
                "set PODGIT_INSTANCE_TOKEN, or podgit config set --global instance.token");
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  const auto near = nearest(extra, names);
  throw_usage(fmt::format("there is no option {}", pod::quote(extra)),
              near ? fmt::format("did you mean {}?", *near) : usage);
}

[[noreturn]] void throw_parse_failure(const CLI::App& app, const std::string& name, const CLI::ParseError& error) {
  const std::string usage = fmt::format("podgit help {}", name);
  const std::string text = error.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const auto extras = app.remaining();
    throw_unexpected(app, usage, extras.empty() ? "" : extras.front());
  }
  const std::string option = text.substr(0, text.find(':'));
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
    throw_usage(fmt::format("there is no {}", text.substr(0, text.find(' '))), usage);
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr && text.find("missing") != std::string::npos)
    throw_usage(fmt::format("the option {} needs a value", option), usage);
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr && text.find("At Most") != std::string::npos)
    throw_usage(fmt::format("the option {} is given more than once", option), usage);
  const CLI::Option* wrong = app.get_option_no_throw(option);
  if (wrong == nullptr)
    for (const CLI::Option* candidate : app.get_options())
      if (candidate->get_name() == option) wrong = candidate;
  if (wrong != nullptr && !wrong->results().empty())
    throw_usage(fmt::format("the option {} does not take {}", option, pod::quote(wrong->results().back())),
                fmt::format("{}: {}", option, wrong->get_description()));
  throw_usage(pod::printable(text), usage);
}

/// A flag that stands before any "--".
bool has_flag(const std::vector<std::string>& arguments, std::string_view flag) {
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::find(arguments.begin(), end, flag) != end;
}

struct Parsed {
  std::unique_ptr<Command> command;
  std::string text;  // help that was asked for, instead of a run
};

Parsed parse(std::vector<std::string> arguments, GlobalOptions& options, std::string& name) {
  const VerbPosition verb = find_verb(arguments);
  name = verb.name;
  CLI::App app;
  declare_global_options(app, options);
  bool version = false;
  if (verb.words.empty()) app.add_flag("--version", version);
  Parsed out;
  if (!verb.words.empty()) {
    out.command = find_command(verb.name);
    const auto members = members_of_group(arguments[verb.words.front()]);
    if (!out.command && !members.empty()) {
      if (verb.words.size() == 1 && (has_flag(arguments, "--help") || has_flag(arguments, "-h"))) {
        out.text = help_text(verb.name);
        return out;
      }
      throw_no_member(verb, members);
    }
    if (!out.command) throw_unknown_command(verb.name);
    out.command->declare(app);
    for (auto index = verb.words.rbegin(); index != verb.words.rend(); ++index)
      arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(*index));
  }
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    out.text = out.command ? command_help(*out.command, app, false) : overview_text(false);
  } catch (const CLI::CallForAllHelp&) {
    out.text = out.command ? command_help(*out.command, app, true) : overview_text(true);
  } catch (const CLI::ParseError& error) {
    throw_parse_failure(app, name, error);
  }
  if (!out.text.empty()) return out;
  if (version) out.command = make_version();
  if (!out.command) throw_usage("there is no command", "podgit --help");
  return out;
}

void change_folder(const std::string& folder) {
  if (folder.empty() || chdir(folder.c_str()) == 0) return;
  throw pod::Error(errno == ENOENT ? pod::ErrorCode::not_found : pod::ErrorCode::io,
                   fmt::format("the folder {} cannot be entered", pod::quote(folder)))
      .because(std::strerror(errno));
}

int run(const std::vector<std::string>& arguments) {
  GlobalOptions options;
  options.json = has_flag(arguments, "--json");
  const bool json = options.json;
  std::string name;
  std::string text;
  Outcome outcome;
  std::optional<Failure> failure;
  std::optional<Session> session;
  std::string_view unchanged;
  try {
    const Parsed parsed = parse(arguments, options, name);
    if (parsed.command) name = std::string(parsed.command->description().name);
    change_folder(options.directory);
    session.emplace(options, interrupted);
    text = parsed.text;
    if (text.empty()) {
      unchanged = parsed.command->description().unchanged;
      outcome = parsed.command->run(*session);
    }
  } catch (...) {
    failure = current_failure();
    const bool certain =
        failure->exit != exit_status::usage && failure->code != "OUTCOME_UNKNOWN" && failure->code != "INTERNAL";
    if (failure->kept.empty() && certain) failure->kept = unchanged;
  }
  options.json = json;  // a parse that failed may have stopped before it
  if (!session) session.emplace(options, interrupted);
  session->settle();
  int exit = failure ? failure->exit : outcome.exit;
  bool unread = false;
  try {
    Output& out = session->out();
    if (!text.empty())
      out.write(text);
    else if (json)
      out.write(envelope(name, failure ? Json(nullptr) : outcome.data, session->warnings(), outcome.partial, failure));
    out.finish();
    unread = out.closed();
    if (failure && !json) session->fail(*failure);
  } catch (...) {
    // the answer was lost: that is what is said, unless something worse came before
    if (!failure) failure = current_failure();
    if (exit == exit_status::done) exit = exit_status::failure;
    session->fail(*failure);
  }
  session.reset();
  if (unread && !failure) end_by_broken_pipe();
  return exit;
}

}  // namespace

const std::vector<std::unique_ptr<Command> (*)()>& command_makers() {
  static const std::vector<std::unique_ptr<Command> (*)()> makers{
      make_commit,     make_inject,       make_checkout,      make_list,         make_versions,     make_log,
      make_show,       make_diff,         make_inspect,       make_verify,       make_copy,         make_delete,
      make_undo,       make_export,       make_import,        make_state_export, make_state_import, make_state_reset,
      make_save,       make_load,         make_push,          make_fetch,        make_pull,         make_clone,
      make_remote_add, make_remote_list,  make_remote_remove, make_remote_show,  make_init,         make_config_get,
      make_config_set, make_config_unset, make_config_list,   make_du,           make_gc,           make_fsck,
      make_doctor,     make_completion,   make_help,          make_version};
  return makers;
}

std::vector<std::unique_ptr<Command>> all_commands() {
  std::vector<std::unique_ptr<Command>> out;
  for (const auto make : command_makers()) out.push_back(make());
  return out;
}

std::unique_ptr<Command> find_command(std::string_view name) {
  for (const auto make : command_makers())
    if (auto command = make(); command->description().name == name) return command;
  return nullptr;
}

std::vector<std::string> members_of_group(std::string_view name) {
  std::vector<std::string> out;
  for (const auto& command : all_commands()) {
    const std::string_view full = command->description().name;
    if (full.size() > name.size() && full.starts_with(name) && full[name.size()] == ' ')
      out.emplace_back(full.substr(name.size() + 1));
  }
  return out;
}

VerbPosition find_verb(const std::vector<std::string>& arguments) {
  VerbPosition out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") break;
    if (argument.size() > 1 && argument.front() == '-') {
      constexpr std::array with_value{"-C", "--store", "--color", "--progress", "--timeout"};
      if (std::find(with_value.begin(), with_value.end(), argument) != with_value.end()) ++i;
      continue;
    }
    out.words.push_back(i);
    out.name += (out.name.empty() ? "" : " ") + argument;
    if (out.words.size() == 2 || members_of_group(argument).empty()) break;
  }
  return out;
}

int run_command_line(int argc, char** argv) {
  repair_standard_streams();
  install_signal_handlers();
  try {
    const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
    if (!arguments.empty() && arguments.front() == "__complete")
      return print_completions({arguments.begin() + 1, arguments.end()});
    return run(arguments);
  } catch (...) {
    const std::string text = failure_text(current_failure(), false);
    const auto ignored = write(STDERR_FILENO, text.data(), text.size());
    static_cast<void>(ignored);
    return exit_status::failure;
  }
}

}  // namespace podgit
