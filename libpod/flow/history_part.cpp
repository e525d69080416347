#include "flow/history_part.hpp"

#include "git/shallow.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <unordered_map>

namespace pod::flow {
namespace {

constexpr std::uint64_t commit_limit = 16ull << 20;

class Choice {
 public:
  Choice(const git::Repository& store, git::ObjectDatabase& offered, const Context& context)
      : store_(store), offered_(offered), context_(context) {}

  HistoryPart run(const Oid& tip, std::optional<std::size_t> depth) {
    find_known();
    walk_back(tip);
    const bool meets_known =
        std::any_of(order_.begin(), order_.end(), [&](const Oid& id) { return known_.contains(id); });
    choose(depth.value_or(meets_known ? 0 : SIZE_MAX));
    HistoryPart part;
    part.ends = ends_;
    for (const Oid& id : order_) {
      if (!chosen_.contains(id) || known_.contains(id)) continue;
      part.commits.push_back(id);
      if (meets_known && !leads_.contains(id)) ++part.older;
    }
    for (const auto& ids : {chosen_, git::read_shallow(store_.path()).commits})
      for (const Oid& id : ids)
        if (is_cut(id)) part.cut.insert(id);
    return part;
  }

 private:
  /// With their histories as they count here.
  void find_known() {
    std::vector<Oid> open;
    for (const git::Ref& ref : store_.refs("refs/")) open.push_back(ref.target);
    while (!open.empty()) {
      context_.cancel->check();
      const Oid id = open.back();
      open.pop_back();
      const auto header = known_.contains(id) ? std::nullopt : store_.objects()->header(id);
      if (!header || header->type != git::ObjectType::commit) continue;
      known_.insert(id);
      const git::Commit commit = store_.commit(id);
      const bool whole = std::all_of(commit.parents.begin(), commit.parents.end(),
                                     [&](const Oid& parent) { return store_.objects()->contains(parent); });
      if (commit.cut || !whole) ends_.insert(id);
      open.insert(open.end(), commit.parents.begin(), commit.parents.end());
    }
  }

  /// All that lies behind the tip, also where the store's own history is cut off; the nearest first.
  void walk_back(const Oid& tip) {
    order_.push_back(tip);
    distance_[tip] = 1;
    for (std::size_t at = 0; at < order_.size(); ++at) {
      context_.cancel->check();
      const Oid id = order_[at];
      const std::size_t next = distance_[id] + 1;
      for (const Oid& parent : parents_of(id))
        if (distance_.emplace(parent, next).second) order_.push_back(parent);
    }
  }

  void choose(std::size_t depth) {
    for (const Oid& id : order_)
      if (distance_[id] <= depth) chosen_.insert(id);
    // Whatever leads to what the store has is taken too; of a line the farthest comes last, so one pass does it.
    for (bool more = true; more;) {
      more = false;
      for (auto id = order_.rbegin(); id != order_.rend(); ++id) {
        if (known_.contains(*id) || leads_.contains(*id)) continue;
        const std::vector<Oid>& parents = parents_of(*id);
        if (std::none_of(parents.begin(), parents.end(),
                         [&](const Oid& parent) { return known_.contains(parent) || leads_.contains(parent); }))
          continue;
        more = leads_.insert(*id).second;
      }
    }
    chosen_.insert(leads_.begin(), leads_.end());
  }

  bool is_cut(const Oid& id) {
    if (!offered_.knows(id)) return false;
    const std::vector<Oid>& parents = parents_of(id);
    return std::any_of(parents.begin(), parents.end(),
                       [&](const Oid& parent) { return !known_.contains(parent) && !chosen_.contains(parent); });
  }

  /// As the commit says, whether they are here or not.
  const std::vector<Oid>& parents_of(const Oid& id) {
    const auto found = parents_.find(id);
    if (found != parents_.end()) return found->second;
    git::Commit commit = git::parse_commit(id, offered_.read(id, git::ObjectType::commit, commit_limit));
    return parents_.emplace(id, std::move(commit.parents)).first->second;
  }

  const git::Repository& store_;
  git::ObjectDatabase& offered_;
  const Context& context_;
  std::unordered_set<Oid> known_;
  std::unordered_set<Oid> ends_;
  std::vector<Oid> order_;
  std::unordered_map<Oid, std::size_t> distance_;
  std::unordered_map<Oid, std::vector<Oid>> parents_;
  std::unordered_set<Oid> chosen_;
  std::unordered_set<Oid> leads_;
};

}  // namespace

HistoryPart choose_part(const git::Repository& store, git::ObjectDatabase& offered, const Oid& tip,
                        std::optional<std::size_t> depth, const Context& context) {
  return Choice(store, offered, context).run(tip, depth);
}

}  // namespace pod::flow
