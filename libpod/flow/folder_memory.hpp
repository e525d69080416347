// What a store remembers of folders that it captured or checked out, and of what instances sent: files that did not
// change are not read again.
#pragma once

#include "flow/capture_memory.hpp"
#include "git/object_database.hpp"
#include "snapshot/stat_cache.hpp"
#include "store/engine.hpp"

#include <memory>
#include <string>

namespace pod::flow {

struct FolderMemory {
  explicit FolderMemory(store::Engine& engine);

  snapshot::StatCaches caches;
  CaptureMemory captures;
  std::shared_ptr<git::ObjectDatabase> objects;
  /// Whether the store still has what `file` names.
  bool holds(const snapshot::KnownFile& file) const {
    return objects->knows(file.id) && (file.model.is_zero() || objects->knows(file.model));
  }
  bool holds(const KnownCapture& file) const { return objects->knows(file.id) && objects->knows(file.model); }

 private:
  FolderMemory(store::Engine& engine, const std::string& maker);
};

/// Of files that nobody has looked into: those that no verdict is asked of need none.
void judge_by_path(snapshot::StatCache& cache);

}  // namespace pod::flow
