// What a store remembers of folders that it captured or checked out: files that did not change are not read again.
#pragma once

#include "git/object_database.hpp"
#include "snapshot/stat_cache.hpp"
#include "store/engine.hpp"

#include <memory>

namespace pod::flow {

struct FolderMemory {
  explicit FolderMemory(store::Engine& engine);

  snapshot::StatCaches caches;
  std::shared_ptr<git::ObjectDatabase> objects;
  /// Whether the store still has what `file` names.
  bool holds(const snapshot::KnownFile& file) const {
    return objects->knows(file.id) && (file.model.is_zero() || objects->knows(file.model));
  }
};

}  // namespace pod::flow
