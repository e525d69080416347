// Who works with the remote of a simulated world, and who watches that no promise is broken.
//
// A version is a line "c<number>" and needs its parent's and an asset's, "a<number>"; a pack is a text of such lines.
// There are few assets, so packs of the same bytes are made again, long after the first.
#pragma once

#include "remote/publication.hpp"
#include "remote/simulated_world.hpp"
#include "remote/uploads.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pod::remote::test {

struct SimulatedVersion {
  std::size_t parent = 0;  // 0: none
  unsigned asset = 0;
};

/// What came to pass, over many interleavings.
struct Tally {
  std::uint64_t published = 0;
  std::uint64_t moved = 0;
  std::uint64_t expired = 0;
  std::uint64_t unknown = 0;
  std::uint64_t deleted = 0;
  std::uint64_t found = 0;   // packs that were there already
  std::uint64_t relied = 0;  // packs of other pods
  std::uint64_t fetched = 0;
  std::uint64_t outrun = 0;   // fetches whose packs were taken away
  std::uint64_t removed = 0;  // objects
  std::uint64_t deaths = 0;
};

class Team {
 public:
  Team(World& world, Tally& tally);

  /// Adds the actors to the world.
  void assemble();
  /// After the end of the world.
  void check_end() const;

 private:
  friend class Pusher;
  friend class Fetcher;
  struct Moved {
    std::int64_t generation = 0;
    std::string nonce;
    std::size_t tip = 0;  // 0: tombstone
  };

  std::size_t add_version(std::size_t parent, unsigned asset);
  bool is_ancestor(std::size_t ancestor, std::size_t of) const;
  static Oid target_of(std::size_t version);
  static std::size_t version_of(const Oid& target);
  void acknowledge(const PodName& pod, std::size_t version);
  void acknowledge_tombstone(const PodName& pod, const Head& head);
  /// Who was told that nothing came of a change is right, now and later.
  void forbid(const PodName& pod, const std::set<std::string>& nonces);
  /// All that a tip needs is in these texts.
  void check_closure(std::size_t tip, const std::set<std::string>& lines) const;

  void check_change(const std::string& key);
  void check_head(const PodName& pod, const Head& head);
  void check_roots() const;
  /// Everything that the manifest names is there; what it holds.
  std::set<std::string> check_manifest(const PodName& pod, const digest::Sha256Value& name) const;
  const Manifest& manifest(const std::string& key) const;

  World& world_;
  Tally& tally_;
  std::vector<SimulatedVersion> versions_;
  std::vector<PodName> pods_;
  std::map<digest::Sha256Value, std::string> texts_;  // of every pack that was made
  std::map<std::string, std::vector<Moved>> history_;
  std::set<std::string> forbidden_;  // nonces
  mutable std::map<std::string, Manifest> manifests_;
};

/// One interleaving; what the world is like at its end. Throws Violation.
std::string simulate(std::uint64_t seed, Tally& tally);

}  // namespace pod::remote::test
