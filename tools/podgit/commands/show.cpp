#include "commands.hpp"

#include "command.hpp"
#include "measures.hpp"
#include "options.hpp"
#include "resource_json.hpp"
#include "verdicts.hpp"
#include "version_text.hpp"

#include <libpod/remote.hpp>

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <algorithm>
#include <map>
#include <optional>

namespace podgit {
namespace {

struct Share {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t resources = 0;
  pod::Verdict verdict = pod::Verdict::accept;
};

class Show final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"show",
                                  "[--files] POD[:N]",
                                  "show what a version holds",
                                  "podgit show shop\n"
                                  "podgit show shop:3 --files\n"
                                  "podgit show rev:main@{yesterday}",
                                  "Who made the version and when, the emulator that wrote the state, and its services\n"
                                  "with resources, files and sizes; --files lists every file. A service that could\n"
                                  "not be captured stands with its reason. The verdict is that of podgit verify,\n"
                                  "as it was recorded; what the fetch of a remote's newest version said of it\n"
                                  "stands below.",
                                  ""};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, ref_, "POD", "POD[:N]", "the version");
    app.add_flag("--files", files_, "every file with its size");
  }

  Outcome run(Session& session) override {
    const auto ref = pod::PodRef::parse(ref_);
    const pod::Store& store = session.store_to_read();
    const pod::Version version = store.resolve(ref);
    const pod::Snapshot snapshot = store.snapshot(version);
    const pod::SnapshotInfo info = snapshot.info();
    const auto files = snapshot.files();
    std::map<std::string, Share> services;
    Share sum;
    for (const std::string& service : info.captured) services[service];
    for (const pod::FileEntry& file : files) {
      Share& share = services[std::string(pod::service_of(file.path))];
      for (Share* counted_in : {&share, &sum}) {
        counted_in->files += 1;
        counted_in->bytes += file.size;
      }
    }
    const pod::Inventory inventory = pod::inventory(snapshot, session.context());
    for (const pod::StateReading& file : inventory.files) {
      Share& share = services[file.service];
      for (Share* counted_in : {&share, &sum}) {
        counted_in->resources += file.resources.size();
        counted_in->verdict = std::max(counted_in->verdict, file.verdict);
      }
    }
    const std::optional<pod::Verdict> fetched = pod::fetched_verdict(store, version);
    if (!session.json()) {
      session.page();
      print_version_header(session, version);
      print_contents(session, info, services, sum, count_verdicts(inventory), fetched);
      if (files_) print_files(session, files);
    }
    Json shares = Json::array();
    for (const auto& [service, share] : services)
      shares.push_back({{"service", json_text(service)},
                        {"resources", share.resources},
                        {"files", share.files},
                        {"bytes", share.bytes},
                        {"verdict", pod::verdict_name(share.verdict)}});
    return {.data = {{"version", json_of(version)},
                     {"info", json_of(info)},
                     {"services", std::move(shares)},
                     {"resourceCount", sum.resources},
                     {"verdict", pod::verdict_name(sum.verdict)},
                     {"fetchedVerdict", fetched ? Json(pod::verdict_name(*fetched)) : Json(nullptr)},
                     {"fileCount", sum.files},
                     {"bytes", sum.bytes},
                     {"files", session.json() ? json_list(files) : Json(nullptr)}}};
  }

 private:
  static void print_contents(Session& session, const pod::SnapshotInfo& info,
                             const std::map<std::string, Share>& services, const Share& sum,
                             const VerdictCounts& verdicts, const std::optional<pod::Verdict>& fetched) {
    Output& out = session.out();
    out.line("");
    if (!info.emulator.name.empty()) {
      const std::string python = info.emulator.python.empty() ? "" : fmt::format(" (Python {})", info.emulator.python);
      out.line(fmt::format("Emulator: {}",
                           pod::printable(fmt::format("{} {}{}", info.emulator.name, info.emulator.version, python))));
    }
    if (!info.empty.empty()) {
      const bool few = info.empty.size() <= 6 || session.options().verbose;
      out.line(few ? pod::printable(fmt::format("Empty:    {}", fmt::join(info.empty, ", ")))
                   : fmt::format("Empty:    {} (-v names them)", counted(info.empty.size(), "service")));
    }
    for (const auto& failure : info.failed)
      out.line(fmt::format("{}   {}: {}", session.paint("Missing:", Colour::red), pod::printable(failure.service),
                           pod::printable(failure.reason)));
    out.line(
        fmt::format("Verdict:  {}  {}", painted_verdict(session, verdicts.worst()), verdict_counts_text(verdicts)));
    if (fetched) out.line(fmt::format("Fetched:  {}", painted_verdict(session, *fetched)));
    Table table({{"SERVICE"},
                 {"RESOURCES", Table::Align::right},
                 {"FILES", Table::Align::right},
                 {"SIZE", Table::Align::right}});
    for (const auto& [service, share] : services)
      table.add({service.empty() ? "(other)" : service, std::to_string(share.resources), std::to_string(share.files),
                 human_size(share.bytes)});
    table.add({"total", std::to_string(sum.resources), std::to_string(sum.files), human_size(sum.bytes)});
    if (out.closed()) return;
    out.line("");
    session.print(table);
  }

  static void print_files(Session& session, const std::vector<pod::FileEntry>& files) {
    Table table({{"SIZE", Table::Align::right}, {"FILE"}});
    for (const pod::FileEntry& file : files) table.add({human_size(file.size), file.path.str()});
    session.out().line("");
    session.print(table);
  }

  std::string ref_;
  bool files_ = false;
};

}  // namespace

std::unique_ptr<Command> make_show() { return std::make_unique<Show>(); }

}  // namespace podgit
