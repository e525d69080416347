// Which object goes into which pack, and how: its entry as it lies, a delta whose base goes before it, or deflated
// anew.
#pragma once

#include "git/deflate.hpp"
#include "git/digested_pack.hpp"
#include "git/entry_source.hpp"
#include "remote/outgoing.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pod::remote {

enum class Passage : std::uint8_t { copy, copy_delta, anew };

struct PackPlan {
  PackKind kind = PackKind::whole;
  std::vector<std::pair<git::ObjectNumber, Passage>> entries;  // in the order in which they are written
  std::uint64_t bytes = 0;                                     // at most
};

/// One thread at a time. Each object once between two start_anew().
class PackPlanner {
 public:
  PackPlanner(const git::ObjectTable& table, git::ObjectDatabase& objects, std::uint64_t limit, const Context& context);

  /// Packs of at most the limit, but for what is larger alone. A base goes before its deltas.
  void add(const std::vector<git::ObjectNumber>& objects, PackKind kind, std::vector<PackPlan>& plans);
  void start_anew();
  OutgoingPack write(const PackPlan& plan, const std::filesystem::path& folder);

 private:
  using Place = std::uint32_t;  // the number of a pack, from 1
  static constexpr Place nowhere = 0;
  static constexpr Place coming = UINT32_MAX;         // in what is added, not yet placed
  static constexpr Place under_way = UINT32_MAX - 1;  // in the chain that is being placed

  void place_with_bases(git::ObjectNumber number, std::vector<PackPlan>& plans, PackKind kind);
  void place(git::ObjectNumber number, std::vector<PackPlan>& plans, PackKind kind);
  void write_entry(git::DigestedPack& out, git::ObjectNumber number, Passage passage);
  void write_anew(git::DigestedPack& out, git::ObjectNumber number);

  const git::ObjectTable& table_;
  git::ObjectDatabase& objects_;
  git::EntrySource source_;
  std::uint64_t limit_;
  Context context_;
  std::vector<Place> places_;                               // by number
  std::unordered_map<git::ObjectNumber, unsigned> depths_;  // of deltas
  Place last_ = nowhere;
  std::vector<std::uint64_t> offsets_;  // in the pack that is being written
  git::Deflater deflater_;
};

}  // namespace pod::remote
