// What an object from elsewhere must look like before anybody relies on it.
//
// Stricter than stock git's `fsck --strict`: whatever passes here, that finds nothing to say about. What the objects
// name is not looked at.
#pragma once

#include "git/object_database.hpp"

#include <string_view>

namespace pod::git {

/// Error(corrupt) for what is no object of its type as git writes it, Error(refused) for what is one but may not be
/// taken: links and commits in trees, names that something gives a meaning to, more than 256 parents. Blobs may be
/// anything. Cost: reads it once; no memory but for a tree's entries.
void check_strictly(const Oid& id, ObjectType type, std::string_view content);

}  // namespace pod::git
