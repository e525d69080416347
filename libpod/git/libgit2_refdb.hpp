// Refs as libgit2 sees them: a backend that only reads, for what git's revision syntax asks.
#pragma once

#include "git/libgit2.hpp"
#include "git/refs.hpp"

namespace pod::git {

/// `refs` outlives it.
RefdbHandle make_libgit2_refdb(git_repository* repository, const RefFiles& refs);

}  // namespace pod::git
