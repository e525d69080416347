#include "commands.hpp"

#include "changes.hpp"
#include "command.hpp"
#include "measures.hpp"
#include "options.hpp"
#include "service_outcomes.hpp"
#include "step_options.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <chrono>

namespace podgit {
namespace {

class Inject final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"inject",
                                  "[--into URL] [--strategy STRATEGY] [--services a,b] POD[:N]",
                                  "put a version into a running instance, without a restart",
                                  "podgit inject shop                    # the latest version\n"
                                  "podgit inject shop:3 --dry-run        # what would change\n"
                                  "podgit inject shop~1 --strategy overwrite\n"
                                  "podgit undo                           # back to what the instance held",
                                  "Strategies: account-region-merge (default) replaces what the version holds for a\n"
                                  "service, account and region, and leaves the rest; overwrite makes the instance\n"
                                  "the version. Services that the version does not speak for are never touched.\n"
                                  "\n"
                                  "The version is checked whole before the instance is touched, and what the instance\n"
                                  "holds is kept first, so that `podgit undo` brings it back; --no-undo does without.\n"
                                  "Another emulator, version or format than the one that wrote the state is refused\n"
                                  "unless --force. State with the verdict review (podgit verify) needs --trust, state\n"
                                  "with the verdict refuse is never put in. Services that could\n"
                                  "not be loaded are named; the exit code is 12.",
                                  "the instance is as it was"};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, ref_, "POD", "POD[:N]", "the version to put in");
    flags_.declare(app);
    declare_dry_run(app, dry_run_);
    app.add_flag("--no-undo", no_undo_, "do not keep what the instance holds; it is lost");
  }

  Outcome run(Session& session) override {
    const auto ref = pod::PodRef::parse(ref_);
    pod::InjectOptions options = flags_.options(session);
    options.dry_run = dry_run_;
    options.keep_safety_version = !no_undo_;
    pod::Store& store = dry_run_ ? session.store_to_read() : session.store_to_change();
    const pod::Source target = flags_.target(session);
    const std::string strategy(pod::strategy_name(options.strategy));
    session.detail(fmt::format("into {} with {}", target.display(), strategy));
    ask_first(session, store.resolve(ref), target, options);
    const auto start = std::chrono::steady_clock::now();
    const auto result = pod::inject(store, ref, target, options, session.context());
    const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);

    const std::size_t failed = report_failed_services(session, result.services);
    if (!session.json()) print_result(session, result, target, time, failed);
    Json data = {{"version", json_of(result.version)},
                 {"instance", json_text(target.display())},
                 {"strategy", strategy},
                 {"dryRun", dry_run_},
                 {"services", json_list(result.services)},
                 {"changes", json_list(result.changes)},
                 {"undo", result.safety_version}};
    if (result.partial()) return Outcome::partly(std::move(data));
    return {.data = std::move(data)};
  }

 private:
  void ask_first(Session& session, const pod::Version& version, const pod::Source& target,
                 const pod::InjectOptions& options) {
    if (dry_run_) return;
    if (no_undo_)
      session.confirm(fmt::format("put {} into {} and lose what it holds?", version.str(), target.display()),
                      Session::Reversible::no);
    else if (options.strategy == pod::Strategy::overwrite)
      session.confirm(fmt::format("replace all that {} holds with {}? (podgit undo brings it back)", target.display(),
                                  version.str()),
                      Session::Reversible::yes);
  }

  void print_result(Session& session, const pod::InjectResult& result, const pod::Source& target,
                    std::chrono::milliseconds time, std::size_t failed) {
    Output& out = session.out();
    if (dry_run_) {
      print_changes(session, result.changes);
      out.line(fmt::format("{} -> {}  {}: {}; nothing was changed", result.version.str(), target.display(),
                           pod::strategy_name(result.strategy), change_counts(result.changes)));
      return;
    }
    if (session.options().quiet) return;
    std::string done = counted(result.services.size() - failed, "service");
    if (failed > 0) done += fmt::format(", {} failed", failed);
    out.line(fmt::format("{} -> {}  {}, {}  {}", session.paint(result.version.str(), Colour::bold), target.display(),
                         done, pod::strategy_name(result.strategy), human_duration(time)));
    if (result.safety_version) session.hint("podgit undo brings back what the instance held");
  }

  std::string ref_;
  InjectFlags flags_;
  bool dry_run_ = false;
  bool no_undo_ = false;
};

}  // namespace

std::unique_ptr<Command> make_inject() { return std::make_unique<Inject>(); }

}  // namespace podgit
