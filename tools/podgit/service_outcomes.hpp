// What became of each service of an inject, an import of state or an undo.
#pragma once

#include "session.hpp"

#include <libpod/instance.hpp>

#include <vector>

namespace podgit {

/// Warns of each service that failed; their number.
std::size_t report_failed_services(Session& session, const std::vector<pod::ServiceOutcome>& services);

}  // namespace podgit
