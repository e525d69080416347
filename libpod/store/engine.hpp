// Inside a Store: the repository with its lock, journal and format marker. For `flow` and, later, `remote`.
//
//   <store>/            a bare git repository
//     pod/format        {"format": 1, "check": "<sha256>"}: read first, a newer one is refused
//     pod/lock          flock of the writer; its text (pid, host, since) is for messages only
//     pod/journal       one operation a line, JSON, "sha256 of the line before" chained; appended with fsync
//     pod/captures      what is known of state files that instances sent (flow/capture_memory.hpp); the same
//     pod/hold          flock, shared: somebody relies on objects that no ref names; whole: a gc takes objects away
//     pod/removals      how often a gc took objects away: notes from before are not believed
//     pod/gc            what the last gc left (store/gc_note.hpp); may be removed at any time
//     pod/stat/         what files of captured folders were (snapshot/stat_cache.hpp); may be removed at any time
//     pod/remotes/      what was seen of remotes last (flow/remote_memory.hpp); may be removed at any time
//     pod/incoming/     packs on their way from a remote, until they are checked; may be removed at any time
//     pod/buckets/      what the buckets of remotes were found to do; may be removed at any time
//     pod/uploads/      what broken uploads have sent already; the same
//     pod/tmp/          spools (base::TempFolder, each flocked by its user, who need not hold the writer lock); the
//                       next writer sweeps those, and the `objects/pack/tmp_*`, that nobody holds
#pragma once

#include "base/files.hpp"
#include "git/pack_writer.hpp"
#include "git/repository.hpp"
#include "snapshot/tree_view.hpp"

#include <libpod/store.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace pod::store {

/// Holds the writer lock while it lives. Taking it repairs what a killed writer left: a stale *.lock of a ref, a cut
/// last line of the journal, an operation that was announced and did not happen (its ref is still `before`), spools.
class WriterLock {
 public:
  WriterLock(WriterLock&&) noexcept;
  ~WriterLock();

 private:
  friend class Engine;
  WriterLock();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Held by whoever relies on objects that nothing refers to yet, or writes such: while one lives, no gc takes objects
/// away. Taken before the store's lock or after it.
class ObjectHold {
 public:
  explicit ObjectHold(base::Fd fd) : fd_(std::move(fd)) {}

 private:
  base::Fd fd_;
};

/// A pack writer that holds the objects that it finds in the store.
struct HeldPackWriter : ObjectHold, git::PackWriter {
  HeldPackWriter(ObjectHold hold, std::shared_ptr<git::ObjectDatabase> existing, const std::filesystem::path& objects,
                 const Context& context)
      : ObjectHold(std::move(hold)), git::PackWriter(std::move(existing), objects, context) {}
};

struct NewVersion {
  PodName pod;
  Oid tree;
  std::optional<Version> parent;  // what the caller saw as the latest
  std::string message;
  Author author;
  std::string verb;       // for the journal
  bool captured = false;  // from an instance
};

/// One thread at a time.
class Engine {
 public:
  static std::unique_ptr<Engine> init(const std::filesystem::path& folder, const StoreOptions& options);
  static std::unique_ptr<Engine> open(const std::filesystem::path& folder, const StoreOptions& options);
  ~Engine();

  git::Repository& repository() noexcept;
  std::filesystem::path spool_folder() const;  // pod/tmp
  std::filesystem::path stat_folder() const;   // pod/stat

  /// Error(busy) after the options' wait, naming the holder; Error(denied) on a read-only store.
  WriterLock lock(const Context& context);
  /// A pack writer into this repository. Its objects are durable after finish(), before any ref names them. What it
  /// finds in the store stays there as long as it lives.
  HeldPackWriter pack_writer(const Context& context);
  /// Objects that are in the store stay there as long as it lives: for who reads many of them, or sends them elsewhere.
  ObjectHold hold(const Context& context);
  /// How often objects were taken away: notes of another number may name what is gone. Asked while something holds
  /// them.
  std::uint64_t removals() const;

  std::optional<Version> latest(const PodName& pod) const;
  /// Commit object, journal line, ref by compare-and-swap. `pack` is finished here, so that tree and commit are one
  /// pack. Error(conflict) where the pod has moved from `parent`.
  Version commit_version(const WriterLock&, git::PackWriter& pack, const NewVersion& version, const Context& context);

  /// A parentless commit of `tree` at refs/pod/undo/<16 hex of the URL's SHA-256>, and the journal line of an inject.
  /// Called before the instance is touched; the line is whole at once (killed in between, undo puts back what was
  /// there), `drop_inject` takes it back where the instance stayed as it was. `pack` is finished here.
  Operation begin_inject(const WriterLock&, git::PackWriter& pack, const std::optional<Oid>& safety_tree,
                         const std::string& url, const Oid& injected_commit, const std::string& what,
                         const Author& author, std::int64_t undoes, const Context& context);
  void drop_inject(const WriterLock&, const Operation& operation);

  Operation append(const WriterLock&, Operation operation,
                   const Context& context);                    // announces, moves the ref, completes
  std::vector<Operation> operations(std::size_t limit) const;  // newest first
  /// Whether the journal says that this store captured the commit from an instance. Cost: reads the journal.
  bool is_own_capture(const Oid& commit) const;

  struct Impl;
  Impl& impl() noexcept { return *impl_; }

 private:
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pod::store
