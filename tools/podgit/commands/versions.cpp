#include "commands.hpp"

#include "command.hpp"
#include "measures.hpp"
#include "options.hpp"
#include "version_text.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

std::string emulator_text(const pod::Emulator& emulator) {
  if (emulator.name.empty()) return "-";
  return emulator.version.empty() ? emulator.name : emulator.name + " " + emulator.version;
}

std::string services_text(const std::vector<std::string>& services) {
  return services.empty() ? "-" : fmt::format("{}", fmt::join(services, ","));
}

constexpr std::uint64_t shown_at_once = 100;

class Versions final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"versions",
                                  "[-n N] POD",
                                  "list the versions of a pod",
                                  "podgit versions shop\n"
                                  "podgit versions shop -n 5",
                                  "The newest first: number, date, the emulator that wrote the state, the services it\n"
                                  "has state of, and the message. On a terminal lines are cut to its width.",
                                  ""};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, ref_, "POD", "POD", "the pod; with :N, that version and those before it");
    app.add_option("-n,--number", limit_, "at most N versions")->type_name("N")->check(positive_number());
  }

  Outcome run(Session& session) override {
    const auto ref = pod::PodRef::parse(ref_);
    const pod::Store& store = session.store_to_read();
    store.resolve(ref);
    Json all = Json::array();
    Table table({{"NUMBER", Table::Align::right}, {"DATE"}, {"EMULATOR"}, {"SERVICES"}, {"MESSAGE"}});
    std::uint64_t seen = 0;
    const auto context = session.context();
    store.log(ref, [&](const pod::Version& version) {
      context.cancel->check();
      const pod::Snapshot snapshot = store.snapshot(version);
      const pod::SnapshotInfo info = snapshot.info();
      const auto services = snapshot.services();
      if (session.json()) {
        Json entry = json_of(version);
        entry["emulator"] = json_of(info.emulator);
        entry["services"] = services;
        entry["failed"] = json_of(info)["failed"];
        all.push_back(std::move(entry));
      } else {
        table.add({version.number == 0 ? version.commit.hex().substr(0, 12) : std::to_string(version.number),
                   short_time(version.time), emulator_text(info.emulator), shown(services, session),
                   version.subject()});
      }
      if (++seen % shown_at_once == 0 && !session.json()) {
        session.print(table);
        session.out().flush();
      }
      if (version.cut) tell_older(session, version);
      return seen < limit_ && !session.out().closed();
    });
    if (!session.json()) session.print(table);
    return {.data = {{"pod", ref.has_pod() ? Json(ref.pod().str()) : Json(nullptr)}, {"versions", std::move(all)}}};
  }

 private:
  /// On a terminal a long list would push the message away.
  static std::string shown(const std::vector<std::string>& services, const Session&) {
    if (services.size() <= 4 || !is_terminal(1)) return services_text(services);
    return fmt::format("{} and {} more", fmt::join(services.begin(), services.begin() + 3, ","), services.size() - 3);
  }

  std::string ref_;
  std::uint64_t limit_ = UINT64_MAX;
};

}  // namespace

std::unique_ptr<Command> make_versions() { return std::make_unique<Versions>(); }

}  // namespace podgit
