// Packs on their way to a remote: what is there already is not sent again.
#pragma once

#include "objects/object_store.hpp"
#include "remote/manifest.hpp"
#include "remote/outgoing.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace pod::remote {

struct Upload {
  PackInfo info;  // its day is not used
  objects::Content pack;
  std::optional<objects::Content> index;  // where info.index is
};

/// What was written for a push. The files are opened anew for each part that is sent.
Upload upload_of(const OutgoingPack& pack);

struct UploadOptions {
  unsigned connections = 4;
  /// From this size on it is asked for what a push of the days before left behind.
  std::uint64_t ask_from = 4ull << 20;
};

struct Uploaded {
  std::vector<PackInfo> packs;  // in the order of the uploads, with the days where they lie
  std::uint64_t sent = 0;       // bytes
  std::uint64_t found = 0;      // bytes that were there already
};

/// Every pack before its index. `since`: the store's time when this push began; what was uploaded on that day or the
/// two before counts as its own, what is older is not relied on and sent again. Error(corrupt) where an object of
/// another size has the name of one of ours. Broken off anywhere, a repetition sends what is lacking.
Uploaded upload(objects::ObjectStore& store, std::int64_t since, const std::vector<Upload>& uploads,
                const UploadOptions& options, const Context& context);

}  // namespace pod::remote
