#include "commands.hpp"

#include "command.hpp"
#include "measures.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

class List final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"list",
                                  "",
                                  "list the pods of the store",
                                  "podgit list\n"
                                  "podgit list --json | jq -r '.data.pods[].name'",
                                  "One line a pod: its name, its latest version, when that was made, and its message.",
                                  ""};
    return text;
  }

  void declare(CLI::App&) override {}

  Outcome run(Session& session) override {
    std::vector<pod::PodSummary> pods;
    if (const pod::Store* store = session.find_store()) pods = store->pods();
    Json all = Json::array();
    Table table({{"POD"}, {"VERSION", Table::Align::right}, {"LAST CHANGE"}, {"MESSAGE"}});
    for (const pod::PodSummary& pod : pods) {
      table.add({pod.name.str(), std::to_string(pod.latest.number), short_time(pod.latest.time), pod.latest.subject()});
      all.push_back({{"name", pod.name.str()}, {"latest", json_of(pod.latest)}});
    }
    if (pods.empty()) {
      session.note(fmt::format("no pods yet in {}", pod::printable(session.location().path.native())));
      session.hint("podgit commit POD makes the first from a running instance");
    } else if (!session.json()) {
      session.print(table);
    }
    return {.data = {{"store", json_text(session.location().path.native())}, {"pods", std::move(all)}}};
  }
};

}  // namespace

std::unique_ptr<Command> make_list() { return std::make_unique<List>(); }

}  // namespace podgit
