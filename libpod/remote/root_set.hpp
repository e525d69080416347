// What the HEADs of a remote keep alive.
#pragma once

#include "objects/object_store.hpp"
#include "remote/manifest.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace pod::remote {

/// One thread at a time.
class RootSet {
 public:
  /// `now`: the store's time, asked for before anything else.
  RootSet(objects::ObjectStore& store, std::int64_t now, unsigned connections)
      : store_(store), now_(now), connections_(connections) {}

  /// Reads every HEAD as it is now, and adds what it keeps alive. Manifests that are known are not read again.
  void add_current();
  /// Whether a root is, or names, the object of this key.
  bool holds(const std::string& key) const { return keys_.contains(key); }

 private:
  struct Known {
    std::optional<digest::Sha256Value> previous;
    std::int64_t modified = 0;
  };
  using Name = std::pair<std::string, digest::Sha256Value>;  // pod, manifest
  struct Found {
    std::map<Name, Known> known;
    std::set<std::string> keys;
  };
  Found roots_of(const PodName& pod) const;

  objects::ObjectStore& store_;
  std::int64_t now_;
  unsigned connections_;
  std::map<Name, Known> known_;
  std::set<std::string> keys_;
};

}  // namespace pod::remote
