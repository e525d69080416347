// Contents of a zip file whose structure check_zip() has taken. libarchive inflates; it sees what was checked.
#pragma once

#include "archive/archive.hpp"
#include "archive/file_visitor.hpp"
#include "archive/positioned_file.hpp"

#include <vector>

namespace pod::archive {

/// `entries` as check_zip() gave them. The last bytes of a file come out only after its size and CRC were right, so the
/// limits that were checked on the declared sizes hold for what comes out. Throws Error(corrupt), Error(io).
void visit_zip(const PositionedFile& file, const std::vector<Entry>& entries, const CancelToken& cancel,
               const FileVisitor& visit);

}  // namespace pod::archive
