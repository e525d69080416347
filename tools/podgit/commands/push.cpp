#include "commands.hpp"

#include "command.hpp"
#include "options.hpp"
#include "team.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

class Push final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "push",
        "[--remote NAME] [--all] [POD...]",
        "share versions with a team",
        "podgit push shop\n"
        "podgit push shop orders --remote team\n"
        "podgit push --all",
        "Sends what the remote does not have of the pods, and moves them there: by "
        "compare-and-swap, so that of two who push at once one is told to pull first. Without "
        "POD, those are pushed that were pushed or pulled before. Several pods are pushed each "
        "by itself: one that fails does not hold up the others. A push that was broken off is "
        "run again; what has arrived is not sent again.\n"
        "\n"
        "--force-with-lease replaces what the remote has, if that is still what this store "
        "saw last. What was replaced can be had back there for seven days.",
        "the remote is as it was"};
    return text;
  }

  void declare(CLI::App& app) override {
    app.add_option("POD", names_, "the pods")->type_name("POD");
    app.add_flag("--all", all_, "every pod of the store");
    app.add_flag("--force-with-lease", options_.force_with_lease, "replace what this store saw last there");
    declare_remote(app, remote_);
    declare_dry_run(app, options_.dry_run);
  }

  Outcome run(Session& session) override {
    pod::Store& store = options_.dry_run ? session.store_to_read() : session.store_to_change();
    std::vector<pod::PodName> pods = parse_pods(names_);
    if (all_ && !pods.empty()) throw_usage("--all goes without POD", "podgit push --all");
    if (pods.empty()) pods = chosen(store);
    for (const pod::PodName& name : pods) store.resolve(pod::PodRef::latest(name));
    const std::string remote = choose_remote(store, remote_, pods);
    const auto rows = pod::push(store, remote, pods, options_, remote_options(), session.context());
    Json list = Json::array();
    for (const pod::PodPush& row : rows) {
      list.push_back(json_of(row));
      if (!session.json() && !session.options().quiet && !(row.error && rows.size() == 1))
        session.out().line(line_of(row, remote, options_.dry_run));
    }
    return outcome_of(session, rows, {{"remote", remote}, {"pods", std::move(list)}, {"dryRun", options_.dry_run}});
  }

 private:
  std::vector<pod::PodName> chosen(const pod::Store& store) const {
    std::vector<pod::PodName> pods;
    for (const pod::PodName& name : store.names())
      if (all_ || pod::upstream(store, name)) pods.push_back(name);
    if (pods.empty())
      throw_usage(all_ ? "there is no pod to push" : "no pod was pushed or pulled before", "podgit push POD");
    return pods;
  }

  std::vector<std::string> names_;
  std::string remote_;
  bool all_ = false;
  pod::PushOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_push() { return std::make_unique<Push>(); }

}  // namespace podgit
