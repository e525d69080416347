#include "flow/folder_memory.hpp"

#include "digest/digest.hpp"
#include "flow/state_intake.hpp"
#include "metamodel/rules.hpp"
#include "policy/manifest.hpp"
#include "reading/state_file.hpp"

namespace pod::flow {
namespace {

/// Whatever a reading, a model or a verdict depends on beside the file. What was noted before a gc took objects away is
/// another maker's: a large file's tree may be there and a part of it gone.
std::string maker() {
  digest::Sha256 manifests;
  for (const std::string_view manifest : policy::committed_manifests()) manifests.update(manifest);
  return "reading " + std::to_string(reading::number) + ", rules " +
         std::to_string(metamodel::Rules::built_in().number()) + ", classes " +
         digest::hex(manifests.finish()).substr(0, 16);
}

}  // namespace

FolderMemory::FolderMemory(store::Engine& engine)
    : FolderMemory(engine, maker() + ", removals " + std::to_string(engine.removals())) {}

FolderMemory::FolderMemory(store::Engine& engine, const std::string& maker)
    : caches(engine.stat_folder(), maker),
      captures(engine.stat_folder().parent_path(), maker),
      objects(engine.repository().objects()) {}

void judge_by_path(snapshot::StatCache& cache) {
  for (auto& [folder, files] : cache.folders)
    for (snapshot::KnownFile& file : files)
      if (!file.judged)
        file.judged = !StateIntake::wants(StatePath::parse(folder.empty() ? file.name : folder + '/' + file.name));
}

}  // namespace pod::flow
