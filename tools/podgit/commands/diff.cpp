#include "commands.hpp"

#include "changes.hpp"
#include "command.hpp"
#include "options.hpp"
#include "resource_changes.hpp"
#include "resource_json.hpp"
#include "side.hpp"

#include <CLI/App.hpp>

namespace podgit {
namespace {

class Diff final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"diff",
                                  "[--stat] [--files] [--exit-code] A [B]",
                                  "show which resources differ, and in which fields",
                                  "podgit diff shop:2 shop:3\n"
                                  "podgit diff shop                  # the latest version against the one before\n"
                                  "podgit diff shop http://localhost:4566   # what the running instance changed\n"
                                  "podgit diff shop demo.zip --stat  # sums by service\n"
                                  "podgit diff shop --files          # files instead of resources",
                                  "A and B are references (podgit help refs), archives, directories or instances. + is "
                                  "what only B has, - what only "
                                  "A has, ~ what changed, with old and new fields; secrets are masked. With one "
                                  "reference it is compared with the "
                                  "version before it. What differs outside of every resource stands below its service "
                                  "as a file; assets (bodies of objects, databases) are counted. A service that one "
                                  "of the two did not capture is not compared.\n"
                                  "\n"
                                  "--exit-code ends with 1 where something differs or could not be compared.",
                                  ""};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, from_, "A", "POD[:N]|SOURCE", "the older side");
    app.add_option("B", to_, "the newer side")->type_name("POD[:N]|SOURCE");
    app.add_flag("--stat", stat_, "sums by service");
    app.add_flag("--files", files_, "which files differ, instead of resources");
    app.add_flag("--exit-code", exit_code_, "exit with 1 where something differs");
  }

  Outcome run(Session& session) override {
    const Side first = side_of(session, from_);
    if (to_.empty() && !first.version)
      throw_usage(pod::quote(first.name) + " has no version before it", "name two: podgit diff A B");
    // one reference is the newer side
    std::optional<Side> older = first;
    const Side newer = to_.empty() ? first : side_of(session, to_);
    if (to_.empty()) older = before(session, *first.version);

    const Comparison files = older ? compare_files(older->snapshot, newer.snapshot)
                                   : compare(session.store_to_read(), std::nullopt, *newer.version);
    pod::ResourceDiff resources;
    const bool fields = session.json() || !stat_;
    if (session.json() || !files_)
      resources = older ? pod::compare(older->snapshot, newer.snapshot, {.fields = fields}, session.context())
                        : all_added(pod::inventory(newer.snapshot, session.context()));
    const std::vector<std::string>& unknown = files_ ? files.unknown : resources.not_compared;
    const auto assets = assets_of(files.changes);
    if (!session.json()) print(session, files, resources, assets);
    if (!unknown.empty()) session.warn(unknown_text(unknown));
    const bool same = unknown.empty() && (files_ ? files.changes.empty() : resources.empty() && assets.empty());
    return {.data = {{"from", older ? version_json(*older) : Json(nullptr)},
                     {"to", version_json(newer)},
                     {"fromSource", older ? json_text(older->name) : Json(nullptr)},
                     {"toSource", json_text(newer.name)},
                     {"resources", json_each(resources.resources)},
                     {"others", json_each(resources.others)},
                     {"services", json_list(by_service(resources))},
                     {"changes", json_list(files.changes)},
                     {"notCompared", unknown},
                     {"totals", change_totals(files.changes)}},
            .exit = exit_code_ && !same ? exit_status::failure : exit_status::done};
  }

 private:
  /// Bodies and databases: files that no state file's document holds.
  static std::vector<pod::FileChange> assets_of(const std::vector<pod::FileChange>& changes) {
    std::vector<pod::FileChange> out;
    for (const pod::FileChange& change : changes)
      if (change.path.str().starts_with("assets/")) out.push_back(change);
    return out;
  }

  static std::optional<Side> before(Session& session, const pod::Version& version) {
    const pod::Store& store = session.store_to_read();
    const auto found = predecessor(store, version);
    return found ? std::optional(side_of(store, *found)) : std::nullopt;
  }

  void print(Session& session, const Comparison& files, const pod::ResourceDiff& resources,
             const std::vector<pod::FileChange>& assets) const {
    session.page();
    if (files_ && stat_)
      print_change_summary(session, files.changes);
    else if (files_)
      print_changes(session, files.changes);
    else if (stat_)
      print_resource_summary(session, resources);
    else
      print_resource_changes(session, resources);
    if (!files_ && !assets.empty()) session.out().line("assets  " + change_counts(assets));
  }

  std::string from_;
  std::string to_;
  bool stat_ = false;
  bool files_ = false;
  bool exit_code_ = false;
};

}  // namespace

std::unique_ptr<Command> make_diff() { return std::make_unique<Diff>(); }

}  // namespace podgit
