// The structure of a zip file, checked before libarchive sees the first byte of it.
//
//   file    = { entry } directory [ end64 locator ] end
//   entry   = local-header name extra data [ descriptor ]       one after the other from byte 0
//   directory = { central-header name extra comment }
//
// A zip says most things twice, and attacks live where readers trust different copies. Taken is only a file whose
// copies agree: names, methods, flags, CRCs and sizes of local and central headers, descriptors, the numbers of both
// end records; entries that do not overlap, that fill the file from its first byte to the directory, and nothing behind
// the end record. Methods: stored and deflate. Not taken: encryption, several disks, links and devices.
#pragma once

#include "archive/archive.hpp"
#include "archive/positioned_file.hpp"

#include <vector>

namespace pod::archive {

/// The entries in the order of their data. Throws as Reader does. Cost: the directory is read once in windows, and one
/// short read an entry.
std::vector<Entry> check_zip(const PositionedFile& file, const Limits& limits, const CancelToken& cancel);

}  // namespace pod::archive
