#include "commands.hpp"

#include "command.hpp"
#include "finding_lines.hpp"
#include "options.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <algorithm>

namespace podgit {
namespace {

using Level = pod::Finding::Level;

class Fsck final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "fsck",
        "[POD…] [--repair] [--quick]",
        "find what is damaged in the store, and repair it",
        "podgit fsck\n"
        "podgit fsck shop           # the versions of one pod alone\n"
        "podgit fsck --quick        # without reading every object\n"
        "podgit fsck --repair",
        "Reads every pack, index, object, ref, the journal and what is noted beside them, and for each version says "
        "whether all of its files are there, and whether what it says of them is true. What is damaged is named with "
        "the versions and files that need it. Without -v only what is not in order is shown.\n"
        "\n"
        "--repair makes indexes again from their packs, puts the sound objects of a damaged pack into a new one, "
        "restores refs from the journal and from reflogs, and removes left-overs. Damaged files go to the folder "
        "pod/quarantine of the store; nothing else is removed. What is lost for good is said, with the newest "
        "version of each pod that is whole. A state that is committed again brings back what older versions lack of "
        "it.\n"
        "\n"
        "The exit code is 7 where something is damaged (after a repair: still damaged), else 0.",
        "the store is no worse than before, and the command can be run again"};
    return text;
  }

  void declare(CLI::App& app) override {
    app.add_option("POD", pods_, "check the versions of these pods alone")->type_name("POD");
    CLI::Option* repair = app.add_flag("--repair", repair_, "put right what can be");
    CLI::Option* quick = app.add_flag("--quick", quick_, "do not read every object");
    repair->excludes(quick);
  }

  Outcome run(Session& session) override {
    std::vector<pod::PodName> pods;
    for (const std::string& name : pods_) pods.push_back(pod::PodName::parse(name));
    if (repair_ && !pods.empty())
      throw_usage("--repair is for the whole store, not for single pods", "podgit fsck --repair");
    pod::RepairReport report;
    if (repair_)
      report = pod::Store::repair(session.location().path, {}, session.context());
    else
      report.remaining = session.store_to_read().check(!quick_, session.context(), pods);

    const auto count = [&](Level level) {
      return std::count_if(report.remaining.begin(), report.remaining.end(),
                           [&](const pod::Finding& finding) { return finding.level == level; });
    };
    const auto damaged = count(Level::fail);
    if (!session.json()) {
      for (const std::string& line : report.done) session.out().line("repaired: " + pod::printable(line));
      for (const pod::Finding& finding : report.remaining)
        if (finding.level != Level::ok || session.options().verbose) print_finding(session, finding);
      session.out().line(fmt::format("{}: {}, {}", damaged == 0 ? "the store is sound" : "the store is damaged",
                                     counted(damaged, "failure"), counted(count(Level::warn), "warning")));
    }
    Json done = Json::array();
    for (const std::string& line : report.done) done.push_back(json_text(line));
    return {.data = {{"damaged", damaged > 0}, {"repaired", std::move(done)}, {"checks", json_list(report.remaining)}},
            .exit = damaged > 0 ? exit_status::integrity : exit_status::done};
  }

 private:
  static std::string counted(std::ptrdiff_t number, std::string_view word) {
    return fmt::format("{} {}{}", number, word, number == 1 ? "" : "s");
  }

  std::vector<std::string> pods_;
  bool repair_ = false;
  bool quick_ = false;
};

}  // namespace

std::unique_ptr<Command> make_fsck() { return std::make_unique<Fsck>(); }

}  // namespace podgit
