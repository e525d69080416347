// One verb of the tool.
#pragma once

#include "envelope.hpp"
#include "errors.hpp"
#include "session.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace podgit {

struct Description {
  std::string_view name;       // "commit", "state export"
  std::string_view synopsis;   // what stands behind the name, e.g. "POD [-m MSG]"
  std::string_view summary;    // one line, no full stop
  std::string_view examples;   // one a line
  std::string_view details;    // paragraphs; filled to the page when shown
  std::string_view unchanged;  // what still holds when it fails; empty for commands that only read
};

struct Outcome {
  Json data = Json::object();
  int exit = exit_status::done;
  bool partial = false;

  static Outcome partly(Json data) { return {std::move(data), exit_status::partial, true}; }
};

class Command {
 public:
  virtual ~Command() = default;
  virtual const Description& description() const = 0;
  /// Options and positionals. The name of a value's type ("POD", "FILE", …) is what completion goes by.
  virtual void declare(CLI::App& app) = 0;
  virtual Outcome run(Session& session) = 0;
};

/// All of them, in the order of the help.
const std::vector<std::unique_ptr<Command> (*)()>& command_makers();
std::vector<std::unique_ptr<Command>> all_commands();

}  // namespace podgit
