#include "flow/placing.hpp"

#include "base/files.hpp"
#include "flow/instance_archive.hpp"
#include "flow/scratch_objects.hpp"
#include "flow/service_choice.hpp"
#include "flow/source_tree.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace pod::flow {
namespace {

std::vector<std::string> touched(const SnapshotInfo& info) {
  std::vector<std::string> names = info.captured;
  names.insert(names.end(), info.empty.begin(), info.empty.end());
  std::sort(names.begin(), names.end());
  return names;
}

/// Takes the services that could not be saved out of `info`; an outcome for each.
std::vector<ServiceOutcome> spare_unsaved(SnapshotInfo& info, const SnapshotInfo& saved) {
  std::vector<ServiceOutcome> outcomes;
  for (const ServiceFailure& failure : saved.failed) {
    const auto removed = std::erase(info.captured, failure.service) + std::erase(info.empty, failure.service);
    if (removed == 0) continue;
    outcomes.push_back(
        {failure.service, false, "left as it is, since it cannot be saved before: " + printable(failure.reason)});
  }
  return outcomes;
}

std::string way_back(bool kept) {
  return kept ? "what the instance held before is saved; podgit undo brings it back" : "no safety version was taken";
}

/// Whether an error of a post leaves open what the instance did. A stop may come after the last byte was sent.
bool leaves_open(const Error& error) {
  return error.code() == ErrorCode::outcome_unknown || error.code() == ErrorCode::cancelled;
}

void drop_quietly(store::Engine& engine, const store::WriterLock& lock, const Operation& operation) {
  try {
    engine.drop_inject(lock, operation);
  } catch (const Error&) {
    // The line stays: an undo of it puts back what is there already.
  }
}

/// account/service/region of a state file, "" for others.
std::string triple_of(const StatePath& path) {
  const auto parts = path.components();
  if (parts.size() < 5 || parts[0] != "api_states") return {};
  return std::string(parts[1]) + '/' + std::string(parts[2]) + '/' + std::string(parts[3]);
}

using FilesByPath = std::map<StatePath, FileEntry>;

FilesByPath select(const std::vector<FileEntry>& files, const std::function<bool(const FileEntry&)>& wanted) {
  FilesByPath out;
  for (const FileEntry& file : files)
    if (wanted(file)) out.emplace(file.path, file);
  return out;
}

/// What the instance would hold: `now` without what `incoming` replaces, and `incoming`.
FilesByPath joined(const FilesByPath& now, const FilesByPath& incoming, const Placing& placing) {
  const std::vector<std::string> names = touched(placing.info);
  const std::set<std::string, std::less<>> services(names.begin(), names.end());
  std::set<std::string> triples;
  for (const auto& [path, file] : incoming) triples.insert(triple_of(path));
  const auto replaced = [&](const StatePath& path) {
    if (placing.strategy == Strategy::overwrite) return services.contains(service_of(path));
    const std::string triple = triple_of(path);
    return !triple.empty() && triples.contains(triple);
  };
  FilesByPath after = incoming;
  for (const auto& [path, file] : now)
    if (!replaced(path)) after.emplace(path, file);
  return after;
}

std::vector<FileChange> changes_between(const FilesByPath& now, const FilesByPath& after) {
  std::vector<FileChange> changes;
  for (const auto& [path, file] : now)
    if (!after.contains(path)) changes.push_back({path, FileChange::Kind::removed, file.size, 0});
  for (const auto& [path, file] : after) {
    const auto old = now.find(path);
    if (old == now.end())
      changes.push_back({path, FileChange::Kind::added, 0, file.size});
    else if (old->second.id != file.id)
      changes.push_back({path, FileChange::Kind::changed, old->second.size, file.size});
  }
  std::sort(changes.begin(), changes.end(), [](const FileChange& a, const FileChange& b) { return a.path < b.path; });
  return changes;
}

void require_something(const Placing& placing) {
  if (!placing.info.captured.empty() || !placing.info.empty.empty()) return;
  throw Error(ErrorCode::incompatible, quote(placing.version) + " holds no state that an instance could take")
      .because("it has no files below api_states/<account>/<service>/<region>/ or assets/<service>/")
      .keeping("the instance was not changed");
}

/// One safety version and one post.
struct Attempt {
  store::Engine& engine;
  instance::HttpInstance& instance;
  const Placing& placing;
  bool force;
  const store::WriterLock& lock;
  const std::filesystem::path& spool;
  const FolderMemory& memory;
  const Context& context;

  SourceTree save(const SnapshotInfo& info, git::PackWriter& pack) const {
    try {
      return capture_instance(instance, touched(info), &placing.snapshot.view(), spool, pack, context, &memory);
    } catch (Error& error) {
      error.within("cannot save what the instance holds");
      throw error.keeping("the instance was not changed");
    }
  }

