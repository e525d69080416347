#include "commands.hpp"

#include "command.hpp"
#include "measures.hpp"
#include "team.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

class List final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "list",
        "[--remote[=NAME]]",
        "list the pods of the store, or of a remote",
        "podgit list\n"
        "podgit list --remote\n"
        "podgit list --json | jq -r '.data.pods[].name'",
        "One line a pod: its name, its latest version, when that was made, and its message. Of a "
        "remote the version and the verdict are known where it was fetched.",
        ""};
    return text;
  }

  void declare(CLI::App& app) override { declare_at_remote(app, remote_); }

  Outcome run(Session& session) override {
    if (remote_) return list_remote(session);
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

 private:
  Outcome list_remote(Session& session) const {
    const pod::Store& store = session.store_to_read();
    const std::string remote = choose_remote(store, *remote_, {});
    Json all = Json::array();
    Table table({{"POD"}, {"VERSION", Table::Align::right}, {"LAST CHANGE"}, {"VERDICT"}, {"MESSAGE"}});
    bool any = false;
    const std::vector<pod::RemotePod> pods = pod::remote_pods(store, remote, remote_options(), session.context());
    for (const pod::RemotePod& pod : pods) {
      all.push_back({{"name", pod.pod.str()},
                     {"deleted", pod.deleted},
                     {"generation", pod.generation},
                     {"changed", utc_time(pod.changed)},
                     {"commit", pod.commit ? Json(pod.commit->hex()) : Json(nullptr)},
                     {"version", pod.version ? json_of(*pod.version) : Json(nullptr)},
                     {"verdict", pod.verdict ? Json(pod::verdict_name(*pod.verdict)) : Json(nullptr)},
                     {"error", error_json(pod.error)}});
      if (pod.deleted) continue;
      any = true;
      if (pod.error)
        table.add({pod.pod.str(), "?", "?", "?", "(damaged)"});
      else
        table.add({pod.pod.str(), pod.version ? std::to_string(pod.version->number) : "?", short_time(pod.changed),
                   std::string(pod.verdict ? pod::verdict_name(*pod.verdict) : "?"),
                   pod.version ? pod.version->subject() : "(not fetched)"});
    }
    if (!any)
      session.note(fmt::format("{} has no pods", remote));
    else if (!session.json())
      session.print(table);
    return outcome_of(session, pods, {{"remote", remote}, {"pods", std::move(all)}});
  }

  std::optional<std::string> remote_;
};

}  // namespace

std::unique_ptr<Command> make_list() { return std::make_unique<List>(); }

}  // namespace podgit
