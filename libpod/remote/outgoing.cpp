#include "remote/outgoing.hpp"

#include "remote/gap_walk.hpp"
#include "remote/pack_plan.hpp"

#include <libpod/error.hpp>

#include <unordered_set>

namespace pod::remote {
namespace {

/// More than this, and it pays to look whether it is old after all.
constexpr std::uint64_t look_again = 1ull << 20;

/// Objects that were met, by number; the old side may name some that are not here.
class Marks {
 public:
  explicit Marks(const git::ObjectTable& table) : table_(table), met_(table.size(), false) {}
  bool operator()(const Oid& id) {
    const auto number = table_.find(id);
    if (!number) return elsewhere_.insert(id).second;
    if (met_[*number]) return false;
    met_[*number] = true;
    return true;
  }

 private:
  const git::ObjectTable& table_;
  std::vector<bool> met_;
  std::unordered_set<Oid> elsewhere_;
};

MissingObjects walk(const git::ObjectTable& table, git::ObjectDatabase& objects, const Gap& gap, bool thorough,
                    bool& has_border, const Context& context) {
  MissingObjects missing;
  std::vector<git::ObjectNumber> blobs;
  Marks marks(table);
  GapWalk walk(
      objects, [&](const Oid& id) { return marks(id); }, context);
  for (const GapCommit& commit : walk.commits(gap.tips, gap.remote_tips))
    if (commit.cut)
      throw Error(ErrorCode::refused, "the remote would lack older versions, which are not in this store")
          .because("its history is cut off before the version of commit " + commit.id.hex())
          .hint("podgit fetch --unshallow from the remote that has them, then push again");
  has_border = walk.has_border();
  if (thorough) walk.hide_all();
  walk.objects([&](const GapObject& object) {
    if (gap.in_remote && gap.in_remote(object.id)) return;
    const auto number = table.find(object.id);
    if (!number) throw Error(ErrorCode::not_found, "the object " + object.id.hex() + " is missing");
    missing.stored_bytes += table.stored_size(*number);
    if (object.kind == PackKind::skeleton)
      missing.skeleton.push_back(*number);
    else if (object.type == git::ObjectType::tree)
      missing.content.push_back(*number);
    else
      blobs.push_back(*number);
  });
  missing.content.insert(missing.content.end(), blobs.begin(), blobs.end());
  return missing;
}

}  // namespace

MissingObjects find_missing(const git::ObjectTable& table, git::ObjectDatabase& objects, const Gap& gap,
                            const Context& context) {
  try {
    bool has_border = false;
    MissingObjects missing = walk(table, objects, gap, false, has_border, context);
    if (!has_border || missing.stored_bytes < look_again) return missing;
    return walk(table, objects, gap, true, has_border, context);
  } catch (Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    throw Error(ErrorCode::corrupt, error.message()).because("a version that is to be pushed needs it");
  }
}

std::vector<OutgoingPack> write_packs(const git::ObjectTable& table, git::ObjectDatabase& objects,
                                      const MissingObjects& missing, const PackingOptions& options,
                                      const Context& context) {
  std::vector<OutgoingPack> packs;
  if (missing.empty()) return packs;
  PackPlanner planner(table, objects, options.pack_limit, context);
  std::vector<PackPlan> plans;
  if (missing.stored_bytes < options.whole_limit) {
    std::vector<git::ObjectNumber> all = missing.skeleton;
    all.insert(all.end(), missing.content.begin(), missing.content.end());
    planner.add(all, PackKind::whole, plans);
  }
  // What is not one pack after all, since deltas that were resolved are larger, becomes what it would have been.
  if (plans.size() != 1) {
    plans.clear();
    planner.start_anew();
    planner.add(missing.skeleton, PackKind::skeleton, plans);
    planner.add(missing.content, PackKind::content, plans);
  }
  for (const PackPlan& plan : plans) packs.push_back(planner.write(plan, options.folder));
  return packs;
}

}  // namespace pod::remote
