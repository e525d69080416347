#include "service_outcomes.hpp"

#include <fmt/format.h>

namespace podgit {

std::size_t report_failed_services(Session& session, const std::vector<pod::ServiceOutcome>& services) {
  std::size_t failed = 0;
  for (const auto& outcome : services) {
    if (outcome.ok) {
      session.detail(fmt::format("{}: {}", outcome.service, outcome.message.empty() ? "done" : outcome.message));
      continue;
    }
    ++failed;
    session.warn(fmt::format("{} was left as it was: {}", pod::quote(outcome.service), outcome.message));
  }
  return failed;
}

}  // namespace podgit
