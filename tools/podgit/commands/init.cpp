#include "commands.hpp"

#include "command.hpp"
#include "options.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <filesystem>

namespace podgit {
namespace {

namespace fs = std::filesystem;

class Init final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"init",
                                  "[DIR]",
                                  "make a store for a project",
                                  "podgit init                        # .podgit in this folder\n"
                                  "podgit init ~/src/shop\n"
                                  "podgit init --store /srv/pods      # a store of exactly that name",
                                  "Commands in the folder and below it use its store. Without any init podgit uses\n"
                                  "a store of yours, made on first use (podgit help environment).",
                                  "nothing was made"};
    return text;
  }

  void declare(CLI::App& app) override {
    app.add_option("DIR", folder_, "the project's folder; else the current one")->type_name("DIR");
    declare_dry_run(app, dry_run_);
  }

  Outcome run(Session& session) override {
    if (folder_ && session.options().store)
      throw_usage("init takes either a folder or --store", "podgit init DIR makes DIR/.podgit");
    if (folder_ && folder_->empty()) throw_usage("the name of the folder is empty", "podgit init DIR");
    const fs::path store = session.options().store
                               ? fs::absolute(*session.options().store)
                               : (fs::absolute(folder_.value_or(".")) / ".podgit").lexically_normal();
    if (!fs::is_directory(store.parent_path()))
      throw pod::Error(pod::ErrorCode::not_found,
                       fmt::format("there is no folder {}", pod::quote(store.parent_path().native())))
          .hint(fmt::format("mkdir -p {}", store.parent_path().native()));
    std::error_code error;
    if (fs::exists(fs::symlink_status(store, error)))
      throw pod::Error(pod::ErrorCode::already_exists,
                       fmt::format("there is already something at {}", pod::quote(store.native())))
          .hint(pod::Store::is_store(store) ? "it is a store and can be used: podgit list" : "choose another folder");
    if (!dry_run_) pod::Store::init(store);
    if (!session.json() && (dry_run_ || !session.options().quiet))
      session.out().line(
          fmt::format("{} a store at {}", dry_run_ ? "would make" : "made", pod::printable(store.native())));
    return {.data = {{"store", json_text(store.native())}, {"dryRun", dry_run_}}};
  }

 private:
  std::optional<std::string> folder_;
  bool dry_run_ = false;
};

}  // namespace

std::unique_ptr<Command> make_init() { return std::make_unique<Init>(); }

}  // namespace podgit
