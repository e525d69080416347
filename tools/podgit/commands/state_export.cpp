#include "commands.hpp"

#include "command.hpp"
#include "measures.hpp"
#include "options.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

class StateExport final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"state export",
                                  "[--from URL] [--services a,b] [--force] [FILE]",
                                  "save an instance as one archive, without a store",
                                  "podgit state export                     # into ls-state-export\n"
                                  "podgit state export backup.zip --services s3,sqs",
                                  "The archive has the layout of cloud pods; podgit import takes it as a version.",
                                  "no file was written"};
    return text;
  }

  void declare(CLI::App& app) override {
    app.add_option("FILE", file_, "the archive to write; else ls-state-export")->type_name("FILE");
    app.add_option("--from,--instance", instance_, "the instance")->type_name("URL");
    services_.declare(app, "only these services");
    app.add_flag("-f,--force", force_, "replace a file that is there");
  }

  Outcome run(Session& session) override {
    if (file_.empty()) throw_usage("the name of the file is empty", "podgit state export FILE");
    const auto services = services_.services();
    const pod::Source instance = session.instance(instance_);
    const auto result = pod::export_state(instance, services, file_, force_, session.context());
    for (const auto& failure : result.failed)
      session.warn(fmt::format("{} was not saved: {}", pod::quote(failure.service), failure.reason));
    const std::string path = result.path.native();
    if (!session.json() && !session.options().quiet)
      session.out().line(fmt::format("{} -> {}  {}, {}", instance.display(), pod::printable(path),
                                     counted(result.files, "file"), human_size(result.bytes)));
    Json failed = Json::array();
    for (const auto& failure : result.failed)
      failed.push_back({{"service", json_text(failure.service)}, {"reason", json_text(failure.reason)}});
    Json data = {{"instance", json_text(instance.display())},
                 {"file", json_text(path)},
                 {"files", result.files},
                 {"bytes", result.bytes},
                 {"failed", std::move(failed)}};
    if (result.partial()) return Outcome::partly(std::move(data));
    return {.data = std::move(data)};
  }

 private:
  std::string file_ = "ls-state-export";
  std::string instance_;
  ServiceOption services_;
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> make_state_export() { return std::make_unique<StateExport>(); }

}  // namespace podgit
