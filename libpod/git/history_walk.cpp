#include "git/history_walk.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <optional>
#include <unordered_set>

namespace pod::git {
namespace {

constexpr std::uint64_t tree_limit = 256ull << 20;
constexpr std::size_t most_recent_entries = 200'000;  // about 20 MB

/// Entries of `older` that are neither in `newer` nor under a name of it, with what stands in their place: the i-th
/// strange entry behind the same familiar one.
std::unordered_map<Oid, Oid> by_neighbours(const std::vector<TreeEntry>& older, const std::vector<TreeEntry>& newer) {
  std::unordered_set<Oid> in_older, in_newer;
  for (const TreeEntry& entry : older) in_older.insert(entry.id);
  for (const TreeEntry& entry : newer) in_newer.insert(entry.id);
  std::unordered_map<Oid, std::vector<const TreeEntry*>> behind;  // a familiar entry
  Oid last;
  for (const TreeEntry& entry : newer) {
    if (in_older.contains(entry.id))
      last = entry.id;
    else
      behind[last].push_back(&entry);
  }
  std::unordered_map<Oid, Oid> found;
  last = Oid();
  std::size_t place = 0;
  for (const TreeEntry& entry : older) {
    if (in_newer.contains(entry.id)) {
      last = entry.id;
      place = 0;
      continue;
    }
    const auto there = behind.find(last);
    if (there == behind.end()) continue;
    const std::size_t at = std::min(place++, there->second.size() - 1);
    if (const TreeEntry& other = *there->second[at]; other.is_tree() == entry.is_tree())
      found.emplace(entry.id, other.id);
  }
  return found;
}

const TreeEntry* named(const std::vector<TreeEntry>& entries, const TreeEntry& like) {
  // In git's order a folder's name counts as if it ended in "/".
  const auto key = [](const TreeEntry& entry) { return entry.is_tree() ? entry.name + '/' : entry.name; };
  const std::string wanted = key(like);
  const auto found =
      std::lower_bound(entries.begin(), entries.end(), wanted,
                       [&](const TreeEntry& entry, const std::string& name) { return key(entry) < name; });
  return found != entries.end() && found->name == like.name && found->is_tree() == like.is_tree() ? &*found : nullptr;
}

}  // namespace

HistoryWalk::HistoryWalk(const ObjectTable& table, ObjectDatabase& objects, const Context& context)
    : table_(table), objects_(objects), context_(context), lines_(table.size(), no_line), line_of_trees_{false} {}

ObjectNumber HistoryWalk::number_of(const Oid& id) {
  if (const auto number = table_.find(id)) return *number;
  throw Error(ErrorCode::corrupt, "the object " + id.hex() + ", which " + needed_by_ + " needs, is missing");
}

/// Whether it is met for the first time.
bool HistoryWalk::enter(const Oid& id, Line line) {
  const ObjectNumber number = number_of(id);
  if (lines_[number] != no_line) return false;
  lines_[number] = line;
  order_.push_back(number);
  return true;
}

HistoryWalk::Line HistoryWalk::line_after(const Oid& newer, bool tree) {
  if (!newer.is_zero())
    if (const auto number = table_.find(newer); number && lines_[*number] != no_line) return lines_[*number];
  line_of_trees_.push_back(tree);
  return static_cast<Line>(line_of_trees_.size() - 1);
}

void HistoryWalk::add(const Oid& root, const std::string& name) {
  needed_by_ = name;
  try {
    Oid at = root;
    for (;;) {
      const ObjectNumber number = number_of(at);
      const auto header = objects_.header(at);
      if (!header) throw Error(ErrorCode::corrupt, "the object " + at.hex() + " is missing");
      if (header->type == ObjectType::commit) return walk_commits(at);
      if (header->type == ObjectType::tree) return walk_tree(at, {});
      if (header->type == ObjectType::blob) {
        if (lines_[number] == no_line) enter(at, line_after({}, false));
        return;
      }
      enter(at, commits_line);
      const std::string tag = objects_.read(at, ObjectType::tag);
      if (!tag.starts_with("object ") || tag.size() < 47)
        throw Error(ErrorCode::corrupt, "the tag " + at.hex() + " is damaged");
      at = Oid::parse(std::string_view(tag).substr(7, 2 * Oid::size));
    }
  } catch (Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    throw Error(ErrorCode::corrupt, error.message()).because(name + " needs it");
  }
}

void HistoryWalk::add_loosely(const Oid& root) {
  std::vector<Oid> open{root};
  while (!open.empty()) {
    context_.cancel->check();
    const Oid id = open.back();
    open.pop_back();
    const auto number = table_.find(id);
    if (!number || lines_[*number] != no_line) continue;
    try {
      const auto header = objects_.header(id);
      if (!header) continue;
      enter(id, line_after({}, header->type == ObjectType::tree));
      if (header->type == ObjectType::commit) {
        const Commit commit = read_commit(objects_, id);
        open.push_back(commit.tree);
        open.insert(open.end(), commit.parents.begin(), commit.parents.end());
      } else if (header->type == ObjectType::tree) {
        for (const TreeEntry& entry : *entries_of(id))
          if (entry.mode != 0160000) open.push_back(entry.id);
      } else if (header->type == ObjectType::tag) {
        const std::string tag = objects_.read(id, ObjectType::tag);
        if (tag.starts_with("object ") && tag.size() > 46)
          open.push_back(Oid::parse(std::string_view(tag).substr(7, 40)));
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::not_found) throw;
      // It may be kept, but it keeps nothing.
    }
  }
}

void HistoryWalk::walk_commits(const Oid& tip) {
  std::vector<Pair> open{{tip, last_tree_}};
  while (!open.empty()) {
    context_.cancel->check();
    const Pair here = open.back();
    open.pop_back();
    if (!enter(here.id, commits_line)) continue;
    const Commit commit = read_commit(objects_, here.id);
    walk_tree(commit.tree, here.newer);
    if (here.id == tip) last_tree_ = commit.tree;
    // First parents first: their trees are the nearest.
    for (auto parent = commit.parents.rbegin(); parent != commit.parents.rend(); ++parent)
      open.push_back({*parent, commit.tree});
  }
}

void HistoryWalk::walk_tree(const Oid& root, const Oid& newer) {
  std::vector<Pair> open{{root, newer}};
  while (!open.empty()) {
    context_.cancel->check();
    const Pair here = open.back();
    open.pop_back();
    if (lines_[number_of(here.id)] != no_line) continue;
    enter(here.id, line_after(here.newer, true));
    const Entries entries = entries_of(here.id);
    const Entries others = here.newer.is_zero() ? nullptr : entries_of(here.newer);
    std::optional<std::unordered_map<Oid, Oid>> strange;
    const std::size_t first = open.size();
    for (const TreeEntry& entry : *entries) {
      if (entry.mode == 0160000) continue;
      if (lines_[number_of(entry.id)] != no_line) continue;
      Oid place;
      if (others) {
        if (const TreeEntry* same = named(*others, entry)) {
          place = same->id;
        } else {
          if (!strange) strange = by_neighbours(*entries, *others);
          if (const auto found = strange->find(entry.id); found != strange->end()) place = found->second;
        }
      }
      if (entry.is_tree())
        open.push_back({entry.id, place});
      else
        enter(entry.id, line_after(place, false));
    }
    std::reverse(open.begin() + static_cast<std::ptrdiff_t>(first), open.end());
  }
}

HistoryWalk::Entries HistoryWalk::entries_of(const Oid& tree) {
  if (const auto known = recent_by_id_.find(tree); known != recent_by_id_.end()) {
    recent_.splice(recent_.begin(), recent_, known->second);
    return recent_.front().second;
  }
  auto entries = std::make_shared<const std::vector<TreeEntry>>(
      parse_tree(tree, objects_.read(tree, ObjectType::tree, tree_limit)));
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

HistoryWalk::Lines HistoryWalk::lines() const {
  // Lines in the order in which they began, those of trees before those of blobs.
  std::vector<std::uint32_t> counts(line_of_trees_.size(), 0);
  for (const ObjectNumber number : order_) ++counts[lines_[number]];
  Lines out;
  out.objects.resize(order_.size());
  out.commits = counts.empty() ? 0 : counts[commits_line];
  std::vector<std::size_t> next(counts.size(), 0);
  std::size_t at = 0;
  const auto place = [&](std::size_t line) {
    next[line] = at;
    at += counts[line];
    if (counts[line] > 0) out.ends.push_back(at);
  };
  place(commits_line);
  for (const bool trees : {true, false})
    for (std::size_t line = 1; line < counts.size(); ++line)
      if (line_of_trees_[line] == trees) place(line);
  for (const ObjectNumber number : order_) out.objects[next[lines_[number]]++] = number;
  return out;
}

}  // namespace pod::git
