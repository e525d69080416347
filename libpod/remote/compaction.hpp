// Few packs in a manifest instead of many: a push that finds more than 32 joins the small ones.
//
// The joined objects are written as a push would write them: one whole pack, or a skeleton and content packs. Entries
// are copied as they lie, those that several packs hold once; the packs of the remote stay until garbage collection.
#pragma once

#include "git/foreign_pack.hpp"
#include "remote/outgoing.hpp"

#include <libpod/context.hpp>

#include <cstddef>
#include <filesystem>
#include <vector>

namespace pod::remote {

/// The places of those packs of a manifest that had better be joined, in their order; empty up to 32. The smallest, so
/// that a dozen stay as they are; of more than 256 MiB together only where the manifest would be full. A byte is copied
/// again only when twenty packs have come.
std::vector<std::size_t> packs_to_compact(const std::vector<PackInfo>& packs);

/// A pack of the remote as it was fetched.
struct RemotePackFile {
  std::filesystem::path file;
  PackInfo info;
};

/// All objects of `packs` in new ones. `spool`: for a folder that is gone afterwards, on the file system of the files;
/// `options.folder` keeps the result. The same packs give the same bytes. Throws as check_foreign_pack(): they may come
/// from anybody. Memory: as that and write_packs(). Cost: inflates all of them, and copies them.
std::vector<OutgoingPack> compact(const std::vector<RemotePackFile>& packs, const std::filesystem::path& spool,
                                  const PackingOptions& options, const Context& context);

}  // namespace pod::remote
