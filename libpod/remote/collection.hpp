// What nothing in a remote needs any more is taken away, while others push and fetch.
//
// A manifest is a root while a HEAD names it and until its successor is seven days old. Taken away is what no root
// names and what is older than seven days, all by the store's clock. What is garbage once stays garbage: a push relies
// only on what a HEAD names, or on what it uploaded itself in a folder of these days.
#pragma once

#include "objects/object_store.hpp"
#include "remote/layout.hpp"

#include <libpod/context.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pod::remote {

constexpr std::int64_t grace = std::int64_t{7} * 86400;  // seconds

struct CollectionOptions {
  bool dry_run = false;
  Format door;  // whose HEADs are the true ones
  unsigned connections = 8;
};

struct Garbage {
  std::string key;
  std::uint64_t size = 0;
  std::int64_t modified = 0;
};

struct Collection {
  std::vector<Garbage> removed;  // manifests, indexes, packs in the order of their removal; with dry_run: what would be
  std::uint64_t bytes = 0;       // of these
  std::uint64_t kept = 0;        // objects of pods and packs that were looked at and stay
  std::uint64_t foreign = 0;     // objects that are nothing of a remote's; they stay
};

/// Error(corrupt) where a HEAD or what it names cannot be read: then nothing is removed. Broken off anywhere, the
/// remote is whole. Cost: a list of pods/ and of the folders of packs that are old enough, a request for each HEAD
/// (twice) and for each root, one for each removal. Memory: some 200 bytes for each old object.
Collection collect_garbage(objects::ObjectStore& store, const CollectionOptions& options, const Context& context);

}  // namespace pod::remote
