#include "step_options.hpp"

namespace podgit {

void CommitFlags::declare(CLI::App& app) {
  declare_message(app, message_);
  app.add_option("--from", source_, "instance, directory or archive")->type_name("SOURCE");
  services_.declare(app, "only these services");
}

pod::CommitOptions CommitFlags::options(Session& session) const {
  pod::CommitOptions options;
  options.message = message_;
  options.services = services_.services();
  options.author = session.author();
  return options;
}

void InjectFlags::declare(CLI::App& app) {
  app.add_option("--into,--instance", instance_, "the instance; else $PODGIT_INSTANCE, instance.url, localhost:4566")
      ->type_name("URL");
  declare_strategy(app, strategy_);
  services_.declare(app, "only these services");
  app.add_flag("-f,--force", force_, "although emulator, version or format differ");
  app.add_flag("--trust", trust_, "although the verdict is review (podgit verify shows why)");
}

pod::InjectOptions InjectFlags::options(Session& session) const {
  pod::InjectOptions options;
  options.services = services_.services();
  options.strategy = session.strategy(strategy_);
  options.author = session.author();
  options.force = force_;
  options.trust = trust_;
  return options;
}

}  // namespace podgit
