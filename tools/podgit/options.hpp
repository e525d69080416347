// Options that several commands share.
#pragma once

#include "session.hpp"

#include <CLI/App.hpp>

#include <string>
#include <vector>

namespace podgit {

/// What every command takes, before its name or after.
void declare_global_options(CLI::App& app, GlobalOptions& options);
inline constexpr const char* global_group = "Global options";

CLI::Validator positive_number();

/// `--services a,b`, may be repeated.
class ServiceOption {
 public:
  /// `names`: further ones, each with a comma behind.
  void declare(CLI::App& app, const std::string& description, const std::string& names = "");
  /// Sorted, each once; empty for all.
  std::vector<std::string> services() const;

 private:
  std::vector<std::string> texts_;
};

/// A positional that must be there.
void declare_positional(CLI::App& app, std::string& value, const std::string& name, const std::string& type,
                        const std::string& description);
/// `-m`, `--message`.
void declare_message(CLI::App& app, std::string& message);
void declare_strategy(CLI::App& app, std::string& strategy);
void declare_dry_run(CLI::App& app, bool& dry_run);

}  // namespace podgit
