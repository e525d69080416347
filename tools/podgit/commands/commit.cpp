#include "commands.hpp"

#include "changes.hpp"
#include "command.hpp"
#include "commit_report.hpp"
#include "measures.hpp"
#include "step_options.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

class Commit final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "commit",
        "[-m MSG] [--from SOURCE] [--services a,b] POD",
        "take what an instance holds as a new version of a pod",
        "podgit commit shop -m \"after checkout\"        # from the running emulator\n"
        "podgit commit shop --from ./state             # from a directory\n"
        "podgit commit shop --from backup.zip          # from a pod archive\n"
        "podgit commit shop --services s3,sqs",
        "SOURCE is the URL of an instance, a directory or an archive (zip, tar.zst). Without\n"
        "--from it is the instance that is set ($PODGIT_INSTANCE, instance.url), else\n"
        "http://localhost:4566. The pod is made if it is not there. Where nothing changed\n"
        "there is no new version, and that is no failure. A service that cannot be captured\n"
        "is named with the reason; the others make a version all the same, and the exit\n"
        "code is 12.\n"
        "\n"
        "A SQLite database of a directory that somebody is writing (a -wal or -journal lies\n"
        "beside it) is stored as one file that holds what was committed; the directory is\n"
        "not touched. Where that cannot be done a warning says that it was stored as it lies.\n"
        "\n"
        "With -q only the version's name is printed, so that it can be used in scripts.",
        "the store is as it was; no version was made"};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, pod_, "POD", "POD", "the pod that gets the version");
    flags_.declare(app);
    declare_dry_run(app, dry_run_);
  }

  Outcome run(Session& session) override {
    const auto pod = pod::PodName::parse(pod_);
    pod::CommitOptions options = flags_.options(session);
    options.dry_run = dry_run_;
    pod::Store& store = session.store_to_fill(dry_run_);
    const pod::Source source = flags_.source(session);
    session.detail(fmt::format("from {}", source.display()));
    const auto result = pod::commit(store, pod, source, options, session.context());
    return report_commit(session, store, pod, result,
                         {.dry_run = dry_run_, .source = source.is_instance() ? "emulator" : "source"});
  }

 private:
  std::string pod_;
  CommitFlags flags_;
  bool dry_run_ = false;
};

}  // namespace

std::unique_ptr<Command> make_commit() { return std::make_unique<Commit>(); }

}  // namespace podgit
