#include "commands.hpp"

#include "command.hpp"
#include "options.hpp"
#include "team.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <optional>

namespace podgit {
namespace {

class Delete final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"delete",
                                  "[--remote[=NAME]] POD",
                                  "delete a pod with all its versions",
                                  "podgit delete experiment\n"
                                  "podgit undo                      # brings it back\n"
                                  "podgit delete experiment --remote=origin",
                                  "Only whole pods are deleted. On a terminal the command asks; elsewhere it goes\n"
                                  "ahead, since podgit undo brings the pod back.",
                                  "the pod is as it was"};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, pod_, "POD", "POD", "the pod");
    declare_at_remote(app, remote_);
    declare_dry_run(app, dry_run_);
  }

  Outcome run(Session& session) override {
    const auto ref = pod::PodRef::parse(pod_);
    if (ref.kind() != pod::PodRef::Kind::latest || ref.remote())
      throw_usage(fmt::format("{} is not the name of a pod; only whole pods are deleted", pod::quote(pod_)),
                  "podgit copy POD:N POD --force takes a pod back to version N");
    if (remote_) return delete_at_remote(session, ref.pod());
    pod::Store& store = dry_run_ ? session.store_to_read() : session.store_to_change();
    const pod::Version latest = store.resolve(ref);
    const std::string name = ref.pod().str();
    if (dry_run_) {
      if (!session.json()) session.out().line(fmt::format("would delete {}, latest version {}", name, latest.number));
    } else {
      session.confirm(
          fmt::format("delete the pod {} with all its versions, the latest {}? (podgit undo brings it back)",
                      pod::quote(name), latest.number),
          Session::Reversible::yes);
      store.remove(ref.pod(), session.context());
      if (!session.json() && !session.options().quiet)
        session.out().line(fmt::format("deleted {}, latest version {}", name, latest.number));
      session.hint("podgit undo brings it back");
    }
    return {.data = {{"pod", name}, {"latest", json_of(latest)}, {"dryRun", dry_run_}}};
  }

 private:
  Outcome delete_at_remote(Session& session, const pod::PodName& pod) const {
    pod::Store& store = session.store_to_change();
    const std::string remote = choose_remote(store, *remote_, {pod});
    if (dry_run_) throw_usage("--dry-run does not go with --remote", "podgit list --remote shows what is there");
    session.confirm(fmt::format("delete the pod {} at {} for everybody? (a push of it brings it back)",
                                pod::quote(pod.str()), remote),
                    Session::Reversible::yes);
    pod::remove_remote_pod(store, remote, pod, remote_options(), session.context());
    if (!session.json() && !session.options().quiet)
      session.out().line(fmt::format("deleted {}/{}", remote, pod.str()));
    return {.data = {{"pod", pod.str()}, {"remote", remote}, {"latest", Json(nullptr)}, {"dryRun", false}}};
  }

  std::string pod_;
  std::optional<std::string> remote_;
  bool dry_run_ = false;
};

}  // namespace

std::unique_ptr<Command> make_delete() { return std::make_unique<Delete>(); }

}  // namespace podgit
