#include "commands.hpp"

#include "command.hpp"
#include "options.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

class Copy final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"copy",
                                  "[--force] A[:N] B",
                                  "make a pod that continues from a version of another",
                                  "podgit copy shop shop-before-upgrade\n"
                                  "podgit copy shop:3 experiment\n"
                                  "podgit copy shop:3 shop --force        # shop goes back to version 3",
                                  "B has the history of A up to that version; nothing is stored twice. A B that is\n"
                                  "there is replaced only with --force, and podgit undo brings it back.",
                                  "the store is as it was"};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, from_, "A", "POD[:N]", "the version to continue from");
    declare_positional(app, to_, "B", "POD", "the pod to make");
    app.add_flag("-f,--force", force_, "replace B where it is there");
    declare_dry_run(app, dry_run_);
  }

  Outcome run(Session& session) override {
    const auto from = pod::PodRef::parse(from_);
    const auto to = pod::PodName::parse(to_);
    pod::Store& store = dry_run_ ? session.store_to_read() : session.store_to_change();
    const pod::Version source = store.resolve(from);
    const auto replaced = store.find(pod::PodRef::latest(to));
    pod::Version made = source;
    if (!dry_run_)
      made = store.copy(from, to, force_, session.context());
    else if (replaced && !force_)
      throw pod::Error(pod::ErrorCode::already_exists, fmt::format("there is already a pod {}", pod::quote(to.str())))
          .hint("--force replaces it");
    made.pod = to;
    if (!session.json() && (dry_run_ || !session.options().quiet))
      session.out().line(fmt::format("{}{} -> {}{}", dry_run_ ? "would copy " : "", source.str(), made.str(),
                                     replaced ? fmt::format("  (was {})", replaced->str()) : ""));
    return {.data = {{"from", json_of(source)},
                     {"version", json_of(made)},
                     {"replaced", replaced ? json_of(*replaced) : Json(nullptr)},
                     {"dryRun", dry_run_}}};
  }

 private:
  std::string from_;
  std::string to_;
  bool force_ = false;
  bool dry_run_ = false;
};

}  // namespace

std::unique_ptr<Command> make_copy() { return std::make_unique<Copy>(); }

}  // namespace podgit
