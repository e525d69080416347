#include "commands.hpp"

#include "command.hpp"
#include "finding_lines.hpp"
#include "measures.hpp"
#include "options.hpp"
#include "team.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <algorithm>
#include <iterator>
#include <optional>

namespace podgit {
namespace {

using Level = pod::Finding::Level;

class Fsck final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "fsck",
        "[POD…] [--repair] [--quick] [--remote[=NAME]]",
        "find damage in the store or a remote, and repair the store",
        "podgit fsck\n"
        "podgit fsck shop           # the versions of one pod alone\n"
        "podgit fsck --quick        # without reading every object\n"
        "podgit fsck --repair\n"
        "podgit fsck --remote=origin",
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
        "--remote looks at what a remote holds: HEADs and manifests, and of every pack its digest, its index, and "
        "whether all is there that the pods need. Nothing is changed. With --quick packs are not read: they are there, "
        "with the right sizes, or not.\n"
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
    declare_at_remote(app, remote_);
    repair->excludes("--remote");
  }

  Outcome run(Session& session) override {
    std::vector<pod::PodName> pods;
    for (const std::string& name : pods_) pods.push_back(pod::PodName::parse(name));
    if (remote_) return check_remote(session, pods);
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
  Outcome check_remote(Session& session, const std::vector<pod::PodName>& pods) const {
    const pod::Store& store = session.store_to_read();
    const std::string remote = choose_remote(store, *remote_, pods);
    const pod::RemoteCheck check =
        pod::check_remote(store, remote, {.quick = quick_, .pods = pods}, remote_options(), session.context());
    Json rows = Json::array();
    std::ptrdiff_t damaged = 0;
    for (const pod::RemotePodCheck& row : check.pods) {
      damaged += row.findings.empty() ? 0 : 1;
      rows.push_back({{"name", row.pod.str()},
                      {"damaged", !row.findings.empty()},
                      {"deleted", row.deleted},
                      {"packs", row.packs},
                      {"bytes", row.bytes},
                      {"checks", json_list(row.findings)}});
    }
    if (!session.json()) {
      for (const pod::Finding& finding : check.findings) print_finding(session, finding);
      for (const pod::RemotePodCheck& row : check.pods) print_row(session, row);
      session.out().line(fmt::format("{} is {}: {}, {} damaged", remote, check.sound() ? "sound" : "damaged",
                                     counted(std::ssize(check.pods), "pod"), damaged));
    }
    return {.data = {{"remote", remote},
                     {"damaged", !check.sound()},
                     {"quick", quick_},
                     {"pods", std::move(rows)},
                     {"checks", json_list(check.findings)}},
            .exit = check.sound() ? exit_status::done : exit_status::integrity};
  }

  static void print_row(Session& session, const pod::RemotePodCheck& row) {
    if (!row.findings.empty())
      session.out().line(fmt::format("{}  {}", row.pod.str(), counted(std::ssize(row.findings), "failure")));
    else if (session.options().verbose)
      session.out().line(row.deleted ? fmt::format("{}  deleted", row.pod.str())
                                     : fmt::format("{}  sound, {}, {}", row.pod.str(),
                                                   counted(static_cast<std::ptrdiff_t>(row.packs), "pack"),
                                                   human_size(row.bytes)));
    for (const pod::Finding& finding : row.findings) print_finding(session, finding);
  }

  static std::string counted(std::ptrdiff_t number, std::string_view word) {
    return fmt::format("{} {}{}", number, word, number == 1 ? "" : "s");
  }

  std::vector<std::string> pods_;
  std::optional<std::string> remote_;
  bool repair_ = false;
  bool quick_ = false;
};

}  // namespace

std::unique_ptr<Command> make_fsck() { return std::make_unique<Fsck>(); }

}  // namespace podgit
