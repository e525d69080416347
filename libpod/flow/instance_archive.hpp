// A snapshot as an instance takes it, and whether the instance is one that may take it.
#pragma once

#include "flow/posted_file.hpp"

#include <libpod/context.hpp>
#include <libpod/instance.hpp>
#include <libpod/snapshot.hpp>

#include <filesystem>
#include <string>

namespace pod::flow {

/// The files of `info`'s captured services and `.pod/info.json` with `info`, sorted by path, as a zip. Every byte is
/// read and checked against its id, every state file judged and written again (post_file): an error here means that no
/// instance was touched.
void write_instance_archive(const Snapshot& snapshot, const SnapshotInfo& info, const Trust& trust,
                            const std::filesystem::path& file, const Context& context);

/// Error(incompatible) that says both sides where emulator, version or format differ. `name`: what shall be injected.
/// What does not say which emulator wrote it passes with a warning: there is nothing to compare.
void require_match(const SnapshotInfo& info, const InstanceStatus& status, const std::string& name,
                   const Context& context);

/// Error(unsupported) for strategies that need a merge, Error(invalid_argument) for a target that is no instance.
void require_injectable(const Source& target, Strategy strategy);
void require_instance(const Source& target);

}  // namespace pod::flow
