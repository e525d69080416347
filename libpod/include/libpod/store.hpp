// Pods and their versions, in a bare git repository that stock git reads.
//
//   auto store = pod::Store::open_or_init("/home/ada/.local/share/podgit");
//   for (const pod::PodSummary& pod : store.pods()) std::cout << pod.name.str() << ' ' << pod.latest.number << '\n';
//   pod::Version old = store.resolve(pod::PodRef::parse("shop:1"));
//
// Every change takes the store's writer lock, is one operation in its journal, and is durable when the call returns;
// killed anywhere, the store is what it was before or what it is after. Readers take no lock.
//
// Thread word: one thread at a time for each Store; any number of Stores, in any processes, on the same folder.
#pragma once

#include <libpod/context.hpp>
#include <libpod/error.hpp>
#include <libpod/names.hpp>
#include <libpod/snapshot.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pod {

/// Who makes a version; control characters, '<' and '>' are dropped when it is written.
struct Author {
  std::string name;
  std::string email;
};

struct POD_API Version {
  std::optional<PodName> pod;  // none for a bare git revision
  std::int64_t number = 0;     // trailer Pod-Version; 0 where the commit has none
  Oid commit;
  Oid tree;
  std::vector<Oid> parents;
  bool cut = false;  // the versions before it are not in this store; then `parents` is empty
  Time time;
  Author author;
  std::string message;  // without trailers
  std::string subject() const;
  /// "shop:3", or the commit's id where it has no pod.
  std::string str() const;
};

struct PodSummary {
  PodName name;
  Version latest;
};

/// One line of the journal: what an operation did, so that it can be undone.
struct Operation {
  std::int64_t id = 0;  // from 1
  Time time;
  std::string who;          // user@host
  std::string verb;         // commit, import, copy, delete, inject, undo; note: a repair found `ref` at `after`
  std::string what;         // one line for people: "shop:3", "shop → http://localhost:4566"
  std::string ref;          // the ref that moved; empty for an inject
  Oid before;               // zero: there was none; an inject: the safety version's commit, zero if none was kept
  Oid after;                // zero: deleted; an inject: the commit that was injected
  std::string instance;     // an inject: the URL
  std::int64_t undoes = 0;  // the operation that this one reverted
  bool captured = false;    // a commit: what an instance held, not files from elsewhere
};

struct Finding {
  enum class Level { ok, warn, fail };
  Level level = Level::ok;
  std::string check;   // stable name, e.g. "pack-index"
  std::string detail;  // one line
  std::string fix;     // what to do; may be empty
  std::string object;  // the id of an object, or a file of the store; may be empty
  /// What needs it, "shop:2 assets/s3/large.bin" or "shop:2"; not more than 100.
  std::vector<std::string> affects;
  std::uint64_t affected = 0;  // how many there are in all
};

struct RepairReport {
  std::vector<std::string> done;   // one line for each thing that was put right
  std::vector<Finding> remaining;  // what a deep check finds afterwards
};

struct StoreOptions {
  /// Nothing that the store holds is changed; what can be rebuilt may still be written beside it (FORMATS.md,
  /// sidecars).
  bool read_only = false;
  /// How long a writer waits for another one before Error(busy).
  std::chrono::milliseconds lock_wait{30000};
};

struct GcOptions {
  /// All the work, and no change: what would be won.
  bool dry_run = false;
  /// How long objects that nothing refers to are kept, from when they were written.
  std::chrono::seconds grace{std::chrono::hours(14 * 24)};
  /// How long old tips and safety versions are kept for undo. What the newest operation needs always stays.
  std::chrono::seconds keep_undo{std::chrono::hours(30 * 24)};
};

struct GcResult {
  struct Objects {
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;  // where they lay
  };
  bool nothing_new = false;        // all is as the last gc left it
  std::uint64_t bytes_before = 0;  // of all files that hold objects
  std::uint64_t bytes_after = 0;
  std::uint64_t packs_before = 0;
  std::uint64_t packs_after = 0;
  std::uint64_t loose_objects = 0;  // before
  std::uint64_t objects = 0;        // that are referred to
  std::uint64_t deltas = 0;         // how many of these are stored as deltas; 0 where the pack stayed as it was
  std::uint64_t undo_removed = 0;   // old tips and safety versions that undo no longer needs
  Objects young;                    // that nothing refers to, kept for the grace time
  std::optional<Time> next_due;     // when the first of these falls due
  Objects due;                      // that nothing refers to, removed
  bool held_back = false;           // those that are due stay: another command relies on objects without a ref
};

