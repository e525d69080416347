#include "remote/publication.hpp"

#include "remote/head_move.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <thread>

namespace pod::remote {
namespace {

using std::chrono::milliseconds;

constexpr int max_rounds = 5;
constexpr milliseconds first_ceiling{100};
constexpr milliseconds slice{20};

void sleep_for(milliseconds duration, const CancelToken& cancel) {
  const auto end = std::chrono::steady_clock::now() + duration;
  for (cancel.check(); std::chrono::steady_clock::now() < end; cancel.check())
    std::this_thread::sleep_for(
        std::min<std::chrono::steady_clock::duration>(slice, end - std::chrono::steady_clock::now()));
}

/// What all attempts of one change share.
class Publication {
 public:
  Publication(objects::ObjectStore& store, const PodName& pod, const PublishOptions& options, const Context& context)
      : store_(store), pod_(pod), options_(options), context_(context) {}

  Published publish(const std::optional<PodState>& expected, const Change& change) {
    if (!expected) require_format(store_, options_.door);
    std::optional<PodState> base = expected;
    for (int round = 0; round < max_rounds; ++round) {
      context_.cancel->check();
      if (round > 0) wait(round);
      const std::string nonce = options_.nonce();
      const Manifest manifest = next(base, change, nonce);
      const objects::Content content = objects::Content::of(write_manifest(manifest));
      store_.put_if_absent(manifest_key(pod_, content.sha256), content);
      const Head head{manifest.generation, content.sha256, std::nullopt, nonce};
      auto moved = move(base, head, [&] { return store_.now() - change.since < push_limit; });
      if (!moved) return {Outcome::expired, base};
      if (moved->landed) {
        if (!moved->state) moved->state = PodState{head, moved->info.version, moved->info.modified, manifest};
        return {Outcome::published, moved->state};
      }
      if (!same_refs(base, moved->state) && (change.refs || !moved->state->manifest))
        return {Outcome::moved, moved->state};
      base = moved->state;
    }
    throw Error(ErrorCode::busy, "others keep moving the pod " + quote(pod_.str()) + " in the remote")
        .keeping("what was uploaded is kept")
        .hint("do it again");
  }

  Published remove(const PodState& expected) {
    const Head head{expected.head.generation + 1, std::nullopt, expected.head.manifest, options_.nonce()};
    auto moved = move(expected, head, [] { return true; });
    if (!moved->landed) return {Outcome::moved, moved->state};
    if (!moved->state) moved->state = PodState{head, moved->info.version, moved->info.modified, std::nullopt};
    return {Outcome::published, moved->state};
  }

 private:
  static bool same_refs(const std::optional<PodState>& a, const std::optional<PodState>& b) {
    return a && b && a->manifest && b->manifest && a->manifest->refs == b->manifest->refs;
  }

  Manifest next(const std::optional<PodState>& base, const Change& change, const std::string& nonce) const {
    Manifest manifest;
    manifest.generation = base ? base->head.generation + 1 : 1;
    manifest.nonce = nonce;
    if (base) manifest.previous = base->head.manifest ? base->head.manifest : base->head.deleted;
    const Manifest* before = base && base->manifest ? &*base->manifest : nullptr;
    if (!change.refs && before == nullptr) throw Error(ErrorCode::internal, "a pod that is not there has no refs");
    manifest.refs = change.refs ? *change.refs : before->refs;
    const auto named = [&](const digest::Sha256Value& sha256) {
      return std::any_of(manifest.packs.begin(), manifest.packs.end(),
                         [&](const PackInfo& info) { return info.pack.sha256 == sha256; });
    };
    if (before != nullptr)
      for (const PackInfo& info : before->packs)
        if (std::find(change.replaced.begin(), change.replaced.end(), info.pack.sha256) == change.replaced.end())
          manifest.packs.push_back(info);
    for (const PackInfo& info : change.packs)
      if (!named(info.pack.sha256)) manifest.packs.push_back(info);
    return manifest;
  }

  std::optional<HeadMoved> move(const std::optional<PodState>& expected, const Head& head,
                                const std::function<bool()>& in_time) {
    return move_head({store_, pod_, expected, head, [this](int attempt) { wait(attempt); }, in_time});
  }

  /// Anything up to a ceiling that doubles: those who lost together do not meet again.
  void wait(int attempt) {
    const auto random = digest::sha256(options_.nonce());
    const milliseconds ceiling = first_ceiling * (1 << std::min(attempt, 6));
    const milliseconds duration = ceiling * (random[0] + 1) / 256;
    if (options_.wait)
      options_.wait(duration);
    else
      sleep_for(duration, *context_.cancel);
  }

  objects::ObjectStore& store_;
  const PodName& pod_;
  const PublishOptions& options_;
  const Context& context_;
};

}  // namespace

Published publish(objects::ObjectStore& store, const PodName& pod, const std::optional<PodState>& expected,
                  const Change& change, const PublishOptions& options, const Context& context) {
  return Publication(store, pod, options, context).publish(expected, change);
}

Published delete_pod(objects::ObjectStore& store, const PodName& pod, const PodState& expected,
                     const PublishOptions& options, const Context& context) {
  if (!expected.manifest) throw Error(ErrorCode::not_found, "the pod " + quote(pod.str()) + " is deleted already");
  return Publication(store, pod, options, context).remove(expected);
}

}  // namespace pod::remote
