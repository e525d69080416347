// save and load: the two words that users of cloud pods know, for what is otherwise commit and push, pull and inject.

#include "commands.hpp"

#include "command.hpp"
#include "commit_report.hpp"
#include "options.hpp"
#include "service_outcomes.hpp"
#include "team.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <optional>

namespace podgit {
namespace {

class Save final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"save",
                                  "[-m MSG] [--services a,b] [--remote NAME] POD",
                                  "commit what the instance holds, and push it",
                                  "podgit save shop\n"
                                  "podgit save shop -m \"after checkout\" --remote team",
                                  "The same as podgit commit POD and then podgit push POD. Where there is no remote it "
                                  "stays in this store. Where the push does not go through the version is made all the "
                                  "same, and podgit push POD sends it.",
                                  "the remote is as it was"};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, pod_, "POD", "POD", "the pod that gets the version");
    declare_message(app, message_);
    app.add_option("--from", source_, "instance, directory or archive")->type_name("SOURCE");
    services_.declare(app, "only these services");
    declare_remote(app, remote_);
  }

  Outcome run(Session& session) override {
    const auto pod = pod::PodName::parse(pod_);
    pod::Store& store = session.store_to_fill(false);
    const bool shared = !remote_.empty() || !pod::remotes(store).empty();
    const std::string remote = shared ? choose_remote(store, remote_, {pod}) : std::string();
    const pod::Source source = session.source(source_);
    pod::CommitOptions options;
    options.message = message_;
    options.author = session.author();
    options.services = services_.services();
    const auto result = pod::commit(store, pod, source, options, session.context());
    Outcome committed = report_commit(session, store, pod, result,
                                      {.dry_run = false, .source = source.is_instance() ? "emulator" : "source"});
    if (!shared) {
      session.hint("podgit remote add origin URL names a place to share it");
      committed.data["pushed"] = nullptr;
      return committed;
    }
    const auto rows = pod::push(store, remote, {pod}, {}, remote_options(), session.context());
    const pod::PodPush& row = rows.front();
    if (row.error) throw pod::Error(*row.error).keeping(fmt::format("{} is in this store", row.version->str()));
    if (!session.json() && !session.options().quiet) session.out().line(line_of(row, remote, false));
    committed.data["pushed"] = json_of(row);
    return committed;
  }

 private:
  std::string pod_;
  std::string message_;
  std::string source_;
  std::string remote_;
  ServiceOption services_;
};

class Load final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "load",
        "[--into URL] [--strategy STRATEGY] POD[:N]|REMOTE/POD[:N]",
        "pull a pod, and put it into the running instance",
        "podgit load shop\n"
        "podgit load shop:3\n"
        "podgit load origin/shop:3      # without moving the own pod",
        "The same as podgit pull POD and then podgit inject POD: for a pod that was pushed or "
        "pulled before, or that is not here yet. With REMOTE/ it is fetched, and the own pod "
        "stays. A pod that was never shared is put in as it is. What holds for podgit inject "
        "holds here.",
        "the instance is as it was"};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, ref_, "POD", "POD[:N]", "the version to put in");
    app.add_option("--into,--instance", instance_, "the instance; else $PODGIT_INSTANCE, instance.url, localhost:4566")
        ->type_name("URL");
    declare_strategy(app, strategy_);
    services_.declare(app, "only these services");
    app.add_flag("-f,--force", options_.force, "although emulator, version or format differ");
    app.add_flag("--trust", options_.trust, "although the verdict is review (podgit verify shows why)");
  }

  Outcome run(Session& session) override {
    const auto ref = pod::PodRef::parse(ref_);
    if (!ref.has_pod()) throw_usage(fmt::format("{} is no version of a pod", pod::quote(ref_)), "podgit help load");
    const pod::Source target = session.instance(instance_);
    options_.strategy = session.strategy(strategy_);
    options_.services = services_.services();
    options_.author = session.author();
    pod::Store& store = session.store_to_fill(false);
    const Json brought = bring(session, store, ref);
    const auto result = pod::inject(store, ref, target, options_, session.context());
    report_failed_services(session, result.services);
    if (!session.json() && !session.options().quiet)
      session.out().line(
          fmt::format("{} -> {}  {}", result.version.str(), target.display(), pod::strategy_name(result.strategy)));
    if (result.safety_version) session.hint("podgit undo brings back what the instance held");
    Json data = {{"fetched", brought},
                 {"version", json_of(result.version)},
                 {"instance", json_text(target.display())},
                 {"strategy", pod::strategy_name(result.strategy)},
                 {"services", json_list(result.services)},
                 {"undo", result.safety_version}};
    if (result.partial()) return Outcome::partly(std::move(data));
    return {.data = std::move(data)};
  }

 private:
  Json bring(Session& session, pod::Store& store, const pod::PodRef& ref) {
    if (ref.remote()) {
      const auto rows = pod::fetch(store, *ref.remote(), {ref.pod()}, remote_options(), session.context());
      if (rows.front().error) throw *rows.front().error;
      tell(session, rows.front(), *ref.remote());
      return json_of(rows.front());
    }
    const bool here = store.find(pod::PodRef::latest(ref.pod())).has_value();
    if (here ? !pod::upstream(store, ref.pod()) : pod::remotes(store).empty()) return nullptr;
    const std::string remote = choose_remote(store, {}, {ref.pod()});
    const pod::PodPull pulled = pod::pull(store, remote, ref.pod(), remote_options(), session.context());
    tell(session, pulled.fetched, remote);
    return json_of(pulled.fetched);
  }

  static void tell(Session& session, const pod::PodFetch& fetched, const std::string& remote) {
    if (!session.json() && !session.options().quiet && fetched.status != pod::FetchStatus::up_to_date)
      session.out().line(line_of(fetched, remote));
  }

  std::string ref_;
  std::string instance_;
  std::string strategy_;
  ServiceOption services_;
  pod::InjectOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_save() { return std::make_unique<Save>(); }
std::unique_ptr<Command> make_load() { return std::make_unique<Load>(); }

}  // namespace podgit
