// Which services of a version an operation touches.
//
// A version speaks for the services that it lists as captured or empty; the rest is unknown to it, not absent.
#pragma once

#include <libpod/snapshot.hpp>

#include <functional>
#include <string>
#include <vector>

namespace pod::flow {

/// The info of `snapshot` with only `asked` (empty: all) of its captured and empty services, and none of its failed
/// ones. Where the info lists no services, as that of a folder, those that have files are captured. Error(not_found)
/// for one that the version does not speak for; `name` is the version's in messages.
SnapshotInfo choose_services(const Snapshot& snapshot, const std::vector<std::string>& asked, const std::string& name);

/// Files of `info`'s captured services.
std::function<bool(const FileEntry&)> files_of(const SnapshotInfo& info);

}  // namespace pod::flow
