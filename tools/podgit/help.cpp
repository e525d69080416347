#include "help.hpp"

#include "command_line.hpp"
#include "help_topics.hpp"
#include "options.hpp"
#include "suggestion.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <algorithm>

namespace podgit {
namespace {

constexpr std::size_t page_width = 80;
constexpr std::size_t text_column = 27;

/// "  -m, --message MSG" and the description beside it, wrapped.
std::string entry(const std::string& left, std::string_view right) {
  std::string out = "  " + left;
  if (out.size() + 2 > text_column)
    out += "\n" + std::string(text_column, ' ');
  else
    out += std::string(text_column - out.size(), ' ');
  std::size_t column = text_column;
  while (!right.empty()) {
    const std::size_t end = std::min(right.find(' '), right.size());
    if (column + end >= page_width && column > text_column) {
      while (out.ends_with(' ')) out.pop_back();
      out += "\n" + std::string(text_column, ' ');
      column = text_column;
    }
    out += right.substr(0, end);
    column += end;
    right.remove_prefix(end);
    if (!right.empty()) {
      out += ' ';
      ++column;
      right.remove_prefix(1);
    }
  }
  return out + "\n";
}

std::string indented(std::string_view text, std::string_view indent) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) out += indent;
    out += text.substr(0, end);
    out += '\n';
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return out;
}

/// Paragraphs filled to the page; one with columns in it (two blanks) stays as it is.
std::string flowed(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\n\n"), text.size());
    const std::string_view paragraph = text.substr(0, end);
    if (!out.empty()) out += "\n";
    if (paragraph.find("  ") != std::string_view::npos) {
      out += paragraph;
    } else {
      std::size_t column = 0;
      for (std::size_t start = 0; start < paragraph.size();) {
        const std::size_t stop = std::min(paragraph.find_first_of(" \n", start), paragraph.size());
        if (column > 0 && column + 1 + (stop - start) >= page_width) {
          out += '\n';
          column = 0;
        } else if (column > 0) {
          out += ' ';
          ++column;
        }
        out += paragraph.substr(start, stop - start);
        column += stop - start;
        start = stop + 1;
      }
    }
    out += '\n';
    text.remove_prefix(std::min(text.size(), end + 2));
  }
  return out;
}

std::string names_of(const CLI::Option& option) {
  std::string out;
  for (const std::string& name : option.get_snames()) out += (out.empty() ? "-" : ", -") + name;
  if (out.empty()) out = "    ";
  for (const std::string& name : option.get_lnames()) out += (out.ends_with(' ') ? "--" : ", --") + name;
  if (option.get_items_expected_max() > 0) out += " " + option.get_type_name();
  return out;
}

std::string option_list(const CLI::App& app, bool global) {
  std::string out;
  for (const CLI::Option* option : app.get_options())
    if (!option->get_positional() && (option->get_group() == global_group) == global)
      out += entry(names_of(*option), option->get_description());
  return out;
}

std::string usage_line(const Description& text) {
  return fmt::format("Usage: podgit {}{}{}\n", text.name, text.synopsis.empty() ? "" : " ", text.synopsis);
}

struct Section {
  std::string_view title;
  std::vector<std::string_view> names;
};

std::string command_list() {
  const std::vector<Section> sections{
      {"Keep and bring back", {"commit", "inject", "checkout", "undo"}},
      {"Look", {"list", "versions", "log", "show", "inspect", "diff", "verify"}},
      {"Pods and archives", {"copy", "delete", "export", "import"}},
      {"Share with a team",
       {"save", "load", "push", "fetch", "pull", "clone", "remote add", "remote list", "remote show", "remote remove"}},
      {"An instance, without a store", {"state export", "state import", "state reset"}},
      {"Housekeeping",
       {"init", "config get", "config set", "config unset", "config list", "du", "gc", "fsck", "doctor", "completion",
        "help", "version"}},
  };
  std::string out;
  for (const Section& section : sections) {
    out += fmt::format("\n{}:\n", section.title);
    for (const std::string_view name : section.names)
      out += entry(std::string(name), find_command(name)->description().summary);
  }
  return out;
}

}  // namespace

std::string overview_text(bool whole) {
  std::string out = "podgit - versions of a cloud emulator's state\n\nUsage: podgit [options] COMMAND [arguments]\n";
  if (whole)
    out +=
        "\nExamples:\n"
        "  podgit commit shop -m \"after checkout\"   # from http://localhost:4566\n"
        "  podgit versions shop\n"
        "  podgit inject shop:1                     # back into the running emulator\n"
        "  podgit undo\n";
  out += command_list();
  if (!whole) return out + "\nhelp: podgit help COMMAND, podgit --help\n";
  CLI::App app;
  GlobalOptions ignored;
  declare_global_options(app, ignored);
  out += fmt::format("\n{}, before or after the command:\n{}", global_group, option_list(app, true));
  return out + "\nTopics: podgit help environment, exit-codes, refs\n";
}

std::string command_help(const Command& command, const CLI::App& app, bool whole) {
  const Description& text = command.description();
  const std::string own = option_list(app, false);
  if (!whole) {
    return usage_line(text) + (own.empty() ? "" : "\nOptions:\n" + own) +
           fmt::format("\nexamples, global options: podgit {} --help\n", text.name);
  }
  std::string out = fmt::format("podgit {} - {}\n\nExamples:\n{}\n{}", text.name, text.summary,
                                indented(text.examples, "  "), usage_line(text));
  if (!text.details.empty()) out += "\n" + flowed(text.details);
  if (!own.empty()) out += "\nOptions:\n" + own;
  return out + fmt::format("\n{}:\n{}", global_group, option_list(app, true));
}

std::string help_text(const std::string& topic) {
  if (const auto command = find_command(topic)) {
    CLI::App app;
    GlobalOptions ignored;
    declare_global_options(app, ignored);
    command->declare(app);
    return command_help(*command, app, true);
  }
  if (const auto members = members_of_group(topic); !members.empty()) {
    std::string out = fmt::format("Usage: podgit {} {}\n\n", topic, fmt::join(members, "|"));
    for (const std::string& member : members) {
      const std::string name = fmt::format("{} {}", topic, member);
      out += entry(name, find_command(name)->description().summary);
    }
    return out + fmt::format("\nhelp: podgit help {} {}\n", topic, members.front());
  }
  if (const auto text = topic_text(topic)) return std::string(*text);
  std::vector<std::string> names = help_topics();
  for (const auto& command : all_commands()) names.emplace_back(command->description().name);
  const auto near = nearest(topic, names);
  throw_usage(fmt::format("there is no help on {}", pod::quote(topic)),
              near ? fmt::format("did you mean podgit help {}?", *near)
                   : fmt::format("topics are {}", fmt::join(help_topics(), ", ")));
}

const std::vector<std::string>& help_topics() {
  static const std::vector<std::string> topics{"environment", "exit-codes", "refs"};
  return topics;
}

}  // namespace podgit
