#include "commands.hpp"

#include "command.hpp"
#include "options.hpp"
#include "service_outcomes.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

class Undo final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"undo",
                                  "",
                                  "take back the last operation on the store",
                                  "podgit undo\n"
                                  "podgit undo --dry-run     # what it would take back\n"
                                  "podgit undo && podgit undo    # the second is a redo",
                                  "A commit, import, copy or delete: the pod is what it was before. An inject: the\n"
                                  "instance gets back what it held.",
                                  "nothing was taken back"};
    return text;
  }

  void declare(CLI::App& app) override { declare_dry_run(app, dry_run_); }

  Outcome run(Session& session) override {
    pod::Store& store = dry_run_ ? session.store_to_read() : session.store_to_change();
    const auto result = pod::undo(store, session.author(), session.instance_options(), dry_run_, session.context());
    report_failed_services(session, result.services);
    if (!session.json() && (dry_run_ || !session.options().quiet)) {
      const pod::Operation& last = result.undone;
      const std::string what = last.verb == "undo" ? "the last undo" : pod::printable(last.verb + " " + last.what);
      session.out().line(fmt::format("{}: {}; {}", dry_run_ ? "would undo" : "undone", what, effect(store, last)));
    }
    if (!dry_run_) session.hint("podgit undo once more takes this back");
    Json data = {{"undone", json_of(result.undone)},
                 {"operation", dry_run_ ? Json(nullptr) : json_of(result.operation)},
                 {"services", json_list(result.services)},
                 {"dryRun", dry_run_}};
    if (result.partial()) return Outcome::partly(std::move(data));
    return {.data = std::move(data)};
  }

 private:
  /// What is so afterwards: after a few undos in a row, what was done is hard to follow.
  static std::string effect(const pod::Store& store, const pod::Operation& undone) {
    if (!undone.instance.empty()) return pod::printable(undone.instance) + " has what it held before";
    constexpr std::string_view heads = "refs/heads/";
    const std::string name =
        pod::printable(undone.ref.starts_with(heads) ? undone.ref.substr(heads.size()) : undone.ref);
    if (undone.before.is_zero()) return "there is no pod " + name;
    const auto version = store.find(pod::PodRef::parse("rev:" + undone.before.hex()));
    return version ? fmt::format("{} is at version {}", name, version->number) : name + " is as it was before";
  }

  bool dry_run_ = false;
};

}  // namespace

std::unique_ptr<Command> make_undo() { return std::make_unique<Undo>(); }

}  // namespace podgit
