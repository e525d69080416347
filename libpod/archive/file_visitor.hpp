// What both kinds of archive call with their files.
#pragma once

#include "base/stream.hpp"

#include <functional>

namespace pod::archive {

/// Gets the index of a file among the entries and its bytes, which it may leave half read; false: no more files.
using FileVisitor = std::function<bool(std::size_t, base::ByteSource&)>;

}  // namespace pod::archive
