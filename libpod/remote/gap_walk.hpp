// What new tips reach and old ones do not: the objects between what one side has and what the other has.
//
// Commits are walked from the newest back, until all that is left is old. Each new commit's tree is compared with the
// trees at the border by path: what is the same is passed over, and neither side's unchanged folders are read. So a
// small change costs what it changed, whatever history lies behind it. An object that has moved to another path may be
// met although it is old; with hide_all() it is not, at the cost of reading every old tree.
#pragma once

#include "git/object_database.hpp"
#include "git/repository.hpp"
#include "remote/manifest.hpp"

#include <libpod/context.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace pod::remote {

struct GapObject {
  Oid id;
  git::ObjectType type = git::ObjectType::blob;
  PackKind kind = PackKind::content;  // skeleton: commits, tags, trees down to files, all of .pod/
  bool needed = true;                 // false: content of a version that need not be whole
};

struct GapCommit {
  Oid id;
  Oid tree;
  std::vector<Oid> parents;
  bool cut = false;  // this store lacks what lies behind it
};

/// One thread at a time. Once: cut_at() or not, commits(), then hide_all() or not, then objects().
class GapWalk {
 public:
  /// True when it is asked for an id for the first time.
  using Mark = std::function<bool(const Oid&)>;

  /// `old_tips` that are not there are passed over. Memory: 150 bytes a commit, 20 MB for trees, and what `mark` takes.
  GapWalk(git::ObjectDatabase& objects, Mark mark, const Context& context) noexcept;

  /// The history is taken to end at these commits. Before commits().
  void cut_at(std::unordered_set<Oid> commits) { cut_ = std::move(commits); }
  /// The new commits, the newest first. Error(not_found) where one is missing, Error(corrupt).
  const std::vector<GapCommit>& commits(const std::vector<Oid>& tips, const std::vector<Oid>& old_tips);
  /// Only the `depth` newest versions behind each tip need content: what others lack of it is passed over.
  void need_content_of(std::size_t depth);
  /// Marks all that the trees at the border hold.
  void hide_all();
  bool has_border() const noexcept { return !border_.empty(); }
  /// Each object once: tags and commits, then the trees' objects, the newest version first and in the order of paths.
  /// Throws as commits(). Blobs are not looked for.
  void objects(const std::function<void(const GapObject&)>& visit);

 private:
  using Entries = std::shared_ptr<const std::vector<git::TreeEntry>>;
  struct Commit {
    GapCommit commit;
    std::int64_t date = 0;
    bool old = false;
    bool popped = false;
  };
  struct Step;

  void add_tip(const Oid& tip, bool old);
  void queue(const Oid& id, bool old);
  void make_old(const Oid& id);
  void find_border(const std::vector<Oid>& old_tips);
  void hide(const Oid& tree);
  void walk_tree(const Oid& tree, bool needed, const std::function<void(const GapObject&)>& visit);
  std::vector<Oid> old_places(const Step& step, const git::TreeEntry& entry, const Entries& entries);
  Entries entries_of(const Oid& tree);
  Entries find_entries(const Oid& tree);

  git::ObjectDatabase& objects_;
  Mark mark_;
  Context context_;
  std::unordered_map<Oid, Commit> known_;
  struct Waiting {
    std::int64_t date = 0;
    bool old = false;
    Oid id;
    auto operator<=>(const Waiting&) const = default;
  };
  std::vector<Waiting> heap_;
  std::size_t new_in_heap_ = 0;
  std::vector<Oid> order_;  // as they were popped
  std::vector<GapCommit> commits_;
  std::vector<GapObject> roots_;  // tags, and what they name that is no commit
  std::vector<Oid> tips_;
  std::vector<Oid> border_;  // trees
  std::unordered_set<Oid> cut_;
  std::optional<std::unordered_set<Oid>> whole_;
  std::unordered_set<Oid> hidden_trees_;

  std::list<std::pair<Oid, Entries>> recent_;
  std::unordered_map<Oid, std::list<std::pair<Oid, Entries>>::iterator> recent_by_id_;
  std::size_t recent_entries_ = 0;
};

}  // namespace pod::remote
