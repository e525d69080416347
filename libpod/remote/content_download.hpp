// Of the content packs of a remote what some versions need, and no more: their indexes first, then stretches.
#pragma once

#include "objects/object_store.hpp"
#include "remote/outgoing.hpp"
#include "remote/pack_download.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace pod::remote {

struct DownloadedContent {
  std::vector<OutgoingPack> packs;  // the needed objects, for an Intake
  std::uint64_t received = 0;       // bytes of packs and indexes that had to be fetched
};

/// `packs`: those of the manifest that are content. `have`: the skeletons. What comes is kept in `incoming`, and gone
/// on with by another call after a break; the caller removes it at the end, and where it is refused. `folder`: the
/// caller's, on the same file system. nullopt: one of the packs is not there (any more). Throws as ContentFetch, and as
/// the store's get().
std::optional<DownloadedContent> download_content(objects::ObjectStore& store, const std::vector<PackInfo>& packs,
                                                  const std::shared_ptr<git::ObjectDatabase>& have,
                                                  const std::vector<Oid>& commits, const IncomingFolder& incoming,
                                                  const std::filesystem::path& folder, unsigned connections,
                                                  const Context& context);

}  // namespace pod::remote
