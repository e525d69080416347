#include "commands.hpp"

#include "changes.hpp"
#include "command.hpp"
#include "options.hpp"

#include <CLI/App.hpp>

namespace podgit {
namespace {

class Diff final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "diff",
        "[--stat] [--exit-code] A [B]",
        "show which files differ between two versions",
        "podgit diff shop:2 shop:3\n"
        "podgit diff shop                  # the latest version against the one before\n"
        "podgit diff shop demo --stat      # sums by service",
        "A and B are references (podgit help refs). + is a file that only B has, - one that\n"
        "only A has, ~ one that changed. With one reference it is compared with the version\n"
        "before it. A service that one of the two did not capture is not compared. --exit-code\n"
        "ends with 1 where something differs or could not be compared.",
        ""};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, from_, "A", "POD[:N]", "the older version");
    app.add_option("B", to_, "the newer version")->type_name("POD[:N]");
    app.add_flag("--stat", stat_, "sums by service");
    app.add_flag("--exit-code", exit_code_, "exit with 1 where something differs");
  }

  Outcome run(Session& session) override {
    const auto first = pod::PodRef::parse(from_);
    const auto second = to_.empty() ? std::nullopt : std::optional(pod::PodRef::parse(to_));
    const pod::Store& store = session.store_to_read();
    const pod::Version from = store.resolve(first);
    // one reference is the newer side
    const pod::Version newer = second ? store.resolve(*second) : from;
    const auto older = second ? std::optional(from) : predecessor(store, from);
    const Comparison found = compare(store, older, newer);
    if (!session.json()) {
      session.page();
      if (stat_)
        print_change_summary(session, found.changes);
      else
        print_changes(session, found.changes);
    }
    if (!found.unknown.empty()) session.warn(unknown_text(found.unknown));
    const bool same = found.changes.empty() && found.unknown.empty();
    return {.data = {{"from", older ? json_of(*older) : Json(nullptr)},
                     {"to", json_of(newer)},
                     {"changes", json_list(found.changes)},
                     {"notCompared", found.unknown},
                     {"totals", change_totals(found.changes)}},
            .exit = exit_code_ && !same ? exit_status::failure : exit_status::done};
  }

 private:
  std::string from_;
  std::string to_;
  bool stat_ = false;
  bool exit_code_ = false;
};

}  // namespace

std::unique_ptr<Command> make_diff() { return std::make_unique<Diff>(); }

}  // namespace podgit
