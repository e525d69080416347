#include "commands.hpp"

#include "changes.hpp"
#include "command.hpp"
#include "measures.hpp"
#include "options.hpp"
#include "resource_changes.hpp"
#include "resource_json.hpp"
#include "version_text.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

class Log final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"log",
                                  "[--oneline] [--stat] [-n N] POD[:N]",
                                  "show the history of a pod",
                                  "podgit log shop\n"
                                  "podgit log shop --oneline -n 10\n"
                                  "podgit log shop:7 --stat            # from version 7 back, with what changed",
                                  "The newest version first. On a terminal it goes through a pager ($PODGIT_PAGER,\n"
                                  "$PAGER, else less -FRX).",
                                  ""};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, ref_, "POD", "POD[:N]", "the pod, or the version to begin with");
    app.add_flag("--oneline", oneline_, "one line a version");
    app.add_flag("--stat", stat_, "with how many resources each version added, removed and changed");
    app.add_option("-n,--number", limit_, "at most N versions")->type_name("N")->check(positive_number());
  }

  Outcome run(Session& session) override {
    const auto ref = pod::PodRef::parse(ref_);
    const pod::Store& store = session.store_to_read();
    store.resolve(ref);
    session.page();
    Json all = Json::array();
    std::uint64_t seen = 0;
    const auto context = session.context();
    store.log(ref, [&](const pod::Version& version) {
      context.cancel->check();
      if (session.json())
        all.push_back(entry(store, version, context));
      else
        print(session, store, version, seen == 0, context);
      if (seen == 0 && !session.json()) session.out().flush();  // long histories are read while they are walked
      if (version.cut) tell_older(session, version);
      return ++seen < limit_ && !session.out().closed();
    });
    return {.data = {{"pod", ref.has_pod() ? Json(ref.pod().str()) : Json(nullptr)}, {"versions", std::move(all)}}};
  }

 private:
  Json entry(const pod::Store& store, const pod::Version& version, const pod::Context& context) const {
    Json out = json_of(version);
    if (!stat_ || version.cut) return out;
    const auto before = predecessor(store, version);
    const Comparison found = compare(store, before, version);
    const pod::ResourceDiff resources = compare_resources(store, before, version, false, context);
    out["resources"] = json_each(resources.resources);
    out["others"] = json_each(resources.others);
    out["services"] = json_list(by_service(resources));
    out["changes"] = json_list(found.changes);
    out["notCompared"] = found.unknown;
    return out;
  }

  void print(Session& session, const pod::Store& store, const pod::Version& version, bool first,
             const pod::Context& context) const {
    Output& out = session.out();
    if (oneline_) {
      out.line(fmt::format("{}  {}  {}", session.paint(version.str(), Colour::yellow), short_time(version.time),
                           pod::printable(version.subject())));
    } else {
      if (!first) out.line("");
      print_version_header(session, version);
    }
    if (!stat_ || version.cut) return;
    if (!oneline_) out.line("");
    const pod::ResourceDiff found = compare_resources(store, predecessor(store, version), version, false, context);
    print_resource_summary(session, found, " ");
    if (!found.not_compared.empty()) out.line(" " + pod::printable(unknown_text(found.not_compared)));
  }

  std::string ref_;
  bool oneline_ = false;
  bool stat_ = false;
  std::uint64_t limit_ = UINT64_MAX;
};

}  // namespace

std::unique_ptr<Command> make_log() { return std::make_unique<Log>(); }

}  // namespace podgit
