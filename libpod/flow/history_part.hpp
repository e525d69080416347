// How much of a remote's history a store takes: what is new on top of what it has, and, where only the newest versions
// are asked for, so many of them.
#pragma once

#include "git/repository.hpp"

#include <libpod/context.hpp>

#include <cstddef>
#include <optional>
#include <unordered_set>
#include <vector>

namespace pod::flow {

struct HistoryPart {
  std::vector<Oid> commits;      // to be taken, with all that they hold
  std::size_t older = 0;         // how many of them lie behind what the store has of this history
  std::unordered_set<Oid> ends;  // commits of the store whose parents it does not have now, said or unsaid
  std::unordered_set<Oid> cut;   // of the whole store afterwards: commits whose parents it will not have
};

/// `offered`: every commit behind `tip`, and what the store has. `depth`: versions counted from the tip, also past
/// where the store's history is cut off now; nothing: down to what the store has. What lies between the tip and what
/// the store has is always taken, and what it has stays. Error(not_found) where a commit is missing. Cost: reads every
/// commit of the store, and every one behind the tip. Memory: 150 bytes a commit.
HistoryPart choose_part(const git::Repository& store, git::ObjectDatabase& offered, const Oid& tip,
                        std::optional<std::size_t> depth, const Context& context);

}  // namespace pod::flow
