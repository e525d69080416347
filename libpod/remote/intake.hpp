// Packs of a fetch, from files that anybody may have made to packs of the store.
//
//   Intake intake(objects, database, spool, context);
//   for (…) intake.add(file, name, info.objects);         every object checked by itself
//   intake.check({.tips = new_tips, .known_tips = refs}); all that the tips need is there, and no more is kept
//   intake.for_each_change(judge);                        what is new in each version, for policy
//   intake.install();                                     durable; only then the caller moves refs
//
// Until install() the packs lie in a quarantine of their own below the spool folder, and the store is untouched; where
// anything throws, the quarantine goes with the Intake. Indexes are made here. Objects that the tips do not need are
// left out, by writing the pack that holds them anew. Whoever calls holds the store's objects meanwhile.
#pragma once

#include "base/files.hpp"
#include "git/foreign_pack.hpp"
#include "git/pack_index.hpp"
#include "git/repository.hpp"
#include "remote/gap_walk.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace pod::remote {

struct Offer {
  std::vector<Oid> tips;        // what refs will name
  std::vector<Oid> known_tips;  // what refs name here, with all that they reach; none where that is not whole
  /// Only so many of the newest versions behind each tip need their content; nothing: all.
  std::optional<std::size_t> depth;
  /// Commits at which the history is to end: what lies behind them is not asked for, nor taken.
  std::unordered_set<Oid> cut = {};
};

struct IntakeLimits {
  git::ForeignLimits pack;
  std::uint64_t entries = 20'000'000;  // of a version's trees, each counted as often as it is met
  std::size_t depth = 128;             // of folders
};

/// One thread at a time; works on several inside.
class Intake {
 public:
  /// `objects`: the store's objects folder; `spool`: a folder of the same file system, which the store sweeps.
  Intake(std::filesystem::path objects, std::shared_ptr<git::ObjectDatabase> database,
         const std::filesystem::path& spool, const Context& context, const IntakeLimits& limits = {});
  ~Intake();

  /// Gives the file a second name in the quarantine: nobody writes to it any more. `name` is what errors call it.
  /// `count`: of its objects, by the manifest. Throws as check_foreign_pack(). Cost: reads it once, and inflates it.
  /// The index that was made of it; until check().
  const git::PackIndex& add(const std::filesystem::path& file, std::string_view name,
                            std::optional<std::uint32_t> count = std::nullopt);
  /// What was added so far, in front of what the store has.
  std::shared_ptr<git::ObjectDatabase> preview() const;
  /// Error(corrupt) that names the object that is neither here nor there, or is of another type than who names it says;
  /// Error(refused) for trees of folders without end. Once. Cost: reads what is new and what stood in its place; each
  /// object's index entry.
  void check(const Offer& offer);

  /// After check(): the new versions, the newest first.
  const std::vector<GapCommit>& new_commits() const noexcept;
  /// Each file of each new version that its first parent does not have the same way: its path as it stands in the tree,
  /// also of large files (`….chunks`, a tree).
  using ChangeVisitor = std::function<void(const GapCommit&, std::string_view path, const git::TreeEntry&)>;
  void for_each_change(const ChangeVisitor& visit);
  /// What the store will hold; not after install().
  git::ObjectDatabase& objects();

  struct Installed {
    std::vector<std::filesystem::path> packs;
    std::uint64_t objects = 0;
    std::uint64_t dropped = 0;  // that the tips did not need, or the store had
  };
  /// Once, after check(). Packs first, indexes after them, then the folder: durable when it returns. Killed in between
  /// it leaves packs without an index, which nobody reads.
  Installed install();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pod::remote
