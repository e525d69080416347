#include "commands.hpp"

#include "command.hpp"
#include "completion.hpp"
#include "options.hpp"

#include <CLI/App.hpp>

namespace podgit {
namespace {

class Completion final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"completion",
                                  "SHELL",
                                  "print the completion script for a shell",
                                  "source <(podgit completion bash)           # in ~/.bashrc",
                                  "SHELL is bash. Commands, options, pods, versions and settings are completed from\n"
                                  "the store on this machine; nothing is asked over a network.",
                                  ""};
    return text;
  }
  void declare(CLI::App& app) override { declare_positional(app, shell_, "SHELL", "SHELL", "bash"); }
  Outcome run(Session& session) override {
    if (shell_ != "bash")
      throw_usage("there is no completion for the shell " + pod::quote(shell_), "podgit completion bash");
    if (!session.json()) session.out().write(bash_completion_script());
    return {.data = {{"shell", "bash"}, {"script", bash_completion_script()}}};
  }

 private:
  std::string shell_;
};

}  // namespace

std::unique_ptr<Command> make_completion() { return std::make_unique<Completion>(); }

}  // namespace podgit
