// compare() for whoever knows already what some of the files hold.
#pragma once

#include "snapshot/tree_view.hpp"

#include <libpod/context.hpp>
#include <libpod/resources.hpp>
#include <libpod/snapshot.hpp>

#include <functional>
#include <optional>
#include <vector>

namespace pod::flow {

/// The resources of a file of one of the two versions, as `view` has it; nullopt where the file has to say it. Never a
/// stranger's word.
using KnownResources =
    std::function<std::optional<std::vector<Resource>>(const snapshot::TreeView& view, const FileEntry& file)>;

ResourceDiff compare(const Snapshot& from, const Snapshot& to, const DiffOptions& options, const KnownResources& known,
                     const Context& context);

}  // namespace pod::flow
