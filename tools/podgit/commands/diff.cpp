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
    static const Description text{"diff",
                                  "[--stat] [--exit-code] A [B]",
                                  "show which files differ between two versions",
                                  "podgit diff shop:2 shop:3\n"
                                  "podgit diff shop                  # the latest version against the one before\n"
                                  "podgit diff shop demo --stat      # sums by service",
                                  "A and B are references (podgit help refs). + is a file that only B has, - one that\n"
                                  "only A has, ~ one that changed. With one reference it is compared with the version\n"
                                  "before it. --exit-code ends with 1 where something differs.",
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
    std::optional<pod::Version> to;
    if (second) to = store.resolve(*second);
    const auto changes = to ? pod::diff(store.snapshot(from), store.snapshot(*to)) : changes_of(store, from);
    if (!session.json()) {
      session.page();
      if (stat_)
        print_change_summary(session, changes);
      else
        print_changes(session, changes);
    }
    // one reference stands for the newer side
    Json older = nullptr;
    if (to)
      older = json_of(from);
    else if (!from.parents.empty())
      older = json_of(store.resolve(pod::PodRef::parse("rev:" + from.parents.front().hex())));
    return {.data = {{"from", std::move(older)},
                     {"to", json_of(to ? *to : from)},
                     {"changes", json_list(changes)},
                     {"totals", change_totals(changes)}},
            .exit = exit_code_ && !changes.empty() ? exit_status::failure : exit_status::done};
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
