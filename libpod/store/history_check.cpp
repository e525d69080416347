#include "store/history_check.hpp"

#include "snapshot/tree_view.hpp"
#include "store/numbers.hpp"
#include "store/versions.hpp"

#include <libpod/error.hpp>

#include <sys/stat.h>
#include <algorithm>

namespace pod::store {
namespace {

using Level = Finding::Level;

constexpr std::size_t losses_listed = 1000;
constexpr std::size_t deepest = 100;
constexpr std::string_view branches = "refs/heads/";
constexpr std::int64_t undo_seconds = std::int64_t{30} * 24 * 60 * 60;  // how long an operation can be undone
const std::string way_out =
    "podgit fsck --repair uses a sound copy where there is one; else commit the same state again, or take the missing "
    "packs from a backup";

std::optional<PodName> pod_of(const std::string& ref) {
  if (!ref.starts_with(branches)) return std::nullopt;
  try {
    return PodName::parse(ref.substr(branches.size()));
  } catch (const Error&) {
    return std::nullopt;
  }
}

void rethrow_cancelled(const Error& error) {
  if (error.code() == ErrorCode::cancelled) throw error;
}

}  // namespace

std::vector<Oid> reachable_objects(const git::Repository& repository, const std::vector<git::Ref>& roots,
                                   const Context& context) {
  std::unordered_set<Oid> seen;
  std::vector<Oid> all;
  std::vector<Oid> commits, trees;
  const auto once = [&](const Oid& id) {
    if (!seen.insert(id).second) return false;
    all.push_back(id);
    return true;
  };
  for (const git::Ref& root : roots) commits.push_back(root.target);
  while (!commits.empty() || !trees.empty()) {
    context.cancel->check();
    const bool is_tree = !trees.empty();
    std::vector<Oid>& open = is_tree ? trees : commits;
    const Oid id = open.back();
    open.pop_back();
    if (!once(id)) continue;
    try {
      if (is_tree) {
        for (const git::TreeEntry& entry : git::parse_tree(id, repository.objects()->read(id, git::ObjectType::tree))) {
          if (entry.is_tree())
            trees.push_back(entry.id);
          else
            once(entry.id);
        }
      } else {
        const git::Commit commit = repository.commit(id);
        trees.push_back(commit.tree);
        commits.insert(commits.end(), commit.parents.begin(), commit.parents.end());
      }
    } catch (const Error& error) {
      rethrow_cancelled(error);  // else the history says what is missing
    }
  }
  return all;
}

HistoryCheck::HistoryCheck(const git::Repository& repository, const Journal& journal,
                           const std::unordered_map<Oid, std::string>& damaged, const Context& context)
    : repository_(repository), damaged_(damaged), context_(context), operations_(journal.readable()) {
  for (const Operation& operation : operations_)
    if (!operation.after.is_zero() && !operation.ref.empty()) made_by_.emplace(operation.after, &operation);
}

void HistoryCheck::run(const std::vector<git::Ref>& roots, bool some, Findings& findings) {
  context_.progress->begin("reading versions", std::nullopt);
  for (const git::Ref& root : roots) visit(root);
  if (!some) check_undo();
  context_.progress->end();

  for (auto& [path, loss] : by_path_) {
    auto& [object, versions] = loss;
    Finding finding{Level::fail, "history", {}, way_out, object.hex(), {}, versions.size()};
    finding.detail = versions.front();
    if (versions.size() > 1) finding.detail += " and " + std::to_string(versions.size() - 1) + " more";
    finding.detail += std::string(versions.size() > 1 ? " lack " : " lacks ") +
                      (path.empty() ? "all of its files" : "the file " + quote(path)) + ": " + why(object);
    for (std::size_t i = 0; i < std::min(versions.size(), affects_shown); ++i)
      finding.affects.push_back(path.empty() ? versions[i] : versions[i] + " " + path);
    history_.push_back(std::move(finding));
  }
  findings.add_lines(Level::warn, "models", model_lines_,
                     std::to_string(models_.checked()) + " models say what their files say",
                     "the state itself is sound; a commit of it as a new version makes its model again");
  findings.add_all("history", std::move(history_), std::to_string(versions_) + " versions are whole");
  for (const Pod& pod : pods_)
    if (pod.lost_something)
      findings.add(Level::fail, "newest",
                   pod.newest_whole
                       ? "the newest version of pod " + quote(pod.name) + " that is whole is " + *pod.newest_whole
                       : "no version of pod " + quote(pod.name) + " is whole",
                   way_out);
  findings.add_lines(Level::warn, "numbers", number_lines_,
                     "the numbers beside long histories are those of the versions",
                     "podgit fsck --repair removes it; it comes again");
  findings.add_lines(Level::warn, "undo", undo_lines_, "what undo needs is kept",
                     "podgit fsck --repair keeps it again, where it is still there");
}

/// Along all parents; where a commit is lost, at the one that the journal says was there before it.
void HistoryCheck::visit(const git::Ref& root) {
  const auto name = pod_of(root.name);
  Pod pod{name ? name->str() : root.name, 0, std::nullopt, -1, false};
  struct Open {
    Oid commit;
    std::string known_as;  // how its child calls it
  };
  std::vector<Open> open{{root.target, {}}};
  numbers_.clear();
  std::unordered_set<Oid> seen_here;
  while (!open.empty()) {
    context_.cancel->check();
    const Open next = std::move(open.back());
    open.pop_back();
    // A pod may share its history with another one: its own numbers and its newest whole version count all the same.
    if (!seen_here.insert(next.commit).second) continue;
    const bool is_new = seen_.insert(next.commit).second;
    if (!is_new && by_path_.empty() && history_.empty()) continue;
    Version version;
    try {
      version = load_version(repository_, name, next.commit);
    } catch (const Error& error) {
      rethrow_cancelled(error);
      note_lost_commit(pod, next.commit, next.known_as);
      const auto made = made_by_.find(next.commit);
      if (made != made_by_.end() && !made->second->before.is_zero()) open.push_back({made->second->before, {}});
      continue;
    }
    if (is_new) ++versions_;
    numbers_.emplace(version.commit, version.number);
    if (pod.latest == 0) pod.latest = version.number;
    for (auto parent = version.parents.rbegin(); parent != version.parents.rend(); ++parent)
      open.push_back({*parent, "the version before " + version.str()});
    const std::string label = name ? version.str() : root.name + " (" + version.commit.hex() + ")";
    const std::vector<Loss>& losses = losses_below(version.tree, false, 0);
    for (const Loss& loss : losses) {
      pod.lost_something = pod.lost_something || name.has_value();
      auto& [object, versions] = by_path_[loss.path];
      if (versions.empty()) object = loss.object;
      if (versions.empty() || versions.back() != label) versions.push_back(label);
      auto& affected = affected_[loss.object];
      if (affected.size() < affects_shown) affected.push_back(label + (loss.path.empty() ? "" : " " + loss.path));
    }
    if (!losses.empty()) continue;
    if (version.number > pod.newest_number) {
      pod.newest_number = version.number;
      pod.newest_whole = label;
    }
    if (is_new) check_models(label, version.tree);
  }
  check_numbers(root);
  if (name) pods_.push_back(std::move(pod));
}

void HistoryCheck::note_lost_commit(Pod& pod, const Oid& commit, const std::string& known_as) {
  pod.lost_something = true;
  const auto made = made_by_.find(commit);
  std::string label = made != made_by_.end() ? printable(made->second->what) : known_as;
  if (label.empty()) label = "the latest version of " + quote(pod.name);
  Finding finding{Level::fail, "history", label + " cannot be read: " + why(commit), way_out, commit.hex(), {label}, 1};
  affected_[commit].push_back(label);
  history_.push_back(std::move(finding));
}

std::string HistoryCheck::why(const Oid& object) const {
  const auto damage = damaged_.find(object);
  return "object " + object.hex() + (damage == damaged_.end() ? " is missing" : " is damaged: " + damage->second);
}

bool HistoryCheck::is_lost(const Oid& id) const {
  return damaged_.contains(id) || !repository_.objects()->contains(id);
}

const std::vector<HistoryCheck::Loss>& HistoryCheck::losses_below(const Oid& tree, bool in_file, std::size_t depth) {
  static const std::vector<Loss> none;
  if (sound_.contains(tree)) return none;
  if (const auto known = unsound_.find(tree); known != unsound_.end()) return known->second;
  context_.cancel->check();
  std::vector<Loss> losses;
  std::vector<git::TreeEntry> entries;
  try {
    if (is_lost(tree) || depth > deepest) throw Error(ErrorCode::corrupt, "lost");
    entries = git::parse_tree(tree, repository_.objects()->read(tree, git::ObjectType::tree));
  } catch (const Error& error) {
    rethrow_cancelled(error);
    losses.push_back({{}, tree});
  }
  for (const git::TreeEntry& entry : entries) {
    if (losses.size() >= losses_listed) break;
    std::string name = entry.name;
    const bool is_file = in_file || snapshot::is_chunked(entry);
    if (snapshot::is_chunked(entry)) name.resize(name.size() - snapshot::chunks_suffix.size());
    if (!entry.is_tree()) {
      if (is_lost(entry.id)) losses.push_back({in_file ? std::string() : name, entry.id});
    } else {
      for (const Loss& loss : losses_below(entry.id, is_file, depth + 1)) {
        if (in_file)
          losses.push_back({{}, loss.object});
        else
          losses.push_back({loss.path.empty() ? name : name + "/" + loss.path, loss.object});
        if (losses.size() >= losses_listed) break;
      }
    }
  }
  if (losses.empty()) {
    sound_.insert(tree);
    return none;
  }
  return unsound_.emplace(tree, std::move(losses)).first->second;
}

void HistoryCheck::check_models(const std::string& name, const Oid& tree) {
  try {
    const snapshot::TreeView view(repository_.objects(), tree);
    for (std::string& line : models_.problems(view, context_)) model_lines_.push_back(name + ": " + std::move(line));
  } catch (const Error& error) {
    rethrow_cancelled(error);
    history_.push_back(
        {Level::fail, "history", name + " is no snapshot: " + error.message(), {}, tree.hex(), {name}, 1});
  }
}

void HistoryCheck::check_numbers(const git::Ref& root) {
  const NumberIndex index(repository_.path(), root.name);
  for (const NumberedCommit& entry : index.commits()) {
    const auto version = numbers_.find(entry.commit);
    if (version == numbers_.end() || version->second == entry.number) continue;
    number_lines_.push_back("what is noted of the numbers of " + quote(root.name) + " is wrong");
    return;
  }
}

/// What an operation replaced is kept for undo by a ref; where that is gone a garbage collection takes it.
void HistoryCheck::check_undo() {
  // What a gc removed on purpose is not missed.
  struct stat last_gc {};
  const bool any_gc = ::stat((repository_.path() / "pod" / "gc").c_str(), &last_gc) == 0;
  const std::int64_t oldest =
      std::max<std::int64_t>(context_.clock->now().seconds - undo_seconds, any_gc ? last_gc.st_mtime : 0);
  for (const Operation& operation : operations_) {
    if (operation.before.is_zero() || seen_.contains(operation.before) || operation.time.seconds < oldest) continue;
    if (repository_.objects()->contains(operation.before))
      undo_lines_.push_back("operation " + std::to_string(operation.id) + " (" + printable(operation.verb) + " " +
                            printable(operation.what) + "): no ref keeps " + operation.before.hex());
  }
}

}  // namespace pod::store
