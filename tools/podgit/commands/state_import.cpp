#include "commands.hpp"

#include "command.hpp"
#include "measures.hpp"
#include "options.hpp"
#include "service_outcomes.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

class StateImport final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "state import",
        "[--into URL] [--strategy STRATEGY] FILE",
        "put an archive into an instance, without a store",
        "podgit state import ls-state-export\n"
        "podgit state import backup.zip --strategy overwrite --yes",
        "Nothing of what the instance held is kept: podgit commit before it, or podgit import\n"
        "and podgit inject, can be undone. Overwrite therefore needs --yes where nobody can\n"
        "be asked.",
        "the instance is as it was"};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, file_, "FILE", "FILE", "the archive");
    app.add_option("--into,--instance", instance_, "the instance")->type_name("URL");
    declare_strategy(app, strategy_);
    app.add_flag("-f,--force", force_, "although emulator, version or format differ");
    app.add_flag("--trust", trust_, "although the verdict is review (podgit verify shows why)");
    declare_dry_run(app, dry_run_);
  }

  Outcome run(Session& session) override {
    const pod::Source archive = pod::Source::parse(file_);
    if (archive.kind() != pod::Source::Kind::archive)
      throw pod::Error(pod::ErrorCode::invalid_argument, pod::quote(archive.display()) + " is not an archive file");
    const pod::Source instance = session.instance(instance_);
    const pod::Strategy strategy = session.strategy(strategy_);
    std::vector<pod::ServiceOutcome> services;
    if (dry_run_) {
      pod::instance_status(instance, session.context());
    } else {
      if (strategy == pod::Strategy::overwrite)
        session.confirm(
            fmt::format("replace all that {} holds with {}, and lose it?", instance.display(), pod::quote(file_)),
            Session::Reversible::no);
      services = pod::import_state(file_, instance, strategy, force_, trust_, session.context());
    }
    const std::size_t failed = report_failed_services(session, services);
    if (!session.json()) {
      const auto name = pod::strategy_name(strategy);
      if (dry_run_)
        session.out().line(fmt::format("would put {} into {} with {}; nothing was changed", pod::printable(file_),
                                       instance.display(), name));
      else if (!session.options().quiet)
        session.out().line(fmt::format("{} -> {}  {}{}, {}", pod::printable(file_), instance.display(),
                                       counted(services.size() - failed, "service"),
                                       failed > 0 ? fmt::format(", {} failed", failed) : "", name));
    }
    Json data = {{"file", json_text(file_)},
                 {"instance", json_text(instance.display())},
                 {"strategy", pod::strategy_name(strategy)},
                 {"services", json_list(services)},
                 {"dryRun", dry_run_}};
    if (failed > 0) return Outcome::partly(std::move(data));
    return {.data = std::move(data)};
  }

 private:
  std::string file_;
  std::string instance_;
  std::string strategy_;
  bool force_ = false;
  bool trust_ = false;
  bool dry_run_ = false;
};

}  // namespace

std::unique_ptr<Command> make_state_import() { return std::make_unique<StateImport>(); }

}  // namespace podgit
