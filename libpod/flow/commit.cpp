#include "flow/comparison.hpp"
#include "flow/scratch_objects.hpp"
#include "flow/source_tree.hpp"
#include "flow/state_models.hpp"

#include "base/files.hpp"
#include "store/engine.hpp"

#include <libpod/error.hpp>
#include <libpod/flow.hpp>

#include <memory>
#include <optional>

namespace pod {
namespace {

using Milliseconds = std::chrono::milliseconds;

Milliseconds since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - start);
}

std::string default_message(const Source& source) {
  switch (source.kind()) {
    case Source::Kind::instance: return "State of " + source.display();
    case Source::Kind::directory: return "Files of " + source.display();
    case Source::Kind::archive: break;
  }
  return "Import of " + source.path().filename().string();
}

std::shared_ptr<const snapshot::TreeView> view_of(store::Engine& engine, const std::optional<Version>& version) {
  if (!version) return nullptr;
  return std::make_shared<const snapshot::TreeView>(engine.repository().objects(), version->tree);
}

/// Of files that were read just now, and of those that this store read when it captured them.
flow::KnownResources known_here(const flow::SourceTree& captured, const flow::FolderMemory& memory) {
  return [&](const snapshot::TreeView& view, const FileEntry& file) -> std::optional<std::vector<Resource>> {
    if (view.tree() == captured.tree)
      for (const StateReading& reading : captured.readings)
        if (reading.path == file.path) return reading.resources;
    return flow::own_model(view, file, memory.captures);
  };
}

/// Resources that differ, for people.
void count_resources(CommitResult& result, const flow::SourceTree& captured, const flow::FolderMemory& memory,
                     const std::shared_ptr<const snapshot::TreeView>& before,
                     const std::shared_ptr<const snapshot::TreeView>& after, const Context& context) {
  if (!before && captured.resources) {
    result.resources_added = *captured.resources;
    return;
  }
  if (!before) {
    for (const StateReading& file : inventory(Snapshot(after), context).files)
      result.resources_added += file.resources.size();
    return;
  }
  result.differences =
      flow::compare(Snapshot(before), Snapshot(after), {.fields = false}, known_here(captured, memory), context);
  for (const ResourceChange& change : result.differences.resources) {
    if (change.kind == ChangeKind::added)
      ++result.resources_added;
    else if (change.kind == ChangeKind::removed)
      ++result.resources_removed;
    else
      ++result.resources_changed;
  }
}

std::vector<FileChange> changes_between(const std::shared_ptr<const snapshot::TreeView>& before,
                                        const std::shared_ptr<const snapshot::TreeView>& after,
                                        const flow::SourceTree& captured) {
  if (before) return diff(Snapshot(before), Snapshot(after));
  std::vector<FileChange> changes;
  for (const FileEntry& file : captured.entries.empty() ? after->files() : captured.entries)
    changes.push_back({file.path, FileChange::Kind::added, 0, file.size});
  return changes;
}

bool holds(store::Engine& engine, const std::optional<Version>& version, const Oid& state) {
  return version && snapshot::state_id(*engine.repository().objects(), version->tree) == state;
}

void fill(CommitResult& result, const flow::SourceTree& captured) {
  result.info = captured.info;
  result.files = captured.files;
  result.bytes = captured.bytes;
  result.verdict = captured.verdict;
  result.capture_time = captured.source_time;
}

/// Captures and compares beside the store; its objects go with the spool.
CommitResult rehearse(store::Engine& engine, const PodName& pod, const Source& source, const CommitOptions& options,
                      const base::TempFolder& spool, const Context& context) {
  CommitResult result;
  const std::optional<Version> latest = engine.latest(pod);
  const auto before = view_of(engine, latest);
  const flow::FolderMemory memory(engine);
  flow::ScratchObjects scratch(spool.path(), engine.repository().objects(), context);
  const flow::SourceTree captured =
      flow::capture_source(source, options.services, before.get(), spool.path(), scratch.pack(), context, &memory);
  fill(result, captured);
  result.version = latest;
  if (holds(engine, latest, captured.state)) return result;
  const auto after = std::make_shared<const snapshot::TreeView>(scratch.finish(), captured.tree);
  result.changes = changes_between(before, after, captured);
  count_resources(result, captured, memory, before, after, context);
  return result;
}

}  // namespace

CommitResult commit(Store& store, const PodName& pod, const Source& source, const CommitOptions& options,
                    const Context& context) {
  const auto start = std::chrono::steady_clock::now();
  store::Engine& engine = store.engine();
  // A store that cannot be written says so before an emulator is asked, and what a killed writer left is repaired.
  if (!options.dry_run) (void)engine.lock(context);

  const base::TempFolder spool(engine.spool_folder());
  if (options.dry_run) {
    CommitResult result = rehearse(engine, pod, source, options, spool, context);
    result.store_time = since(start) - result.capture_time;
    return result;
  }

  CommitResult result;
  // First of all: what the store is found to have stays there until the version names it.
  auto pack = engine.pack_writer(context);
  std::optional<Version> latest = engine.latest(pod);
  const flow::FolderMemory memory(engine);
  const flow::SourceTree captured = flow::capture_source(source, options.services, view_of(engine, latest).get(),
                                                         spool.path(), pack, context, &memory);
  fill(result, captured);

  // Without the lock until here: a slow emulator holds up nobody. What others committed meanwhile becomes the parent.
  const store::WriterLock lock = engine.lock(context);
  latest = engine.latest(pod);
  if (holds(engine, latest, captured.state)) {
    result.version = latest;
  } else {
    context.cancel->check();
    result.version =
        engine.commit_version(lock, pack,
                              {.pod = pod,
                               .tree = captured.tree,
                               .parent = latest,
                               .message = options.message.empty() ? default_message(source) : options.message,
                               .author = options.author,
                               .verb = options.verb,
                               .captured = source.is_instance()},
                              context);
    result.created = true;
    result.bytes_added = pack.result().bytes;
    try {
      const auto before = view_of(engine, latest);
      const auto after = view_of(engine, result.version);
      result.changes = changes_between(before, after, captured);
      count_resources(result, captured, memory, before, after, context);
    } catch (Error& error) {
      throw error.keeping("version " + quote(result.version->str()) + " was made");
    }
  }
  // Now that the objects are there.
  memory.captures.save(captured.captures);
  if (captured.seen) memory.caches.save(source.path(), *captured.seen);
  result.store_time = since(start) - result.capture_time;
  return result;
}

}  // namespace pod
