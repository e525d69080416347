#include "transport/ref_plan.hpp"

#include "base/ascii.hpp"
#include "git/refs.hpp"
#include "git/repository.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <unordered_set>

namespace pod::transport {
namespace {

using git::ObjectType;

constexpr std::string_view branches = "refs/heads/";
constexpr std::string_view tags = "refs/tags/";
constexpr std::uint64_t most_of_tag = 8u << 20;
constexpr std::uint64_t most_of_commit = 16u << 20;
constexpr int deepest_tag = 16;  // tags of tags

GitRefPushed refused(std::string name, Error why) { return {std::move(name), GitRefStatus::refused, std::move(why)}; }

/// The commit that a tag names at last.
Oid version_of(git::ObjectDatabase& objects, Oid id) {
  for (int depth = 0; depth < deepest_tag; ++depth) {
    const auto header = objects.header(id);
    if (!header) throw Error(ErrorCode::not_found, "there is no object " + id.hex() + " here");
    if (header->type == ObjectType::commit) return id;
    if (header->type != ObjectType::tag) break;
    constexpr std::string_view word = "object ";
    const std::string text = objects.read(id, ObjectType::tag, most_of_tag);
    if (!text.starts_with(word)) throw Error(ErrorCode::corrupt, "the tag " + id.hex() + " is damaged");
    id = Oid::parse(std::string_view(text).substr(word.size(), 2 * Oid::size));
  }
  throw Error(ErrorCode::refused, "a tag beside a pod names a version").because("this one names no commit");
}

/// Whether `version` is `tip` or one before it. Error(not_found) where a commit on the way is missing.
bool reaches(git::ObjectDatabase& objects, const Oid& tip, const Oid& version) {
  if (!objects.contains(tip)) return false;
  std::vector<Oid> next{tip};
  std::unordered_set<Oid> seen{tip};
  for (std::size_t at = 0; at < next.size(); ++at) {
    if (next[at] == version) return true;
    const std::string text = objects.read(next[at], ObjectType::commit, most_of_commit);
    for (const Oid& parent : git::parse_commit(next[at], text).parents)
      if (seen.insert(parent).second) next.push_back(parent);
  }
  return false;
}

class Planner {
 public:
  Planner(const std::vector<GitRefUpdate>& updates, const Pods& pods, git::ObjectDatabase& objects)
      : updates_(updates), pods_(pods), objects_(objects) {}

  RefPlan run() {
    for (const GitRefUpdate& update : updates_) plan_.answers.push_back({.name = update.name});
    for_each(branches, [this](std::size_t i) { add(PodName::parse(updates_[i].name.substr(branches.size())), i); });
    for_each(tags, [this](std::size_t i) { place_tag(i); });
    for (std::size_t i = 0; i < updates_.size(); ++i)
      if (!updates_[i].name.starts_with(branches) && !updates_[i].name.starts_with(tags))
        plan_.answers[i] =
            refused(updates_[i].name, Error(ErrorCode::refused, "a remote of pods has branches and tags alone"));
    for (auto& [pod, places] : by_pod_) plan_.pods.push_back({pod, std::move(places)});
    return std::move(plan_);
  }

 private:
  template <typename Work>
  void for_each(std::string_view prefix, Work work) {
    for (std::size_t i = 0; i < updates_.size(); ++i) {
      if (!updates_[i].name.starts_with(prefix)) continue;
      try {
        git::check_ref_name(updates_[i].name);
        work(i);
      } catch (const Error& error) {
        plan_.answers[i] = refused(updates_[i].name, error);
      }
    }
  }

  void add(const PodName& pod, std::size_t update) { by_pod_[pod].push_back(update); }

  void place_tag(std::size_t i) {
    const GitRefUpdate& update = updates_[i];
    for (const auto& [pod, state] : pods_)
      if (!target_in(manifest_of(pods_, pod), update.name).is_zero()) return add(pod, i);
    if (update.target.is_zero()) throw Error(ErrorCode::not_found, "there is no such tag there");
    const Oid version = version_of(objects_, update.target);
    for (const auto& [pod, places] : by_pod_)
      for (const std::size_t place : places)
        if (updates_[place].name == pod.branch() && reaches(objects_, updates_[place].target, version))
          return add(pod, i);
    for (const auto& [pod, state] : pods_) {
      const Oid tip = target_in(manifest_of(pods_, pod), pod.branch());
      if (!tip.is_zero() && !moves(pod) && reaches(objects_, tip, version)) return add(pod, i);
    }
    throw Error(ErrorCode::refused, "the tag names no version of a pod of the remote").hint("push the branch with it");
  }

  bool moves(const PodName& pod) const {
    const auto found = by_pod_.find(pod);
    return found != by_pod_.end() && std::any_of(found->second.begin(), found->second.end(), [&](std::size_t place) {
             return updates_[place].name == pod.branch();
           });
  }

  const std::vector<GitRefUpdate>& updates_;
  const Pods& pods_;
  git::ObjectDatabase& objects_;
  RefPlan plan_;
  std::map<PodName, std::vector<std::size_t>> by_pod_;
};

}  // namespace

const remote::Manifest* manifest_of(const Pods& pods, const PodName& pod) {
  const auto found = pods.find(pod);
  return found != pods.end() && found->second.manifest ? &*found->second.manifest : nullptr;
}

Oid target_in(const remote::Manifest* manifest, const std::string& ref) {
  if (manifest == nullptr) return {};
  const auto found = std::find_if(manifest->refs.begin(), manifest->refs.end(),
                                  [&](const remote::ManifestRef& there) { return there.name == ref; });
  return found == manifest->refs.end() ? Oid() : found->target;
}

RefPlan plan_refs(const std::vector<GitRefUpdate>& updates, const Pods& pods, git::ObjectDatabase& objects) {
  return Planner(updates, pods, objects).run();
}

GitRefPushed judge(const GitRefUpdate& update, const Oid& before, git::ObjectDatabase& objects) {
  GitRefPushed answer{.name = update.name};
  const auto no = [&](GitRefStatus status, Error why) {
    answer.status = status;
    answer.error = std::move(why);
    return answer;
  };
  if (update.expected && *update.expected != before)
    return no(GitRefStatus::moved, Error(ErrorCode::conflict, "the remote has another version than was expected"));
  if (update.target.is_zero() || update.target == before) return answer;
  const auto header = objects.header(update.target);
  if (!header) return no(GitRefStatus::refused, Error(ErrorCode::not_found, "there is no such object here"));
  if (!update.name.starts_with(branches)) {
    if (before.is_zero() || update.force) return answer;
    return no(GitRefStatus::refused, Error(ErrorCode::already_exists, "the remote has such a tag already"));
  }
  if (header->type != ObjectType::commit)
    return no(GitRefStatus::refused, Error(ErrorCode::invalid_argument, "a pod's branch names a commit"));
  if (before.is_zero() || update.force || reaches(objects, update.target, before)) return answer;
  return no(GitRefStatus::not_fast_forward,
            Error(ErrorCode::conflict, "the remote has versions that this does not follow").hint("git pull"));
}

}  // namespace pod::transport
