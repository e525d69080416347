// The refs below refs/pod that keep old tips and safety versions for undo, and when they are no longer needed.
#pragma once

#include "git/repository.hpp"
#include "store/journal.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <vector>

namespace pod::store {

/// Those of operations older than `keep` seconds. What the newest operation needs is never due, nor what the journal
/// does not know; where the journal is damaged nothing is, and it is said.
std::vector<git::Ref> due_undo_refs(const git::Repository& repository, const Journal& journal, std::int64_t keep,
                                    const Context& context);

}  // namespace pod::store
