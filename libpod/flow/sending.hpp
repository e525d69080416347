// The packs of a push on their way: what the remote lacks is found, written into a spool, joined with small packs of
// the remote, uploaded.
#pragma once

#include "git/object_database.hpp"
#include "git/object_table.hpp"
#include "objects/object_store.hpp"
#include "remote/outgoing.hpp"
#include "remote/pod_state.hpp"
#include "remote/shared_packs.hpp"
#include "remote/uploads.hpp"

#include <libpod/context.hpp>
#include <libpod/names.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace pod::flow {

/// Packs may be joined while they are listed.
git::ObjectTable read_table(const std::filesystem::path& objects, const Context& context);

struct Outstanding {
  remote::MissingObjects missing;
  remote::SharedPacks shared;  // of other pods; the pod's manifest is to name them too
};

/// What is to be sent. Where it is 1 MiB and more, the remote's other pods are looked at: what their packs hold is not.
/// The remote's clock was asked before (`since` of the push). `state`: of the pod; `seen`: what is known of another.
/// `spool`: for indexes, meanwhile.
Outstanding find_outstanding(objects::ObjectStore& remote, const PodName& pod,
                             const std::optional<remote::PodState>& state,
                             const std::function<std::optional<remote::PodState>(const PodName&)>& seen,
                             const git::ObjectTable& table, git::ObjectDatabase& objects, remote::Gap gap,
                             const std::filesystem::path& spool, const Context& context);

/// Where it lies while it is on its way; both on the file system of the repository.
struct SendFolders {
  std::filesystem::path spool;
  std::filesystem::path incoming;
};

struct Sent {
  remote::Uploaded uploaded;
  std::vector<digest::Sha256Value> replaced;  // packs of the remote whose objects are in those that were uploaded
};

/// `there`: the packs of the pod's manifest; where these have come to be many, the small ones are fetched and sent
/// again as one. `since` as upload(). The caller holds the objects.
Sent send_missing(objects::ObjectStore& remote, const git::ObjectTable& table, git::ObjectDatabase& objects,
                  const remote::MissingObjects& missing, const std::vector<remote::PackInfo>& there, std::int64_t since,
                  const SendFolders& folders, const Context& context);

}  // namespace pod::flow
