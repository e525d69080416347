// The verdict on some of a snapshot's files.
#pragma once

#include <libpod/context.hpp>
#include <libpod/resources.hpp>
#include <libpod/snapshot.hpp>

#include <functional>

namespace pod::flow {

/// The worst of those that are `wanted`; accept for none. On all cores.
Verdict worst_verdict(const Snapshot& snapshot, const std::function<bool(const FileEntry&)>& wanted,
                      const Context& context);

}  // namespace pod::flow
