#include "remote/head_move.hpp"

#include "remote/layout.hpp"

#include <libpod/error.hpp>

namespace pod::remote {
namespace {

constexpr int max_sends = 5;
constexpr int max_reads = 4;
constexpr int max_ancestors = 64;

enum class Sent : std::uint8_t { replaced, rejected, unknown };

class Mover {
 public:
  explicit Mover(const HeadMove& move) : move_(move), content_(objects::Content::of(write_head(move.head))) {}

  std::optional<HeadMoved> run() {
    const objects::Key key = head_key(move_.pod);
    const std::string version = move_.expected ? move_.expected->version : std::string();
    for (int attempt = 0; attempt < max_sends; ++attempt) {
      if (attempt > 0) move_.wait(attempt);
      if (!may_send()) return std::nullopt;
      HeadMoved moved;
      if (send(key, version, moved) == Sent::replaced) return moved;
      // Also after a rejection: a network that doubles a request answers the second one.
      const auto now = read();
      if (now && now->head.nonce == move_.head.nonce) return HeadMoved{true, now, {}};
      const bool same = now ? now->version == version : version.empty();
      if (!same) return HeadMoved{is_in_history_of(*now), now, {}};
    }
    if (open_) throw unknown();
    throw Error(ErrorCode::busy, "the HEAD of the pod " + quote(move_.pod.str()) + " cannot be replaced")
        .because("the store refuses it, although nobody else has replaced it");
  }

 private:
  bool may_send() {
    try {
      if (move_.in_time()) return true;
    } catch (const Error&) {
      if (open_) throw unknown();
      throw;
    }
    if (open_) throw unknown();
    return false;
  }

  Sent send(const objects::Key& key, const std::string& version, HeadMoved& moved) {
    try {
      const objects::Replacement replacement = move_.store.put_if_match(key, content_, version);
      if (!replacement) return Sent::rejected;
      moved = {true, std::nullopt, *replacement};
      return Sent::replaced;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::outcome_unknown) {
        open_ = true;
        return Sent::unknown;
      }
      if (!open_) throw;
      if (error.code() == ErrorCode::cancelled) throw;
      return Sent::unknown;
    }
  }

  std::optional<PodState> read() {
    for (int tries = 1;; ++tries) {
      try {
        return read_state(move_.store, move_.pod, move_.expected ? &*move_.expected : nullptr);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::corrupt || error.code() == ErrorCode::incompatible ||
            error.code() == ErrorCode::cancelled)
          throw;
        if (tries == max_reads) throw unknown().because(error.message());
      }
      move_.wait(tries);
    }
  }

  std::optional<ReadManifest> read_ancestor(const digest::Sha256Value& sha256) {
    for (int tries = 1;; ++tries) {
      try {
        return find_manifest(move_.store, move_.pod, sha256);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::corrupt || error.code() == ErrorCode::cancelled) throw;
        if (tries == max_reads) throw unknown().because(error.message());
      }
      move_.wait(tries);
    }
  }

  /// Whether others have built on our HEAD. Generations have no gaps: each manifest has its own, and where one is
  /// lacking between two there was a tombstone.
  bool is_in_history_of(const PodState& now) {
    const std::int64_t own = move_.head.generation;
    if (now.head.generation <= own) return false;
    std::optional<digest::Sha256Value> name = now.head.manifest ? now.head.manifest : now.head.deleted;
    for (int steps = 0; name && steps < max_ancestors; ++steps) {
      if (move_.head.manifest && *name == *move_.head.manifest) return true;
      Manifest manifest;
      if (steps == 0 && now.manifest) {
        manifest = *now.manifest;
      } else if (auto found = read_ancestor(*name)) {
        manifest = std::move(found->manifest);
      } else {
        throw unknown();  // garbage by now
      }
      if (manifest.generation < own) return !move_.head.manifest;
      if (manifest.generation == own) return false;
      name = manifest.previous;
    }
    if (name) throw unknown();
    return false;
  }

  Error unknown() const {
    return Error(ErrorCode::outcome_unknown,
                 "nobody knows whether the pod " + quote(move_.pod.str()) + " was changed in the remote")
        .because("the request was sent, and no answer came")
        .keeping("nothing was deleted")
        .hint("do it again later: it finds out");
  }

  const HeadMove& move_;
  objects::Content content_;
  bool open_ = false;  // something that was sent may still take effect
};

}  // namespace

std::optional<HeadMoved> move_head(const HeadMove& move) { return Mover(move).run(); }

}  // namespace pod::remote
