// What a user does in one step.
//
//   pod::CommitOptions options{.message = "after checkout", .author = {"Ada", "ada@example.org"}};
//   auto result = pod::commit(store, pod::PodName::parse("shop"), pod::Source::parse("./state"), options);
//   if (result.created) std::cout << result.version->str() << '\n';
//
// Each function is whole or not at all: when it throws, the store and the target are what they were, unless the error
// says what was kept. Thread word: one thread at a time for each Store.
#pragma once

#include <libpod/context.hpp>
#include <libpod/error.hpp>
#include <libpod/instance.hpp>
#include <libpod/resources.hpp>
#include <libpod/store.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pod {

struct CommitOptions {
  std::string message;  // empty: one is made from the source
  Author author;
  std::vector<std::string> services;  // empty: all
  std::string verb = "commit";        // what the journal says; "import" for an import
  bool dry_run = false;               // captures and compares, keeps nothing
};

struct CommitResult {
  bool created = false;            // false: nothing changed (or a dry run)
  std::optional<Version> version;  // the new one, or the latest where nothing changed
  SnapshotInfo info;
  std::vector<FileChange> changes;  // against the version before
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;            // of all files
  std::uint64_t bytes_added = 0;      // to the store
  Verdict verdict = Verdict::accept;  // the worst of the files
  std::uint64_t resources_added = 0;  // against the version before; 0 where nothing was created
  std::uint64_t resources_changed = 0;
  std::uint64_t resources_removed = 0;
  ResourceDiff differences;                   // against the version before, without fields; empty for a first version
  std::chrono::milliseconds capture_time{0};  // the source's part
  std::chrono::milliseconds store_time{0};    // libpod's own part
  bool partial() const { return !info.failed.empty(); }
};

/// Captures `source` as a new version of `pod`; the pod is made if it is not there. Two at once: one waits.
/// Throws what capture and store throw; nothing is kept then.
POD_API CommitResult commit(Store& store, const PodName& pod, const Source& source, const CommitOptions& options,
                            const Context& context = {});

struct InjectOptions {
  Strategy strategy = Strategy::account_region_merge;
  std::vector<std::string> services;  // empty: all that the version holds
  Author author;                      // of the safety version
  bool dry_run = false;               // checks and says what would happen
  bool force = false;                 // inject although emulator, version or format differ
  bool keep_safety_version = true;    // false: what the instance holds is lost
  bool trust = false;                 // inject although the verdict on a file is `review`; never where it is `refuse`
};

struct POD_API InjectResult {
  Version version;
  Strategy strategy = Strategy::account_region_merge;
  std::vector<ServiceOutcome> services;
  std::vector<FileChange> changes;  // dry run: what would change in the instance, by file
  bool safety_version = false;      // undo can bring the state before back
  bool partial() const;
};

/// Puts a version into a running instance. The version is read, checked and judged whole before the instance is
/// touched; of pickles the instance gets what libpod wrote again. Captures of one's own instance, by the journal, are
/// trusted. Error(incompatible) on another emulator, version or format without `force`; Error(unsupported) for
/// service-merge and deep; Error(refused) where the policy does (naming file, offset and reason), or the instance;
/// Error(busy) where clients change the instance faster than it can be saved. Then the instance is as it was.
POD_API InjectResult inject(Store& store, const PodRef& ref, const Source& instance, const InjectOptions& options,
                            const Context& context = {});

struct CheckoutOptions {
  bool force = false;  // replace a folder that is not empty
  bool dry_run = false;
  std::vector<std::string> services;  // empty: all
};
struct CheckoutResult {
  Version version;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t files_kept = 0;  // of the files: they were there already and did not have to be written
};
/// Writes the files into `folder`: into a fresh sibling that is then exchanged with it, or within a mount point, entry
/// by entry. Error(already_exists) where it is not empty, unless `force`; Error(refused) for a symlink and for mounts
/// below. What the store captured or wrote there before and is unchanged is used again, of large files each part of it.
POD_API CheckoutResult checkout(const Store& store, const PodRef& ref, const std::filesystem::path& folder,
                                const CheckoutOptions& options, const Context& context = {});

struct ArchiveResult {
  std::filesystem::path path;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;             // of the archive
  std::vector<ServiceFailure> failed;  // of an instance: what could not be saved and is not in it
  bool partial() const { return !failed.empty(); }
};
/// Writes a version as one archive, the same bytes each time: tar.zst where the name ends so, else zip.
/// Error(already_exists) unless `force`; the file appears whole or not.
POD_API ArchiveResult export_version(const Store& store, const PodRef& ref, const std::filesystem::path& file,
                                     bool force, const Context& context = {});
/// What an instance, a directory or an archive holds now, as a snapshot outside of any store: it lies in a temporary
/// folder that goes with its last copy. `services`: empty for all. Throws what a capture throws.
POD_API Snapshot snapshot_of(const Source& source, const std::vector<std::string>& services = {},
                             const Context& context = {});
struct DownloadOptions {
  std::uint64_t max_bytes = 16ull << 30;
  std::filesystem::path ca_bundle;  // empty: the system's
};
/// An archive from a URL (https; http where the host is of this machine or a local network) to a file in `folder` that
/// is called by the last part of the URL's path. Its query may be secret (a signed URL) and stands in no error.
/// Error(invalid_argument), Error(not_found), Error(denied), Error(refused) past the limit, Error(unsupported) for a
/// redirect, Error(unreachable).
POD_API std::filesystem::path download_archive(std::string_view url, const std::filesystem::path& folder,
                                               const DownloadOptions& options = {}, const Context& context = {});
/// The same URL for people: without its query.
POD_API std::string shown_url(std::string_view url);
/// What an instance holds, as an archive, without a store.
POD_API ArchiveResult export_state(const Source& instance, const std::vector<std::string>& services,
                                   const std::filesystem::path& file, bool force, const Context& context = {});
/// An archive into an instance, without a store; no undo. Overwrite is checked whole before it changes anything. Judged
/// and written again as an inject's files are; `trust` as InjectOptions::trust.
POD_API std::vector<ServiceOutcome> import_state(const std::filesystem::path& file, const Source& instance,
                                                 Strategy strategy, bool force, bool trust,
                                                 const Context& context = {});
/// Empties the instance, or some of its services. Error(not_found) for a service that it does not know.
POD_API void reset_state(const Source& instance, const std::vector<std::string>& services, const Context& context = {});

struct POD_API UndoResult {
  Operation undone;
  Operation operation;                   // the new line of the journal; undo again to redo
  std::vector<ServiceOutcome> services;  // where an inject was undone
  bool partial() const;
};
/// Reverts the newest operation. `instance_options` are used where that was an inject. Error(not_found): nothing to
/// undo; Error(conflict): the ref has moved since.
POD_API UndoResult undo(Store& store, const Author& author, const InstanceOptions& instance_options, bool dry_run,
                        const Context& context = {});

}  // namespace pod
