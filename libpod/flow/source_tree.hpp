// What a source holds, as a git tree: the first half of a commit, and of every safety version.
#pragma once

#include "flow/folder_memory.hpp"
#include "git/pack_writer.hpp"
#include "instance/http_instance.hpp"
#include "snapshot/stat_cache.hpp"
#include "snapshot/tree_view.hpp"

#include <libpod/context.hpp>
#include <libpod/instance.hpp>
#include <libpod/resources.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pod::flow {

struct SourceTree {
  Oid tree;   // the root, in the pack that was given
  Oid state;  // snapshot::state_id of it
  SnapshotInfo info;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> resources;    // where every state file was read
  Verdict verdict = Verdict::accept;         // the worst of its files
  std::string digest;                        // that an instance gave its state; empty where it does not say
  std::chrono::milliseconds source_time{0};  // waiting for the instance; zero for files
  std::optional<snapshot::StatCache> seen;   // of a folder: for the next capture of it, once the tree is durable
  std::vector<KnownCapture> captures;        // of an instance: the same
  std::vector<StateReading> readings;        // of files that were read, sorted by path
  std::vector<FileEntry> entries;            // of a folder, where no version before is known: all files, sorted by path
};

/// SHA-256 names of the blobs in `view`, `assets/<service>/blobs/<xx>/<sha256>` and nothing else: their content was
/// checked against the name when they came in, so an instance need not send them again.
std::vector<std::string> known_blobs(const snapshot::TreeView& view);

/// Captures `services` (empty: all) of a running instance into `pack`, pickles in libpod's own writing. `known`, which
/// may be null, is a tree of the same store: what the instance leaves out because of it, and state files that say the
/// same as there, are taken from there. The tree says what its state files hold (`.pod/metamodel`). Spools into
/// `folder`. Error(corrupt) where the instance leaves out what was not offered; Error(io) where not one service could
/// be captured.
SourceTree capture_instance(instance::HttpInstance& instance, const std::vector<std::string>& services,
                            const snapshot::TreeView* known, const std::filesystem::path& folder, git::PackWriter& pack,
                            const Context& context, const FolderMemory* memory = nullptr);

/// The same for any source. Files of folders and archives are stored byte for byte. `memory`, which may be null: files
/// of a folder or an instance that are as it says are not read again.
SourceTree capture_source(const Source& source, const std::vector<std::string>& services,
                          const snapshot::TreeView* known, const std::filesystem::path& folder, git::PackWriter& pack,
                          const Context& context, const FolderMemory* memory = nullptr);

}  // namespace pod::flow
