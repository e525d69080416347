// The packs of a push: what the remote lacks, written to files that are ready to be uploaded.
//
//   auto missing = find_missing(table, objects, {.tips = {tip}, .remote_tips = {theirs}}, context);
//   for (const OutgoingPack& pack : write_packs(table, objects, missing, {.folder = spool}, context)) …
//
// Under 1 MiB it is one whole pack. Otherwise a skeleton pack (commits, tags, trees down to files, `.pod/`) and content
// packs (chunk trees, then blobs, the newest version first and in the order of its paths, so that a checkout reads
// stretches). Every pack is self-contained. Compressed bytes are copied as they lie; a delta whose base goes elsewhere
// is resolved and deflated anew. The same objects, lying the same way, give the same bytes. Whoever calls holds the
// store's objects meanwhile (store::ObjectHold), and reads the table after that.
#pragma once

#include "git/object_database.hpp"
#include "git/object_table.hpp"
#include "remote/manifest.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace pod::remote {

struct Gap {
  std::vector<Oid> tips;         // what the remote's refs will name
  std::vector<Oid> remote_tips;  // what they name now, of all its pods; those that are not here are passed over
  /// Whether a pack that the push may rely on has the object; empty: none has.
  std::function<bool(const Oid&)> in_remote;
};

/// In the order in which they go into packs. A value.
struct MissingObjects {
  std::vector<git::ObjectNumber> skeleton;
  std::vector<git::ObjectNumber> content;  // chunk trees, then blobs
  std::uint64_t stored_bytes = 0;          // as they lie here
  bool empty() const noexcept { return skeleton.empty() && content.empty(); }
};

/// Error(corrupt) where the repository lacks or cannot read what the tips need; Error(refused) where it has only the
/// newest part of their history, and the remote not the rest. Memory: 10 bytes an object, 150 a new
/// commit. Cost: reads what is new and what stood in its place; where that is more than 1 MiB, every tree at the
/// border.
MissingObjects find_missing(const git::ObjectTable& table, git::ObjectDatabase& objects, const Gap& gap,
                            const Context& context);

struct OutgoingPack {
  PackInfo info;  // the day is the upload's
  std::filesystem::path pack;
  std::optional<std::filesystem::path> index;
};

struct PackingOptions {
  std::filesystem::path folder;            // the caller's; files are called by their SHA-256
  std::uint64_t whole_limit = 1ull << 20;  // below this: one pack
  std::uint64_t pack_limit = 256ull << 20;
};

/// Skeleton packs first. Nothing for no objects. Progress counts bytes, of `stored_bytes` about. Error(corrupt) where
/// an entry is damaged; then, and where it is cancelled, files that were finished stay in the folder. Memory: 16 bytes
/// an object of the table and 60 an object of a pack. Cost: copies all of it.
std::vector<OutgoingPack> write_packs(const git::ObjectTable& table, git::ObjectDatabase& objects,
                                      const MissingObjects& missing, const PackingOptions& options,
                                      const Context& context);

}  // namespace pod::remote
