// How differences between two versions are shown: one line a file, or one line a service.
#pragma once

#include "envelope.hpp"
#include "session.hpp"

#include <libpod/resources.hpp>
#include <libpod/snapshot.hpp>

#include <optional>
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

/// The version before it, under the name of the same pod.
std::optional<pod::Version> predecessor(const pod::Store& store, const pod::Version& version);

/// What differs, as far as both sides speak of it: a service that a version did not capture is unknown in it, not gone.
struct Comparison {
  std::vector<pod::FileChange> changes;
  std::vector<std::string> unknown;  // services that one side has and the other did not capture
};
/// Takes what is gone from services that `after` did not capture, and what is new in those that `before` did not.
Comparison comparison_of(std::vector<pod::FileChange> changes, const pod::SnapshotInfo& before,
                         const pod::SnapshotInfo& after);
Comparison compare_files(const pod::Snapshot& before, const pod::Snapshot& after);
/// Without `before` everything is added.
Comparison compare(const pod::Store& store, const std::optional<pod::Version>& before, const pod::Version& after);
/// The resources that differ; without `before` all of them are added.
pod::ResourceDiff compare_resources(const pod::Store& store, const std::optional<pod::Version>& before,
                                    const pod::Version& after, bool fields, const pod::Context& context);
/// As if there had been nothing before.
pod::ResourceDiff all_added(const pod::Inventory& inventory);
/// "s3 is not compared: one of the two did not capture it"
std::string unknown_text(const std::vector<std::string>& services);

}  // namespace podgit
