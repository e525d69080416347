// Which versions lack what: every version of every pod, along what its refs reach and what the journal still knows.
#pragma once

#include "git/repository.hpp"
#include "store/findings.hpp"
#include "store/journal.hpp"
#include "store/model_check.hpp"

#include <libpod/context.hpp>

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace pod::store {

/// The blobs, trees and commits that can be reached from `roots`, each once; what is missing on the way is left out.
std::vector<Oid> reachable_objects(const git::Repository& repository, const std::vector<git::Ref>& roots,
                                   const Context& context);

/// One thread at a time. Cost: reads every commit and every tree once. Memory: an id a tree.
class HistoryCheck {
 public:
  /// `damaged`: objects that are there and cannot be read, with the reason.
  HistoryCheck(const git::Repository& repository, const Journal& journal,
               const std::unordered_map<Oid, std::string>& damaged, const Context& context);

  /// What the refs reach. Findings "history", "newest", "models", "numbers", "undo".
  /// `some`: those are not all refs of the store.
  void run(const std::vector<git::Ref>& roots, bool some, Findings& findings);
  /// For each object that is missing or damaged what needs it, "shop:2 assets/s3/x"; valid after run().
  const std::map<Oid, std::vector<std::string>>& affected() const noexcept { return affected_; }

 private:
  /// A part of a version that cannot be had.
  struct Loss {
    std::string path;  // in the tree; a large file by its own name
    Oid object;
  };
  struct Pod {
    std::string name;
    std::int64_t latest = 0;
    std::optional<std::string> newest_whole;
    std::int64_t newest_number = -1;
    bool lost_something = false;
  };

  void visit(const git::Ref& root);
  void note_lost_commit(Pod& pod, const Oid& commit, const std::string& known_as);
  bool is_lost(const Oid& id) const;
  /// What is lost below a tree, by paths from there; at most 1,000. Sound trees are remembered, others by their list.
  const std::vector<Loss>& losses_below(const Oid& tree, bool in_file, std::size_t depth);
  void check_models(const std::string& name, const Oid& tree);
  void check_numbers(const git::Ref& root);
  void check_undo();
  std::string why(const Oid& object) const;

  const git::Repository& repository_;
  const std::unordered_map<Oid, std::string>& damaged_;
  const Context& context_;
  std::vector<Operation> operations_;                                        // oldest first, as far as they can be read
  std::unordered_map<Oid, const Operation*> made_by_;                        // a commit to the operation that made it
  std::unordered_set<Oid> seen_;                                             // commits
  std::unordered_map<Oid, std::int64_t> numbers_;                            // of those of this root
  std::unordered_set<Oid> sound_;                                            // trees
  std::unordered_map<Oid, std::vector<Loss>> unsound_;                       // trees
  std::map<std::string, std::pair<Oid, std::vector<std::string>>> by_path_;  // path to the first object, versions
  std::map<Oid, std::vector<std::string>> affected_;
  std::vector<Pod> pods_;
  ModelCheck models_;
  std::vector<std::string> model_lines_, number_lines_, undo_lines_;
  std::vector<Finding> history_;
  std::size_t versions_ = 0;
};

}  // namespace pod::store
