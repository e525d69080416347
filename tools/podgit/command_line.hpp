// From arguments to an exit code: finds the verb, parses, runs it, and says how it ended.
#pragma once

#include "command.hpp"

#include <string>
#include <vector>

namespace podgit {

int run_command_line(int argc, char** argv);

/// Where the words of a command's name stand among the arguments.
struct VerbPosition {
  std::vector<std::size_t> words;  // indexes; empty where there is none
  std::string name;                // "state export"
};
/// Looks past the global options. A group ("state", "config") takes the next word too.
VerbPosition find_verb(const std::vector<std::string>& arguments);

/// By its whole name; nullptr where there is none.
std::unique_ptr<Command> find_command(std::string_view name);
/// What may stand after a group's name; empty where it is no group.
std::vector<std::string> members_of_group(std::string_view name);

}  // namespace podgit
