#include "commands.hpp"

#include "command.hpp"
#include "measures.hpp"
#include "options.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <chrono>
#include <filesystem>

namespace podgit {
namespace {

namespace fs = std::filesystem;

bool holds_something(const fs::path& folder) {
  std::error_code error;
  return fs::is_directory(folder, error) && !fs::is_empty(folder, error);
}

class Checkout final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "checkout",
        "[--force] [--services a,b] POD[:N] DIR",
        "write the files of a version into a directory",
        "podgit checkout shop:3 ./state\n"
        "podgit checkout shop ./state --force       # replace what is in it\n"
        "podgit checkout shop ./s3 --services s3",
        "The files are written into a fresh folder beside DIR, which then takes DIR's place:\n"
        "killed anywhere, DIR is what it was or what it is to be. A DIR that is not empty is\n"
        "replaced only with --force; what was in it is gone then. Files that podgit captured or\n"
        "wrote there and that stay the same are not written again. No folder can take the place\n"
        "of a mount point: the fresh one is made inside, and what is in both changes places.\n"
        "Killed meanwhile, the next checkout into it puts that right.",
        "the folder is as it was"};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, ref_, "POD", "POD[:N]", "the version to write");
    declare_positional(app, folder_, "DIR", "DIR", "where to");
    app.add_flag("-f,--force", force_, "replace a folder that is not empty");
    services_.declare(app, "only these services");
    declare_dry_run(app, dry_run_);
  }

  Outcome run(Session& session) override {
    const auto ref = pod::PodRef::parse(ref_);
    const auto services = services_.services();
    if (folder_.empty()) throw_usage("the name of the folder is empty", "podgit checkout POD DIR");
    const pod::Store& store = session.store_to_read();
    if (force_ && !dry_run_ && holds_something(folder_))
      session.confirm(fmt::format("replace all that is in {}?", pod::quote(folder_)), Session::Reversible::yes);
    pod::CheckoutOptions options;
    options.force = force_;
    options.dry_run = dry_run_;
    options.services = services;
    const auto start = std::chrono::steady_clock::now();
    const auto result = pod::checkout(store, ref, folder_, options, session.context());
    const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
    if (!session.json() && (dry_run_ || !session.options().quiet))
      session.out().line(fmt::format("{} -> {}  {}{}, {}  {}", session.paint(result.version.str(), Colour::bold),
                                     pod::printable(folder_), dry_run_ ? "would write " : "",
                                     counted(result.files, "file"), human_size(result.bytes), human_duration(time)));
    return {.data = {{"version", json_of(result.version)},
                     {"folder", json_text(fs::absolute(folder_).lexically_normal().native())},
                     {"dryRun", dry_run_},
                     {"files", result.files},
                     {"filesKept", result.files_kept},
                     {"bytes", result.bytes}}};
  }

 private:
  std::string ref_;
  std::string folder_;
  ServiceOption services_;
  bool force_ = false;
  bool dry_run_ = false;
};

}  // namespace

std::unique_ptr<Command> make_checkout() { return std::make_unique<Checkout>(); }

}  // namespace podgit
