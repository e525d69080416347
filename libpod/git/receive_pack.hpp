// The server's side of a push as git's wire protocol has it, version 0: what it advertises, what it is told, what it
// answers. The pack that comes along is read over: whoever serves has the objects by another way.
//
//   advertisement  pkt-line* flush      "<id> <name>", behind the first a NUL and the capabilities
//   request        pkt-line* flush pack "<old> <new> <name>", behind the first a NUL and capabilities
//   report         pkt-line* flush      "unpack ok", then "ok <name>" or "ng <name> <reason>"
#pragma once

#include <libpod/names.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::git {

struct RemoteHead {
  std::string name;
  Oid id;
  std::string points_to;  // of HEAD: the branch
};

/// `have`: commits that need not be sent, though no ref names them.
std::string advertise(const std::vector<RemoteHead>& heads, const std::vector<Oid>& have);

struct RefCommand {
  std::string name;
  Oid before;  // zero: there was none
  Oid after;   // zero: it is to go
};

/// Takes a request as it comes, in any pieces. One thread at a time.
class PushRequest {
 public:
  /// Error(corrupt) for what is no request; Error(refused) past 16 MiB of commands.
  void add(std::string_view bytes);
  /// The commands, once they are all there.
  const std::optional<std::vector<RefCommand>>& commands() const noexcept { return whole_; }

 private:
  std::string bytes_;
  std::vector<RefCommand> read_;
  std::optional<std::vector<RefCommand>> whole_;
};

struct RefReport {
  std::string name;
  std::string refusal;  // empty: done
};
std::string report(const std::vector<RefReport>& refs);

}  // namespace pod::git
