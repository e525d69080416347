#include "remote/gap_walk.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <deque>

namespace pod::remote {
namespace {

using git::ObjectType;
using git::TreeEntry;

constexpr std::uint64_t commit_limit = 16ull << 20;
constexpr std::uint64_t tree_limit = 256ull << 20;
constexpr std::size_t most_recent_entries = 200'000;  // about 20 MB
constexpr std::size_t most_border_trees = 16;
constexpr std::size_t most_afterwards = 32;
constexpr std::size_t most_tags = 64;  // one naming the next
constexpr std::string_view chunks_suffix = ".chunks";

const TreeEntry* find_named(const std::vector<TreeEntry>& entries, const TreeEntry& like) {
  // In git's order a folder's name counts as if it ended in "/".
  const auto key = [](const TreeEntry& entry) { return entry.is_tree() ? entry.name + '/' : entry.name; };
  const std::string wanted = key(like);
  const auto found =
      std::lower_bound(entries.begin(), entries.end(), wanted,
                       [&](const TreeEntry& entry, const std::string& name) { return key(entry) < name; });
  return found != entries.end() && found->name == like.name && found->is_tree() == like.is_tree() ? &*found : nullptr;
}

}  // namespace

/// Something in a tree that is still to be looked at.
struct GapWalk::Step {
  Oid id;
  bool tree = true;
  bool in_chunks = false;
  bool in_pod = false;
  bool at_root = false;
  std::vector<Oid> old;  // the trees that stand in its place at the border
};

GapWalk::GapWalk(git::ObjectDatabase& objects, Mark mark, const Context& context) noexcept
    : objects_(objects), mark_(std::move(mark)), context_(context) {}

void GapWalk::queue(const Oid& id, bool old) {
  const auto known = known_.find(id);
  if (known != known_.end()) {
    if (old) make_old(id);
    return;
  }
  if (old && !objects_.contains(id)) return;
  git::Commit commit = git::read_commit(objects_, id);
  if (cut_.contains(id)) commit.parents.clear();
  Commit& added = known_[id];
  added.commit = {id, commit.tree, commit.parents, commit.cut};
  added.date = commit.committer.time.seconds;
  added.old = old;
  // Of one second, what is old comes first: it may be the younger one.
  heap_.push_back({added.date, old, id});
  std::push_heap(heap_.begin(), heap_.end());
  if (!old) ++new_in_heap_;
}

/// Dates lie: what was taken for new may turn out to be old, and so are its ancestors.
void GapWalk::make_old(const Oid& id) {
  std::vector<Oid> open{id};
  while (!open.empty()) {
    const auto known = known_.find(open.back());
    open.pop_back();
    if (known == known_.end() || known->second.old) continue;
    known->second.old = true;
    if (known->second.popped)
      open.insert(open.end(), known->second.commit.parents.begin(), known->second.commit.parents.end());
    else
      --new_in_heap_;
  }
}

void GapWalk::add_tip(const Oid& tip, bool old) {
  Oid at = tip;
  std::string type;  // by the tag that names it
  for (std::size_t depth = 0;; ++depth) {
    if (old && !objects_.contains(at)) return;
    const auto header = objects_.header(at);
    if (!header) throw Error(ErrorCode::not_found, "the object " + at.hex() + " is missing");
    if (!type.empty() && type != git::type_name(header->type))
      throw Error(ErrorCode::corrupt, "the object " + at.hex() + " is a " + std::string(git::type_name(header->type)) +
                                          ", and is named as a " + type);
    if (header->type == ObjectType::commit) {
      queue(at, old);
      if (!old) tips_.push_back(at);
      return;
    }
    if (!old) roots_.push_back({at, header->type, PackKind::skeleton, true});
    if (header->type != ObjectType::tag) {
      if (old) mark_(at);
      return;
    }
    const std::string tag = objects_.read(at, ObjectType::tag, commit_limit);
    if (!tag.starts_with("object ") || tag.size() < 47 || depth >= most_tags)
      throw Error(ErrorCode::corrupt, "the tag " + at.hex() + " is damaged");
    if (old) mark_(at);
    at = Oid::parse(std::string_view(tag).substr(7, 2 * Oid::size));
    constexpr std::size_t type_line = 7 + 2 * Oid::size + 1;
    if (tag.compare(type_line, 5, "type ") == 0)
      type = tag.substr(type_line + 5, tag.find('\n', type_line) - type_line - 5);
  }
}

const std::vector<GapCommit>& GapWalk::commits(const std::vector<Oid>& tips, const std::vector<Oid>& old_tips) {
  for (const Oid& tip : old_tips) add_tip(tip, true);
  for (const Oid& tip : tips) add_tip(tip, false);
  // When all that is left is old, a few more: where clocks went wrong, they may be what makes others old.
  for (std::size_t more = most_afterwards; !heap_.empty() && (new_in_heap_ > 0 || more > 0);) {
    context_.cancel->check();
    more = new_in_heap_ > 0 ? most_afterwards : more - 1;
    std::pop_heap(heap_.begin(), heap_.end());
    const Oid id = heap_.back().id;
    heap_.pop_back();
    Commit& here = known_.at(id);
    here.popped = true;
    if (!here.old) {
      --new_in_heap_;
      order_.push_back(id);
    }
    const bool old = here.old;
    const std::vector<Oid> parents = here.commit.parents;  // the map may move
    for (const Oid& parent : parents) queue(parent, old);
  }
  for (const Oid& id : order_)
    if (const Commit& found = known_.at(id); !found.old) commits_.push_back(found.commit);
  find_border(old_tips);
  return commits_;
}

void GapWalk::find_border(const std::vector<Oid>& old_tips) {
  std::unordered_set<Oid> seen;
  const auto add = [&](const Oid& commit) {
    const auto known = known_.find(commit);
    if (known == known_.end() || !known->second.old || border_.size() >= most_border_trees) return;
    if (seen.insert(known->second.commit.tree).second) border_.push_back(known->second.commit.tree);
  };
  for (const GapCommit& commit : commits_)
    for (const Oid& parent : commit.parents) add(parent);
  for (const Oid& tip : old_tips) add(tip);
  known_.clear();
  heap_.clear();
}

void GapWalk::need_content_of(std::size_t depth) {
  std::unordered_map<Oid, const GapCommit*> by_id;
  for (const GapCommit& commit : commits_) by_id.emplace(commit.id, &commit);
  whole_.emplace();
  std::deque<std::pair<Oid, std::size_t>> open;
  for (const Oid& tip : tips_) open.emplace_back(tip, 1);
  while (!open.empty()) {
    const auto [id, at] = open.front();
    open.pop_front();
    const auto found = by_id.find(id);
    if (at > depth || found == by_id.end() || !whole_->insert(id).second) continue;
    for (const Oid& parent : found->second->parents) open.emplace_back(parent, at + 1);
  }
}

void GapWalk::hide_all() {
  std::vector<Oid> open = border_;
  while (!open.empty()) {
    context_.cancel->check();
    const Oid id = open.back();
    open.pop_back();
    if (!mark_(id)) continue;
    const Entries entries = find_entries(id);
    if (!entries) continue;
    for (const TreeEntry& entry : *entries) {
      if (entry.is_tree())
        open.push_back(entry.id);
      else
        mark_(entry.id);
    }
  }
}

void GapWalk::hide(const Oid& tree) {
  if (!hidden_trees_.insert(tree).second) return;
  if (const Entries entries = find_entries(tree))
    for (const TreeEntry& entry : *entries) mark_(entry.id);
}

void GapWalk::objects(const std::function<void(const GapObject&)>& visit) {
  for (const GapObject& root : roots_)
    if (root.type == ObjectType::tag && mark_(root.id)) visit(root);
  for (const GapCommit& commit : commits_)
    if (mark_(commit.id)) visit({commit.id, ObjectType::commit, PackKind::skeleton, true});
  for (const GapObject& root : roots_) {
    if (root.type == ObjectType::tree) walk_tree(root.id, true, visit);
    if (root.type == ObjectType::blob && mark_(root.id)) visit(root);
  }
  for (const Oid& tree : border_) mark_(tree);
  // What must be whole first: then nothing of it was passed over for the sake of a version that need not be.
  for (const bool needed : {true, false})
    for (const GapCommit& commit : commits_)
      if ((!whole_ || whole_->contains(commit.id)) == needed) walk_tree(commit.tree, needed, visit);
}

std::vector<Oid> GapWalk::old_places(const Step& step, const TreeEntry& entry, const Entries& entries) {
  std::vector<Oid> found;
  for (const Oid& old : step.old) {
    const Entries others = find_entries(old);
    if (!others) continue;
    if (const TreeEntry* same = find_named(*others, entry)) {
      if (std::find(found.begin(), found.end(), same->id) == found.end()) found.push_back(same->id);
      continue;
    }
    // A folder of chunks is called by its offset: behind an insertion it is the one that has gone.
    if (!step.in_chunks) continue;
    constexpr std::size_t most = 4;
    for (const TreeEntry& other : *others)
      if (other.is_tree() && found.size() < most && find_named(*entries, other) == nullptr) found.push_back(other.id);
  }
  return found;
}

void GapWalk::walk_tree(const Oid& root, bool needed, const std::function<void(const GapObject&)>& visit) {
  std::vector<Step> open{{root, true, false, false, true, border_}};
  while (!open.empty()) {
    context_.cancel->check();
    const Step step = std::move(open.back());
    open.pop_back();
    if (!mark_(step.id)) continue;
    const bool skeleton = step.in_pod || (step.tree && !step.in_chunks);
    const PackKind kind = skeleton ? PackKind::skeleton : PackKind::content;
    visit({step.id, step.tree ? ObjectType::tree : ObjectType::blob, kind, skeleton || needed});
    if (!step.tree) continue;
    for (const Oid& old : step.old) hide(old);
    const Entries entries = skeleton || needed ? entries_of(step.id) : find_entries(step.id);
    if (!entries) continue;
    // From the last to the first, since the stack turns them round.
    for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry) {
      if (entry->mode == 0160000) continue;
      Step next{entry->id, entry->is_tree(), step.in_chunks, step.in_pod, false, {}};
      if (step.at_root && entry->name == ".pod") next.in_pod = true;
      if (entry->is_tree() && !next.in_pod && entry->name.ends_with(chunks_suffix)) next.in_chunks = true;
      if (entry->is_tree() && !step.old.empty()) next.old = old_places(step, *entry, entries);
      open.push_back(std::move(next));
    }
  }
}

GapWalk::Entries GapWalk::entries_of(const Oid& tree) {
  const auto found = recent_by_id_.find(tree);
  if (found != recent_by_id_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second);
    return found->second->second;
  }
  auto entries = std::make_shared<const std::vector<TreeEntry>>(
      git::parse_tree(tree, objects_.read(tree, ObjectType::tree, tree_limit)));
  recent_.emplace_front(tree, entries);
  recent_by_id_[tree] = recent_.begin();
  recent_entries_ += entries->size() + 1;
  while (recent_entries_ > most_recent_entries && recent_.size() > 2) {
    recent_entries_ -= recent_.back().second->size() + 1;
    recent_by_id_.erase(recent_.back().first);
    recent_.pop_back();
  }
  return entries;
}

/// null where it is not there: of the old side nothing need be.
GapWalk::Entries GapWalk::find_entries(const Oid& tree) {
  if (!recent_by_id_.contains(tree) && !objects_.knows(tree)) return nullptr;
  return entries_of(tree);
}

}  // namespace pod::remote
