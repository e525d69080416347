#include "options.hpp"

#include "errors.hpp"

#include <algorithm>

namespace podgit {
namespace {

/// CLI11 would put its own description of a check behind the type's name.
CLI::Validator unnamed(CLI::Validator validator) { return validator.description(""); }

}  // namespace

CLI::Validator positive_number() { return unnamed(CLI::PositiveNumber); }

void declare_global_options(CLI::App& app, GlobalOptions& options) {
  const auto last = CLI::MultiOptionPolicy::TakeLast;
  app.set_help_flag("-h", "options in short");
  app.set_help_all_flag("--help", "examples, explanation, options");
  app.get_help_ptr()->group(global_group);
  app.get_option("--help")->group(global_group);
  app.add_option("-C", options.directory, "work as if started in DIR")
      ->type_name("DIR")
      ->multi_option_policy(last)
      ->group(global_group);
  app.add_option("--store", options.store, "the store to use")
      ->type_name("DIR")
      ->multi_option_policy(last)
      ->group(global_group);
  app.add_flag("--json", options.json, "one JSON object on standard output")->group(global_group);
  app.add_flag("-q,--quiet", options.quiet, "only the answer: no progress, notes and hints")->group(global_group);
  app.add_flag("-v,--verbose", options.verbose, "say more of what is done")->group(global_group);
  app.add_option_function<std::string>(
         "--color",
         [&options](const std::string& when) {
           options.colour = when == "always"  ? ColourChoice::always
                            : when == "never" ? ColourChoice::never
                                              : ColourChoice::automatic;
         },
         "auto, always or never")
      ->check(unnamed(CLI::IsMember({"auto", "always", "never"})))
      ->type_name("WHEN")
      ->multi_option_policy(last)
      ->group(global_group);
  app.add_option("--progress", options.progress, "auto, never, or plain: a line every 10 s")
      ->check(unnamed(CLI::IsMember({"auto", "never", "plain"})))
      ->type_name("MODE")
      ->multi_option_policy(last)
      ->group(global_group);
  app.add_flag("--no-input", options.no_input, "never ask")->group(global_group);
  app.add_flag("-y,--yes", options.yes, "answer questions with yes")->group(global_group);
  app.add_option("--timeout", options.timeout, "how long an instance may be silent")
      ->type_name("SECONDS")
      ->check(positive_number())
      ->multi_option_policy(last)
      ->group(global_group);
  app.add_flag("--no-pager", options.no_pager, "no pager for log, show, diff and inspect")->group(global_group);
}

void ServiceOption::declare(CLI::App& app, const std::string& description, const std::string& names) {
  app.add_option("-s," + names + "--services", texts_, description)
      ->type_name("SERVICES")
      ->type_size(1)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

std::vector<std::string> ServiceOption::services() const {
  std::vector<std::string> out;
  for (const std::string& text : texts_) {
    std::size_t start = 0;
    while (start <= text.size()) {
      const std::size_t end = std::min(text.find(',', start), text.size());
      const std::string name = text.substr(start, end - start);
      const bool good = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
      });
      if (!good)
        throw_usage("--services has " + pod::quote(name) + ", which is no name of a service",
                    "separate names by commas: --services s3,sqs");
      out.push_back(name);
      start = end + 1;
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

void declare_positional(CLI::App& app, std::string& value, const std::string& name, const std::string& type,
                        const std::string& description) {
  app.add_option(name, value, description)->type_name(type)->required();
}

void declare_message(CLI::App& app, std::string& message) {
  app.add_option("-m,--message", message, "what the version is, for people")->type_name("MSG");
}

void declare_strategy(CLI::App& app, std::string& strategy) {
  app.add_option("--strategy", strategy, "how it joins what is there: account-region-merge (default) or overwrite")
      ->type_name("STRATEGY");
}

void declare_dry_run(CLI::App& app, bool& dry_run) {
  app.add_flag("-n,--dry-run", dry_run, "say what would be done, change nothing");
}

}  // namespace podgit
