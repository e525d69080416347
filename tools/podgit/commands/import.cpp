#include "commands.hpp"

#include "command.hpp"
#include "commit_report.hpp"
#include "options.hpp"

#include <CLI/App.hpp>

namespace podgit {
namespace {

class Import final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"import",
                                  "[-m MSG] [--services a,b] FILE POD",
                                  "take a pod archive as a new version of a pod",
                                  "podgit import happy-new-year.zip demo\n"
                                  "podgit import ls-state-export shop -m \"from the other laptop\"",
                                  "FILE is a zip or tar.zst with the layout of cloud pods; its files are stored byte\n"
                                  "for byte. The archive is checked whole before anything is kept: names that would\n"
                                  "leave the folder, links, duplicates and lies about sizes are refused.",
                                  "the store is as it was; no version was made"};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, file_, "FILE", "FILE", "the archive");
    declare_positional(app, pod_, "POD", "POD", "the pod that gets the version");
    declare_message(app, message_);
    services_.declare(app, "only these services");
    declare_dry_run(app, dry_run_);
  }

  Outcome run(Session& session) override {
    const auto pod = pod::PodName::parse(pod_);
    const pod::Source source = pod::Source::parse(file_);
    if (source.kind() != pod::Source::Kind::archive)
      throw pod::Error(pod::ErrorCode::invalid_argument, pod::quote(source.display()) + " is not an archive file")
          .hint("podgit commit " + pod.str() + " --from SOURCE takes instances and directories");
    const auto services = services_.services();
    pod::Store& store = session.store_to_fill(dry_run_);
    pod::CommitOptions options;
    options.message = message_;
    options.author = session.author();
    options.services = services;
    options.verb = "import";
    options.dry_run = dry_run_;
    const auto result = pod::commit(store, pod, source, options, session.context());
    return report_commit(session, store, pod, result, {.dry_run = dry_run_, .source = "reading", .verdict = true});
  }

 private:
  std::string file_;
  std::string pod_;
  std::string message_;
  ServiceOption services_;
  bool dry_run_ = false;
};

}  // namespace

std::unique_ptr<Command> make_import() { return std::make_unique<Import>(); }

}  // namespace podgit
