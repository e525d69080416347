// A tar archive inside zstd frames, read as a stream.
//
// Taken are regular files and folders in the three dialects that tar programs write today: ustar, pax (records `path`
// and `size`; others are skipped), GNU (long names). Not taken: links, devices, sparse files, volumes, global paths,
// and anything behind the two zero blocks that end a tar. A cut stream is an error wherever it is cut: inside a frame,
// inside an entry, or before the end blocks.
#pragma once

#include "archive/archive.hpp"
#include "archive/file_visitor.hpp"
#include "archive/positioned_file.hpp"

#include <vector>

namespace pod::archive {

/// Reads the whole archive once. Throws as Reader does.
std::vector<Entry> check_tar(const PositionedFile& file, const Limits& limits, const CancelToken& cancel);

/// `entries` as check_tar() gave them. Checks all of it again, since the file may have changed.
void visit_tar(const PositionedFile& file, const std::vector<Entry>& entries, const Limits& limits,
               const CancelToken& cancel, const FileVisitor& visit);

}  // namespace pod::archive
