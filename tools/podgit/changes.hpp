// How differences between two versions are shown: one line a file, or one line a service.
#pragma once

#include "envelope.hpp"
#include "session.hpp"

#include <libpod/snapshot.hpp>

#include <string>
#include <vector>

namespace podgit {

/// "+ path  1.2 KiB", "- path  …", "~ path  1.2 KiB -> 1.4 KiB".
void print_changes(Session& session, const std::vector<pod::FileChange>& changes);
/// A line a service with counts and bytes, then the sum where there is more than one.
void print_change_summary(Session& session, const std::vector<pod::FileChange>& changes, std::string_view indent = "");
/// "3 files changed, 1 added, 2 removed"; "no differences".
std::string change_counts(const std::vector<pod::FileChange>& changes);
Json change_totals(const std::vector<pod::FileChange>& changes);

/// What `version` changed against the one before it; for a first version, everything is added.
std::vector<pod::FileChange> changes_of(const pod::Store& store, const pod::Version& version);

}  // namespace podgit
