// What the files of a tree say: from the models that the version keeps, else from the files.
#pragma once

#include "flow/capture_memory.hpp"
#include "snapshot/tree_view.hpp"

#include <libpod/context.hpp>
#include <libpod/resources.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::flow {

/// A version's own word of `file` where it has one of the current rules that fits the file, else read from it. Somebody
/// else may have written that word: good for showing, never for deciding.
StateReading reading_of(const snapshot::TreeView& view, const FileEntry& file);

/// The resources in the model that the version keeps, where this store made it from such a file: never a stranger's
/// word.
std::optional<std::vector<Resource>> own_model(const snapshot::TreeView& view, const FileEntry& file,
                                               const CaptureMemory& memory);

/// What git calls a blob that holds these bytes.
Oid blob_id(std::string_view bytes);

/// Whether the file consists of these bytes. Told by the ids of the blob or the chunks: no content is read.
/// Error(corrupt) where a file of chunks is none.
bool has_bytes(const snapshot::TreeView& view, const FileEntry& file, std::string_view bytes);

/// From the file alone.
StateReading read_again(const snapshot::TreeView& view, const FileEntry& file);

/// A state file in memory; Error(refused) past reading::size_limit.
std::string load(const snapshot::TreeView& view, const FileEntry& file);

}  // namespace pod::flow
