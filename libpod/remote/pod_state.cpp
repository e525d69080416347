#include "remote/pod_state.hpp"

#include "json/json.hpp"
#include "remote/layout.hpp"
#include "remote/parallel.hpp"

#include <libpod/error.hpp>

#include <algorithm>

namespace pod::remote {
namespace {

constexpr int max_moves = 8;

std::string name_of(const PodName& pod, const digest::Sha256Value& sha256) {
  return quote(manifest_key(pod, sha256).str());
}

/// The object's name in front of what is wrong with its content.
template <class Parse>
auto parse_object(const objects::Key& key, std::string_view text, Parse parse) {
  try {
    return parse(text);
  } catch (Error& error) {
    error.within("cannot use " + quote(key.str()) + " of the remote");
    throw;
  }
}

void check_not_older(const PodName& pod, const Head& head, const Head& seen) {
  if (head.generation > seen.generation || head == seen) return;
  const std::string name = quote(pod.str());
  Error error(ErrorCode::corrupt, head.generation < seen.generation
                                      ? "the remote shows an older state of the pod " + name + " than before"
                                      : "the remote shows another state of the pod " + name + " under the same number");
  error.because("generation " + std::to_string(head.generation) + " now, " + std::to_string(seen.generation) +
                " when it was last read");
  error.hint("somebody may have put an old copy in its place; ask who keeps the remote");
  throw error;
}

void check_belongs(const PodName& pod, const Head& head, const Manifest& manifest) {
  const std::string name = name_of(pod, *head.manifest);
  if (manifest.generation != head.generation || manifest.nonce != head.nonce)
    throw Error(ErrorCode::corrupt, "the manifest " + name + " was not made for the HEAD that names it");
  if (manifest.refs.front().name != pod.branch())
    throw Error(ErrorCode::corrupt, "the manifest " + name + " is of another pod")
        .because("its first ref is " + quote(manifest.refs.front().name));
}

}  // namespace

std::string write_state(const PodState& state) {
  json::Value value = {
      {"format", 1}, {"head", write_head(state.head)}, {"modified", state.modified}, {"version", state.version}};
  if (state.manifest) value["manifest"] = write_manifest(*state.manifest);
  return json::canonical(value);
}

PodState parse_state(std::string_view text) {
  constexpr std::string_view what = "note of a remote's pod";
  const json::Value value =
      json::parse(text, what, {.bytes = 2 * (head_limit + manifest_limit), .depth = 2, .values = 16});
  if (json::integer_member(value, "format", what) != 1)
    throw Error(ErrorCode::incompatible, "a note of a remote's pod is of another format");
  PodState state{parse_head(json::string_member(value, "head", what)), json::string_member(value, "version", what),
                 json::integer_member(value, "modified", what), std::nullopt};
  if (const auto manifest = json::find_string(value, "manifest")) state.manifest = parse_manifest(*manifest);
  if (state.manifest.has_value() != state.head.manifest.has_value() || state.version.empty() ||
      (state.manifest && digest::sha256(write_manifest(*state.manifest)) != *state.head.manifest))
    throw Error(ErrorCode::corrupt, "a note of a remote's pod does not hold together");
  return state;
}

std::optional<ReadHead> find_head(objects::ObjectStore& store, const PodName& pod) {
  const objects::Key key = head_key(pod);
  const auto found = objects::read_object(store, key, head_limit);
  if (!found) return std::nullopt;
  return ReadHead{parse_object(key, found->first, parse_head), found->second.modified};
}

std::optional<ReadManifest> find_manifest(objects::ObjectStore& store, const PodName& pod,
                                          const digest::Sha256Value& sha256) {
  const objects::Key key = manifest_key(pod, sha256);
  const auto found = objects::read_object(store, key, manifest_limit);
  if (!found) return std::nullopt;
  if (digest::sha256(found->first) != sha256)
    throw Error(ErrorCode::corrupt, "the manifest " + name_of(pod, sha256) + " does not have the digest of its name");
  return ReadManifest{parse_object(key, found->first, parse_manifest), found->second.modified};
}

std::optional<PodState> read_state(objects::ObjectStore& store, const PodName& pod, const PodState* seen) {
  const objects::Key key = head_key(pod);
  std::optional<Head> lacking;  // a HEAD whose manifest was not there
  for (int moves = 0; moves < max_moves; ++moves) {
    std::string text;
    objects::ReadOptions options;
    options.limit = head_limit;
    if (seen != nullptr && !lacking) options.unless_version = seen->version;
    const objects::ReadResult result =
        store.get(key, options, [&](base::ConstBytes bytes) { text += base::text_of(bytes); });
    if (result.status == objects::ReadStatus::unchanged) return *seen;
    if (result.status == objects::ReadStatus::absent) {
      if (seen == nullptr && !lacking) return std::nullopt;
      throw Error(ErrorCode::corrupt, "the pod " + quote(pod.str()) + " has vanished from the remote")
          .because("a pod that was deleted leaves a mark, and there is none")
          .hint("ask who keeps the remote");
    }
    PodState state{parse_object(key, text, parse_head), result.info.version, result.info.modified, std::nullopt};
    if (seen != nullptr) check_not_older(pod, state.head, seen->head);
    if (!state.head.manifest) return state;
    if (seen != nullptr && state.head == seen->head) {
      state.manifest = seen->manifest;
      return state;
    }
    if (lacking == state.head)
      throw Error(ErrorCode::corrupt, "the manifest " + name_of(pod, *state.head.manifest) + " is missing");
    if (auto found = find_manifest(store, pod, *state.head.manifest)) {
      check_belongs(pod, state.head, found->manifest);
      state.manifest = std::move(found->manifest);
      return state;
    }
    lacking = state.head;  // if HEAD has moved on meanwhile, all is well
  }
  throw Error(ErrorCode::busy, "the pod " + quote(pod.str()) + " keeps moving while it is read");
}

bool is_of_one_pod(ErrorCode code) noexcept {
  return code == ErrorCode::corrupt || code == ErrorCode::incompatible || code == ErrorCode::refused;
}

PodList list_pods(objects::ObjectStore& store, unsigned connections) {
  std::vector<PodName> names;
  for (const std::string& name : store.folders(std::string(pods_folder)))
    if (const auto place = parse_key(std::string(pods_folder) + name + "/HEAD")) names.push_back(*place->pod);
  struct Found {
    std::optional<ListedPod> pod;
    std::optional<Error> error;
  };
  std::vector<Found> found(names.size());
  in_parallel(names.size(), connections, [&](std::size_t i) {
    try {
      // A folder without a HEAD is a first push that did not come to its end.
      if (const auto read = find_head(store, names[i])) found[i].pod = ListedPod{names[i], read->head, read->modified};
    } catch (const Error& error) {
      if (!is_of_one_pod(error.code())) throw;
      found[i].error = error;
    }
  });
  PodList list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (found[i].pod) list.pods.push_back(std::move(*found[i].pod));
    if (found[i].error) list.unread.push_back({names[i], std::move(*found[i].error)});
  }
  return list;
}

}  // namespace pod::remote
