// A pack that lost its index, or was given its name just before its writer was killed.
#pragma once

#include <filesystem>

namespace pod::git {

/// Reads the pack whole and writes the index that stock git would, durably, beside it. False, with nothing written,
/// where the pack is damaged or holds deltas (packs of ours do not; `git index-pack` reads those). Cost: inflates all
/// of it. Error(io) where it cannot be read or written.
bool rebuild_index(const std::filesystem::path& pack);

}  // namespace pod::git
