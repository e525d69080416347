// State files in an archive: captured from it, written to it (the archive layout of FORMATS.md).
#pragma once

#include "archive/archive.hpp"
#include "snapshot/tree_builder.hpp"
#include "snapshot/tree_view.hpp"

#include <libpod/context.hpp>

#include <functional>
#include <optional>

namespace pod::snapshot {

/// What an archive says of itself: `.pod/info.json`, else the same members of `.pod/capture.json`, else `metadata.yaml`
/// (LocalStack), else only the services that have files.
SnapshotInfo read_info(archive::Reader& reader);

/// Adds every file but `.pod/`; `metadata.yaml` stays an ordinary file, byte for byte, unless an export of ours made it
/// (its first line says so). Without `wanted` all of them, with it those that it says. Where the archive has a
/// `.pod/capture.json`, contents are checked against it: Error(corrupt) for a digest or a size that differs, or an
/// entry that is missing.
void capture_archive(archive::Reader& reader, TreeBuilder& builder, const Context& context,
                     const std::function<bool(const StatePath&)>& wanted = {});

struct ExportLabels {
  std::string name;  // metadata.yaml's `name`: the pod, or the file's stem
};
/// Sorted by path; `metadata.yaml` is made from the info where the tree has none; `.pod/info.json` always, with only
/// the services whose files `wanted` takes (asked with a path below `api_states/`), so that what is read back says no
/// more than what is there. Returns the number of state files.
std::uint64_t write_archive(const TreeView& view, archive::Writer& writer, const ExportLabels& labels,
                            const std::function<bool(const FileEntry&)>& wanted, const Context& context);

}  // namespace pod::snapshot
