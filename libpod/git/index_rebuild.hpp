// A pack that lost its index, or was given its name just before its writer was killed.
#pragma once

#include <libpod/context.hpp>

#include <filesystem>

namespace pod::git {

/// Reads the pack whole, deltas too, and writes the index that stock git would, durably, beside it. False, with nothing
/// written, where the pack is damaged. Cost: inflates all of it. Error(io) where it cannot be read or written.
bool rebuild_index(const std::filesystem::path& pack, const Context& context = {});

}  // namespace pod::git
