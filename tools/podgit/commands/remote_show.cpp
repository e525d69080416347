#include "commands.hpp"

#include "command.hpp"
#include "measures.hpp"
#include "options.hpp"
#include "team.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <vector>

namespace podgit {
namespace {

std::string state_of(const pod::PodStanding& pod) {
  if (!pod.remote) return "not there";
  if (pod.remote->error) return "damaged there";
  if (pod.remote->deleted) return "deleted there";
  if (!pod.remote->version) return pod.local ? "moved since the last fetch" : "not fetched";
  if (!pod.local) return "not here";
  if (*pod.ahead == 0 && *pod.behind == 0) return "up to date";
  if (*pod.behind == 0) return fmt::format("{} ahead", *pod.ahead);
  if (*pod.ahead == 0) return fmt::format("{} behind", *pod.behind);
  return fmt::format("{} ahead, {} behind", *pod.ahead, *pod.behind);
}

std::string number_of(const std::optional<pod::Version>& version) {
  return version ? std::to_string(version->number) : "-";
}

template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

class RemoteShow final : public Command {
 public:
  const Description& description() const override {
    static const Description text{
        "remote show",
        "NAME",
        "show a remote, and how the own pods stand to it",
        "podgit remote show origin\n"
        "podgit remote show origin --json | jq -r '.data.pods[].state'",
        "The URL and what kind of place it is; of a bucket, what a probe found that it can do; and "
        "for each pod its version here and there. How far apart the two are is known where the "
        "remote's is fetched.",
        ""};
    return text;
  }

  void declare(CLI::App& app) override { declare_positional(app, name_, "NAME", "REMOTE", "the remote"); }

  Outcome run(Session& session) override {
    const pod::RemoteStatus status =
        pod::remote_status(session.store_to_read(), name_, remote_options(), session.context());
    if (!session.json()) print(session, status);
    Json abilities = Json::object();
    for (const auto& [what, can] : status.abilities) abilities[what] = can;
    Json pods = Json::array();
    std::vector<pod::RemotePod> there;
    for (const pod::PodStanding& pod : status.pods) {
      pods.push_back({{"name", pod.pod.str()},
                      {"state", state_of(pod)},
                      {"here", pod.local ? json_of(*pod.local) : Json(nullptr)},
                      {"there", pod.remote && pod.remote->version ? json_of(*pod.remote->version) : Json(nullptr)},
                      {"ahead", or_null(pod.ahead)},
                      {"behind", or_null(pod.behind)},
                      {"error", pod.remote ? error_json(pod.remote->error) : Json(nullptr)}});
      if (pod.remote) there.push_back(*pod.remote);
    }
    return outcome_of(session, there,
                      {{"name", status.info.name},
                       {"url", json_text(status.info.url)},
                       {"kind", status.kind},
                       {"abilities", std::move(abilities)},
                       {"lastSeen", status.last_seen ? Json(utc_time(*status.last_seen)) : Json(nullptr)},
                       {"pods", std::move(pods)}});
  }

 private:
  static void print(Session& session, const pod::RemoteStatus& status) {
    Output& out = session.out();
    out.line(fmt::format("{}  {}", session.paint(status.info.name, Colour::bold), pod::printable(status.info.url)));
    out.line(fmt::format("Kind:      {}", status.kind));
    if (status.kind == "bucket") out.line(fmt::format("Probe:     {}", probe_text(status)));
    out.line(fmt::format("Last seen: {}", status.last_seen ? long_time(*status.last_seen) : "never"));
    out.line("");
    if (status.pods.empty()) return out.line("no pods");
    Table table({{"POD"}, {"HERE", Table::Align::right}, {"THERE", Table::Align::right}, {"STATE"}});
    for (const pod::PodStanding& pod : status.pods)
      table.add(
          {pod.pod.str(), number_of(pod.local), pod.remote ? number_of(pod.remote->version) : "-", state_of(pod)});
    session.print(table);
  }

  static std::string probe_text(const pod::RemoteStatus& status) {
    if (status.abilities.empty()) return "none yet; the first push makes one";
    std::vector<std::string> words;
    for (const auto& [what, can] : status.abilities) words.push_back(can ? what : "no " + what);
    return fmt::format("{}", fmt::join(words, ", "));
  }

  std::string name_;
};

}  // namespace

std::unique_ptr<Command> make_remote_show() { return std::make_unique<RemoteShow>(); }

}  // namespace podgit