/// What takes the space of a store. Every object counts once: in the row that has it alone, or among `shared`.
struct Usage {
  /// A version has what no older one has; the others what no other pod, service or file has.
  enum class By { pod, version, service, file };
  struct Row {
    std::string name;
    std::uint64_t stored = 0;   // bytes, packed
    std::uint64_t content = 0;  // bytes of the same objects, unpacked
    std::uint64_t objects = 0;
  };
  std::vector<Row> rows;  // those that store most first
  Row shared;             // what several rows have
  Row history;            // by service and by file: commits, folders, what versions say of themselves
  Row undo;               // kept for undo alone
  Row stray;              // nothing refers to it
  std::uint64_t indexes = 0;
  std::uint64_t total = 0;  // of all files that hold objects
};

namespace store {
class Engine;
}

class POD_API Store {
 public:
  /// Makes a store: built in a temporary sibling, synced, renamed. Error(already_exists) where something is.
  static Store init(const std::filesystem::path& folder, const StoreOptions& options = {});
  /// Error(not_found), Error(corrupt), Error(incompatible) (newer format), Error(denied) (owned by another user).
  static Store open(const std::filesystem::path& folder, const StoreOptions& options = {});
  static Store open_or_init(const std::filesystem::path& folder, const StoreOptions& options = {});
  /// Whether `folder` is a store: its marker file is there.
  static bool is_store(const std::filesystem::path& folder);

  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  const std::filesystem::path& path() const noexcept;

  // Questions
  /// Sorted by name. Cost: one commit read a pod.
  std::vector<PodSummary> pods() const;
  /// The names alone, sorted: one that cannot be read is among them.
  std::vector<PodName> names() const;
  std::optional<Version> find(const PodRef& ref) const;
  /// Error(not_found) that says what there is.
  Version resolve(const PodRef& ref) const;
  /// Newest first along first parents, until `visit` returns false. Cost: one commit read a version.
  void log(const PodRef& from, const std::function<bool(const Version&)>& visit) const;
  Snapshot snapshot(const Version& version) const;
  /// Newest first, at most `limit`.
  std::vector<Operation> operations(std::size_t limit) const;
  /// Reads configuration from the store's own file, git's syntax, e.g. "user.name".
  std::optional<std::string> config(std::string_view key) const;
  std::vector<std::pair<std::string, std::string>> config_entries() const;
  /// Format, rights, configuration, packs, refs, journal, sidecars, left-overs; `deep` reads every object of every pack
  /// too, on all cores, and for each version whether all it holds is there and what it says of its state files is true.
  /// With `pods`, the objects and versions of those alone. Takes no lock: a commit at the same time is no finding.
  /// Memory: an id a tree, and 40 MiB a core.
  std::vector<Finding> check(bool deep, const Context& context = {}, const std::vector<PodName>& pods = {}) const;

  /// What takes the space. With a pod: of its versions only; then `undo`, `stray` and `indexes` are empty and `total`
  /// is theirs. Cost: reads every commit and every tree, and the head of every object.
  Usage usage(Usage::By by, const std::optional<PodName>& pod, const Context& context = {}) const;

  // Changes
  /// `to` becomes a pod whose history is that of `from`. Error(already_exists) unless `force`.
  Version copy(const PodRef& from, const PodName& to, bool force, const Context& context = {});
  /// Removes the pod's name; its versions stay reachable for undo.
  void remove(const PodName& pod, const Context& context = {});
  /// Brings the history of each path together in one pack, as deltas; removes what nothing refers to and is older than
  /// the grace time. Others may read and commit meanwhile. Error(corrupt) where an object that is referred to is
  /// missing or damaged: then nothing changes. Cost: reads all that is not in the history's pack yet.
  GcResult gc(const GcOptions& options = {}, const Context& context = {});
  void set_config(std::string_view key, std::optional<std::string_view> value);
  /// Puts right what can be: indexes from their packs, the sound objects of damaged packs into a new one, refs from the
  /// journal and from reflogs, the journal from its sound lines, configuration, HEAD, sidecars. What is damaged goes to
  /// `pod/quarantine`, nothing is deleted but what can be made again. Killed anywhere, the store is no worse than
  /// before, and it can be run again. Opens a store that open() finds damaged, too. Error(busy), Error(io),
  /// Error(denied), and Error(corrupt) where it cannot be known that this is a store.
  static RepairReport repair(const std::filesystem::path& folder, const StoreOptions& options = {},
                             const Context& context = {});

  store::Engine& engine() const noexcept { return *engine_; }

 private:
  explicit Store(std::unique_ptr<store::Engine> engine);
  std::unique_ptr<store::Engine> engine_;
};

}  // namespace pod
