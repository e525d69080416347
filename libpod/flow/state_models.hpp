// What the files of a tree say: from the models that the version keeps, else from the files.
#pragma once

#include "snapshot/tree_view.hpp"

#include <libpod/context.hpp>
#include <libpod/resources.hpp>

#include <string>

namespace pod::flow {

/// A version's own word of `file` where it has one of the current rules that fits the file, else read from it. Somebody
/// else may have written that word: good for showing, never for deciding.
StateReading reading_of(const snapshot::TreeView& view, const FileEntry& file);

/// From the file alone.
StateReading read_again(const snapshot::TreeView& view, const FileEntry& file);

/// A state file in memory; Error(refused) past reading::size_limit.
std::string load(const snapshot::TreeView& view, const FileEntry& file);

}  // namespace pod::flow
