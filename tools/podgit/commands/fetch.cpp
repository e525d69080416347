#include "commands.hpp"

#include "command.hpp"
#include "options.hpp"
#include "team.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

class Fetch final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"fetch",
                                  "[--remote NAME] [--depth N] [POD...]",
                                  "bring what others shared, and leave the own pods alone",
                                  "podgit fetch                 # all pods of the remote\n"
                                  "podgit fetch shop\n"
                                  "podgit log origin/shop\n"
                                  "podgit diff shop origin/shop\n"
                                  "podgit fetch --unshallow shop   # after a clone --depth: the rest",
                                  "What comes is checked object by object before anything refers to it, and stands "
                                  "as REMOTE/POD beside the own pods; podgit pull moves those. A fetch that was broken "
                                  "off is run again, and goes on with what has arrived.\n"
                                  "\n"
                                  "--depth N brings the newest N versions and no older ones, --unshallow the "
                                  "older ones too; what is here already stays.",
                                  "the store is as it was"};
    return text;
  }

  void declare(CLI::App& app) override {
    app.add_option("POD", names_, "the pods; else all that the remote has")->type_name("POD");
    declare_remote(app, remote_);
    depth_.declare(app);
    app.add_flag("--unshallow", depth_.all, "also the older versions that are not here")->excludes("--depth");
  }

  Outcome run(Session& session) override {
    const std::vector<pod::PodName> pods = parse_pods(names_);
    pod::Store& store = session.store_to_change();
    const std::string remote = choose_remote(store, remote_, pods);
    const auto rows = pod::fetch(store, remote, pods, depth_.options(), remote_options(), session.context());
    Json list = Json::array();
    for (const pod::PodFetch& row : rows) {
      list.push_back(json_of(row));
      if (!session.json() && !session.options().quiet && !(row.error && rows.size() == 1))
        session.out().line(line_of(row, remote));
    }
    if (rows.empty()) session.note(fmt::format("{} has no pods", remote));
    return outcome_of(session, rows, {{"remote", remote}, {"pods", std::move(list)}});
  }

 private:
  std::vector<std::string> names_;
  std::string remote_;
  DepthOption depth_;
};

class Pull final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "pull",
        "[--remote NAME] POD",
        "bring a pod up to what others shared",
        "podgit pull shop\n"
        "podgit inject shop           # then: into the running emulator",
        "Fetches the pod and moves it forward. Where both sides have versions of their own it "
        "stays as it is, and the error says what can be done. podgit undo takes it back.",
        "the pod is as it was"};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, pod_, "POD", "POD", "the pod");
    declare_remote(app, remote_);
  }

  Outcome run(Session& session) override {
    const auto pod = pod::PodName::parse(pod_);
    pod::Store& store = session.store_to_change();
    const std::string remote = choose_remote(store, remote_, {pod});
    const pod::PodPull pulled = pod::pull(store, remote, pod, remote_options(), session.context());
    if (!session.json() && !session.options().quiet) {
      if (pulled.fetched.status != pod::FetchStatus::up_to_date) session.out().line(line_of(pulled.fetched, remote));
      session.out().line(told(pulled, remote));
    }
    if (pulled.status == pod::PullStatus::ahead)
      session.hint(fmt::format("podgit push {} shares it", pod.str()));
    else if (pulled.status != pod::PullStatus::up_to_date)
      session.hint(fmt::format("podgit inject {} puts it into the running emulator", pulled.version->str()));
    return {.data = {{"remote", remote},
                     {"status", name_of(pulled.status)},
                     {"before", pulled.before ? json_of(*pulled.before) : Json(nullptr)},
                     {"version", json_of(*pulled.version)},
                     {"fetched", json_of(pulled.fetched)}}};
  }

 private:
  static std::string_view name_of(pod::PullStatus status) {
    switch (status) {
      case pod::PullStatus::created: return "created";
      case pod::PullStatus::fast_forward: return "fastForward";
      case pod::PullStatus::ahead: return "ahead";
      case pod::PullStatus::up_to_date: break;
    }
    return "upToDate";
  }

  static std::string told(const pod::PodPull& pulled, const std::string& remote) {
    const std::string now = pulled.version->str();
    switch (pulled.status) {
      case pod::PullStatus::created: return fmt::format("{}  new here", now);
      case pod::PullStatus::fast_forward: return fmt::format("{} -> {}", pulled.before->str(), now);
      case pod::PullStatus::ahead: return fmt::format("{}  is ahead of {}", now, remote);
      case pod::PullStatus::up_to_date: break;
    }
    return fmt::format("{}  up to date", now);
  }

  std::string pod_;
  std::string remote_;
};

}  // namespace

std::unique_ptr<Command> make_fetch() { return std::make_unique<Fetch>(); }
std::unique_ptr<Command> make_pull() { return std::make_unique<Pull>(); }

}  // namespace podgit
