#include "commands.hpp"

#include "command.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>

namespace podgit {
namespace {

class ShowVersion final : public Command {
 public:
  const Description& description() const override {
    static const Description text{"version",
                                  "",
                                  "print podgit's version",
                                  "podgit version\n"
                                  "podgit version -v          # libpod and the store format too",
                                  "",
                                  ""};
    return text;
  }
  void declare(CLI::App&) override {}
  Outcome run(Session& session) override {
    if (!session.json()) {
      session.out().line(fmt::format("podgit {}", PODGIT_VERSION));
      if (session.options().verbose)
        session.out().line(fmt::format("libpod {}\nstore format {}", pod::version(), pod::store_format()));
    }
    return {.data = {{"podgit", PODGIT_VERSION}, {"libpod", pod::version()}, {"storeFormat", pod::store_format()}}};
  }
};

}  // namespace

std::unique_ptr<Command> make_version() { return std::make_unique<ShowVersion>(); }

}  // namespace podgit
