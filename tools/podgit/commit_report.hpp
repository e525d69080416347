// What commit and import say about the version they made.
#pragma once

#include "command.hpp"

#include <libpod/flow.hpp>

#include <string_view>

namespace podgit {

struct CommitReport {
  bool dry_run = false;
  std::string_view source = "emulator";  // whose part the capture was
  bool verdict = false;                  // of a stranger's state
};

Outcome report_commit(Session& session, const pod::Store& store, const pod::PodName& pod,
                      const pod::CommitResult& result, const CommitReport& report);

}  // namespace podgit
