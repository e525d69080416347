#include "commands.hpp"

#include "command.hpp"
#include "options.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

class StateReset final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"state reset",
                                  "[--instance URL] [--services a,b]",
                                  "empty an instance, or some of its services",
                                  "podgit state reset --yes\n"
                                  "podgit state reset --services s3,sqs",
                                  "This cannot be undone: on a terminal the command asks, elsewhere it needs --yes.",
                                  "the instance is as it was"};
    return text;
  }

  void declare(CLI::App& app) override {
    app.add_option("--into,--instance", instance_, "the instance")->type_name("URL");
    services_.declare(app, "only these services");
    declare_dry_run(app, dry_run_);
  }

  Outcome run(Session& session) override {
    const auto services = services_.services();
    const pod::Source instance = session.instance(instance_);
    const std::string what = services.empty() ? "all services" : fmt::format("{}", fmt::join(services, ", "));
    if (dry_run_) {
      pod::instance_status(instance, session.context());
    } else {
      session.confirm(fmt::format("empty {} of {}?", what, instance.display()), Session::Reversible::no);
      pod::reset_state(instance, services, session.context());
    }
    if (!session.json() && (dry_run_ || !session.options().quiet))
      session.out().line(fmt::format("{}{}: {}", dry_run_ ? "would empty " : "emptied ", instance.display(), what));
    return {.data = {{"instance", json_text(instance.display())}, {"services", services}, {"dryRun", dry_run_}}};
  }

 private:
  std::string instance_;
  ServiceOption services_;
  bool dry_run_ = false;
};

}  // namespace

std::unique_ptr<Command> make_state_reset() { return std::make_unique<StateReset>(); }

}  // namespace podgit
