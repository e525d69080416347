// Puts a snapshot into an instance so that it can be undone: what inject and the undo of an inject share.
#pragma once

#include "flow/posted_file.hpp"
#include "instance/http_instance.hpp"
#include "store/engine.hpp"

#include <libpod/flow.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pod::flow {

struct Placing {
  Snapshot snapshot;
  SnapshotInfo info;    // the services that are touched
  Oid commit;           // of the snapshot
  std::string version;  // what the instance remembers, "shop:3"; may be empty
  std::string what;     // for the journal
  std::string url;      // of the instance, without secrets
  Strategy strategy = Strategy::overwrite;
  Author author;
  Trust trust;
  bool keep_safety_version = true;
  std::int64_t undoes = 0;
};

struct Placed {
  std::vector<ServiceOutcome> services;
  std::optional<Operation> operation;  // none where not one service was taken: then nothing changed
};

/// Archive into the spool (judged and written again), writer lock, safety version and journal line, post, in this
/// order. The post takes place only while the instance holds what the safety version does: where clients changed it in
/// between it is saved again, at most five times, then Error(busy). A service whose present state cannot be saved is
/// left alone and named, unless no safety version is wanted. On an error the instance is as it was and the journal line
/// is gone; on Error(outcome_unknown) both stay, and the error says how to get back.
Placed place(store::Engine& engine, instance::HttpInstance& instance, const Placing& placing, bool force,
             const Context& context);

/// What place() would change, by file. Assets that lose their owner are not told: only the emulator knows owners.
std::vector<FileChange> rehearse(store::Engine& engine, instance::HttpInstance& instance, const Placing& placing,
                                 std::vector<ServiceOutcome>& services, const Context& context);

}  // namespace pod::flow
