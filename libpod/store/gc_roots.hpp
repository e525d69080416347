// What keeps objects alive: all refs, HEAD, reflogs, and what undo of the newest operation needs.
#pragma once

#include "git/repository.hpp"
#include "store/journal.hpp"

#include <string>
#include <vector>

namespace pod::store {

struct GcRoot {
  Oid id;
  std::string name;        // for errors
  bool must_exist = true;  // not where a reflog or the journal tells of it
};

/// Without the refs in `without`. Newest history first, so that it is walked from its end. Error(corrupt) where a ref
/// cannot be read.
std::vector<GcRoot> gc_roots(const git::Repository& repository, const Journal& journal,
                             const std::vector<git::Ref>& without);

}  // namespace pod::store
