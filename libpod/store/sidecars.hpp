// Files beside the versions that can be made again at any time.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pod::store {

/// Those below `pod/` (pod/stat, pod/numbers, pod/captures, pod/gc) that do not have their checksum, as paths in the
/// store.
std::vector<std::string> damaged_sidecars(const std::filesystem::path& store);
/// Stock git's files beside packs (.rev, .bitmap, .mtimes, multi-pack-index, commit-graph), the same way; libpod does
/// not read them. As paths below `objects`.
std::vector<std::string> damaged_side_files(const std::filesystem::path& objects);

}  // namespace pod::store
