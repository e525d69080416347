// Texts of help: the overview, a command's page from its description and options, the topics. All fit 80 columns.
#pragma once

#include "command.hpp"

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace podgit {

/// All commands; `whole` with examples and global options.
std::string overview_text(bool whole);
/// `whole`: examples first, then the explanation and all options; else usage and options.
std::string command_help(const Command& command, const CLI::App& app, bool whole);
/// A command, a group of commands or a topic. Throws a usage failure with the nearest.
std::string help_text(const std::string& topic);

const std::vector<std::string>& help_topics();

}  // namespace podgit
