// What commit and import say about the version they made.
#pragma once

#include "command.hpp"

#include <libpod/flow.hpp>

#include <string_view>

namespace podgit {

struct CommitReport {
  bool dry_run = false;
  std::string_view source = "emulator";  // whose part the capture was
};

Outcome report_commit(Session& session, const pod::PodName& pod, const pod::CommitResult& result,
                      const CommitReport& report);

}  // namespace podgit
