#include "commands.hpp"

#include "command.hpp"
#include "measures.hpp"
#include "options.hpp"
#include "resource_json.hpp"
#include "side.hpp"
#include "verdicts.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

class Verify final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"verify",
                                  "POD[:N]|SOURCE",
                                  "say whether state is safe to load, without loading it",
                                  "podgit verify shop\n"
                                  "podgit verify happy-new-year.zip\n"
                                  "podgit verify shop:3 -v               # what is accepted too",
                                  "Each state file gets a verdict. accept: plain values, and classes that are known to "
                                  "hold state. review: nothing "
                                  "known to be bad, but something not known to be good; it is shown with its place, "
                                  "and podgit inject needs --trust. "
                                  "refuse: it names what state has no use for, or cannot be read; it is never loaded.\n"
                                  "\n"
                                  "The exit code is 0 where all is accepted, else 8.",
                                  ""};
    return text;
  }

  void declare(CLI::App& app) override {
    declare_positional(app, what_, "POD", "POD[:N]|SOURCE", "the version, directory, archive or instance");
  }

  Outcome run(Session& session) override {
    const Side side = side_of(session, what_);
    const auto judgements = pod::judge(side.snapshot, session.context());
    const VerdictCounts counts = count_verdicts(judgements);
    if (!session.json()) {
      session.page();
      print_judgements(session, judgements, session.options().verbose);
      session.out().line(fmt::format("{}: {}  {}", pod::printable(side.name), pod::verdict_name(counts.worst()),
                                     verdict_counts_text(counts)));
    }
    return {.data = {{"source", json_text(side.name)},
                     {"version", version_json(side)},
                     {"verdict", pod::verdict_name(counts.worst())},
                     {"files", json_each(judgements)}},
            .exit = counts.worst() == pod::Verdict::accept ? exit_status::done : exit_status::refused};
  }

 private:
  std::string what_;
};

}  // namespace

std::unique_ptr<Command> make_verify() { return std::make_unique<Verify>(); }

}  // namespace podgit
