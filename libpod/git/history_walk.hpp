// Which objects the refs of a repository reach, and which of them follow one another in time.
//
// Commits are walked from the newest back. Each tree is compared with the tree of the commit that came after it, so
// that what differs is met together with what took its place: the two are of one line. A line holds the objects of one
// path, the newest first; where names move (chunks behind an insertion), what stands between the same neighbours counts
// as the same place. Memory: 10 bytes an object. Cost: reads every commit and every tree once or twice, no blob.
#pragma once

#include "git/object_database.hpp"
#include "git/object_table.hpp"
#include "git/repository.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace pod::git {

/// One thread at a time.
class HistoryWalk {
 public:
  HistoryWalk(const ObjectTable& table, ObjectDatabase& objects, const Context& context);

  /// All that `root` reaches; `name` says in errors who needs it. Error(corrupt) where something is missing or damaged;
  /// then the walk is of no more use.
  void add(const Oid& root, const std::string& name);
  /// The same for what need not be whole: missing objects are passed over.
  void add_loosely(const Oid& root);

  bool reached(ObjectNumber number) const { return lines_[number] != no_line; }
  std::uint64_t count() const noexcept { return order_.size(); }

  /// The lines: those of commits and tags first, then of trees, then of blobs; each the newest first.
  struct Lines {
    std::vector<ObjectNumber> objects;
    std::vector<std::size_t> ends;  // of each line in `objects`
    std::size_t commits = 0;        // how many of the first objects are commits and tags
  };
  Lines lines() const;

 private:
  using Line = std::uint32_t;
  static constexpr Line no_line = UINT32_MAX;
  static constexpr Line commits_line = 0;
  using Entries = std::shared_ptr<const std::vector<TreeEntry>>;
  struct Pair {
    Oid id;
    Oid newer;  // what stands in its place in the newer tree; zero: nothing
  };

  ObjectNumber number_of(const Oid& id);
  bool enter(const Oid& id, Line line);
  Line line_after(const Oid& newer, bool tree);
  void walk_commits(const Oid& tip);
  void walk_tree(const Oid& tree, const Oid& newer);
  Entries entries_of(const Oid& tree);

  const ObjectTable& table_;
  ObjectDatabase& objects_;
  Context context_;
  std::string needed_by_;
  Oid last_tree_;
  std::vector<Line> lines_;          // by number
  std::vector<bool> line_of_trees_;  // by line
  std::vector<ObjectNumber> order_;  // as they were met

  // Trees are read as the older one of a pair, and soon after as the newer one.
  std::list<std::pair<Oid, Entries>> recent_;
  std::unordered_map<Oid, std::list<std::pair<Oid, Entries>>::iterator> recent_by_id_;
  std::size_t recent_entries_ = 0;
};

}  // namespace pod::git
