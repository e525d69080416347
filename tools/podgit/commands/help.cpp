#include "commands.hpp"

#include "command.hpp"
#include "help.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

class Help final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"help",
                                  "[COMMAND or TOPIC]",
                                  "explain a command or a topic",
                                  "podgit help commit\n"
                                  "podgit help exit-codes",
                                  "Topics: environment, exit-codes, refs.",
                                  ""};
    return text;
  }
  void declare(CLI::App& app) override {
    app.add_option("TOPIC", words_, "a command, or environment, exit-codes, refs")->type_name("TOPIC")->expected(0, -1);
  }
  Outcome run(Session& session) override {
    const std::string topic = fmt::format("{}", fmt::join(words_, " "));
    const std::string text = topic.empty() ? overview_text(true) : help_text(topic);
    if (!session.json()) session.out().write(text);
    return {.data = {{"topic", json_text(topic)}, {"text", text}}};
  }

 private:
  std::vector<std::string> words_;
};

}  // namespace

std::unique_ptr<Command> make_help() { return std::make_unique<Help>(); }

}  // namespace podgit