  /// Nothing where the instance holds something else than what was saved.
  std::optional<Placed> run(const std::filesystem::path& archive) const {
    SnapshotInfo info = placing.info;
    auto pack = engine.pack_writer(context);
    Placed placed;
    std::optional<Oid> safety_tree;
    std::optional<std::string> if_digest;
    std::vector<KnownCapture> captures;
    if (placing.keep_safety_version) {
      SourceTree before = save(info, pack);
      captures = std::move(before.captures);
      safety_tree = before.tree;
      if (!before.digest.empty()) if_digest = before.digest;
      placed.services = spare_unsaved(info, before.info);
      if (!placed.services.empty()) write_instance_archive(placing.snapshot, info, placing.trust, archive, context);
    }
    if (info.captured.empty() && info.empty.empty()) return placed;

    context.cancel->check();
    const Operation operation = engine.begin_inject(lock, pack, safety_tree, placing.url, placing.commit, placing.what,
                                                    placing.author, placing.undoes, context);
    memory.captures.save(captures);
    std::vector<ServiceOutcome> outcomes;
    try {
      outcomes = instance.inject(archive, placing.strategy, force, placing.version, if_digest);
    } catch (Error& error) {
      if (leaves_open(error)) throw error.keeping(way_back(placing.keep_safety_version));
      drop_quietly(engine, lock, operation);
      if (error.code() == ErrorCode::conflict && if_digest) return std::nullopt;
      throw;
    }
    const bool changed = std::any_of(outcomes.begin(), outcomes.end(), [](const ServiceOutcome& o) { return o.ok; });
    placed.services.insert(placed.services.end(), outcomes.begin(), outcomes.end());
    std::sort(placed.services.begin(), placed.services.end(),
              [](const ServiceOutcome& a, const ServiceOutcome& b) { return a.service < b.service; });
    if (changed)
      placed.operation = operation;
    else
      drop_quietly(engine, lock, operation);
    return placed;
  }
};

}  // namespace

Placed place(store::Engine& engine, instance::HttpInstance& instance, const Placing& placing, bool force,
             const Context& context) {
  require_something(placing);
  const base::TempFolder spool(engine.spool_folder());
  const auto archive = spool.path() / "inject.zip";
  write_instance_archive(placing.snapshot, placing.info, placing.trust, archive, context);

  // One inject at a time from this store: the state that is saved is the one that the post replaces.
  const store::WriterLock lock = engine.lock(context);
  const FolderMemory memory(engine);
  constexpr int attempts = 5;
  for (int attempt = 0; attempt < attempts; ++attempt)
    if (auto placed = Attempt{engine, instance, placing, force, lock, spool.path(), memory, context}.run(archive))
      return *std::move(placed);
  throw Error(ErrorCode::busy, "the instance changes faster than it can be saved")
      .because("clients changed it between safety version and inject, " + std::to_string(attempts) + " times in a row")
      .keeping("the instance was not changed")
      .hint("let its clients rest for a moment and run the command again");
}

std::vector<FileChange> rehearse(store::Engine& engine, instance::HttpInstance& instance, const Placing& placing,
                                 std::vector<ServiceOutcome>& services, const Context& context) {
  require_something(placing);
  const base::TempFolder spool(engine.spool_folder());
  write_instance_archive(placing.snapshot, placing.info, placing.trust, spool.path() / "inject.zip", context);
  const FolderMemory memory(engine);
  ScratchObjects scratch(spool.path(), engine.repository().objects(), context);
  const SourceTree before = capture_instance(instance, touched(placing.info), &placing.snapshot.view(), spool.path(),
                                             scratch.pack(), context, &memory);
  Placing possible = placing;
  if (placing.keep_safety_version) services = spare_unsaved(possible.info, before.info);

  const snapshot::TreeView now_view(scratch.finish(), before.tree);
  const FilesByPath now = select(now_view.files(), [](const FileEntry&) { return true; });
  const FilesByPath incoming = select(placing.snapshot.files(), files_of(possible.info));
  for (const std::string& service : touched(possible.info)) {
    const auto count = std::count_if(incoming.begin(), incoming.end(),
                                     [&](const auto& item) { return service_of(item.first) == service; });
    services.push_back({service, true, std::to_string(count) + (count == 1 ? " file" : " files")});
  }
  std::sort(services.begin(), services.end(),
            [](const ServiceOutcome& a, const ServiceOutcome& b) { return a.service < b.service; });
  return changes_between(now, joined(now, incoming, possible));
}

}  // namespace pod::flow
