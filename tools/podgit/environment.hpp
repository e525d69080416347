// The process's surroundings: variables, the user, standard streams. libpod reads none of them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace podgit {

/// A variable that is set and not empty.
std::optional<std::string> environment(const char* name);

/// Home folder of the user: $HOME, else the password database. Throws pod::Error(not_found).
std::filesystem::path home_folder();
/// $XDG_DATA_HOME or ~/.local/share; a relative value does not count, as the specification says.
std::filesystem::path data_home();
/// $XDG_CONFIG_HOME or ~/.config.
std::filesystem::path config_home();

struct Login {
  std::string name;       // login name
  std::string full_name;  // may be empty
  std::string host;
};
Login login();

/// Descriptors 0, 1 and 2 exist afterwards, so that no file that is opened later becomes standard output. A closed
/// output is replaced with one that cannot be written, so that writing to it is noticed.
void repair_standard_streams() noexcept;

}  // namespace podgit
