// A quarantine's objects in front of the store's: what the store will be once they are taken.
#pragma once

#include "git/object_database.hpp"

#include <memory>
#include <vector>

namespace pod::remote {

/// Asks `upper` first. Safe. Packs that come to `upper` later are not seen.
std::shared_ptr<git::ObjectDatabase> layered(std::shared_ptr<git::ObjectDatabase> upper,
                                             std::shared_ptr<git::ObjectDatabase> lower);

}  // namespace pod::remote
