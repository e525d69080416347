// The refs of a push, each with the pod that it belongs to.
#pragma once

#include "git/object_database.hpp"
#include "remote/pod_state.hpp"

#include <libpod/remote.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

namespace pod::transport {

/// What a remote has, deleted pods too.
using Pods = std::map<PodName, remote::PodState>;

/// The pod's manifest, or null where it is not there.
const remote::Manifest* manifest_of(const Pods& pods, const PodName& pod);
/// Zero: it has no such ref.
Oid target_in(const remote::Manifest* manifest, const std::string& ref);

/// What one pod is to become.
struct PodPlan {
  PodName pod;
  std::vector<std::size_t> updates;  // by their place in the push
};

struct RefPlan {
  std::vector<PodPlan> pods;          // by name
  std::vector<GitRefPushed> answers;  // one for each update; those that are no pod's business are refused
};

/// A branch is the pod of its name. A tag stays in the pod that has it; a new one goes to the first pod, by name, of
/// this push, else of those that stay as they are, whose tip has the version that it names in its history.
RefPlan plan_refs(const std::vector<GitRefUpdate>& updates, const Pods& pods, git::ObjectDatabase& objects);

/// Whether the update may be made: what is there is what was expected, the target is there and of the right type, and
/// follows. `done`: it may.
GitRefPushed judge(const GitRefUpdate& update, const Oid& before, git::ObjectDatabase& objects);

}  // namespace pod::transport
