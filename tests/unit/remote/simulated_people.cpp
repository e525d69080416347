#include "remote/simulated_people.hpp"

#include "remote/collection.hpp"
#include "remote/layout.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <utility>

namespace pod::remote::test {
namespace {

constexpr int tasks = 4;
constexpr int tries = 4;
constexpr unsigned assets = 3;

/// What a user is told and may do again; all else is a broken promise.
void expect_passing(const Error& error) {
  switch (error.code()) {
    case ErrorCode::unreachable:
    case ErrorCode::outcome_unknown:
    case ErrorCode::busy: return;
    default: throw Violation("an actor was told: " + error.message());
  }
}

std::string line(char kind, std::size_t number) { return kind + std::to_string(number); }

void add_lines(std::set<std::string>& lines, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.insert(text.substr(at, end - at));
    at = end + 1;
  }
}

}  // namespace

Upload Pusher::pack_of(const std::string& text, bool with_index) {
  team_.texts_[digest::sha256(text)] = text;
  Upload upload;
  upload.pack = objects::Content::of(text);
  upload.info.pack = {upload.pack.sha256, text.size()};
  upload.info.objects = 1;
  if (with_index) {
    upload.index = objects::Content::of("index of " + text);
    upload.info.index = NamedFile{upload.index->sha256, upload.index->size};
    upload.info.kind = PackKind::content;
  }
  return upload;
}

PublishOptions Pusher::options() {
  PublishOptions options;
  nonces_.clear();
  options.nonce = [this] { return *nonces_.insert(world_.nonce()).first; };
  options.wait = [this](std::chrono::milliseconds) { world_.pause(); };
  return options;
}

UploadOptions Pusher::upload_options() { return {.connections = 1, .ask_from = world_.dice.chance(500) ? 0u : 1000u}; }

std::optional<PodState> Pusher::state_of(const PodName& pod) {
  const auto seen = seen_.find(pod.str());
  auto state = read_state(store_, pod, seen == seen_.end() ? nullptr : &seen->second);
  if (state) seen_.insert_or_assign(pod.str(), *state);
  return state;
}

void Pusher::work() {
  for (int task = 0; task < tasks; ++task) {
    try {
      world_.sleep(world_.some_time());
      one_task();
    } catch (const Error& error) {
      expect_passing(error);
    } catch (const Death&) {
      if (world_.ending()) return;
      ++team_.tally_.deaths;
      if (world_.dice.chance(500)) seen_.clear();
    }
  }
}

void Pusher::one_task() {
  const PodName pod = team_.pods_[world_.dice.below(4) == 0 ? 1 : 0];
  const std::uint64_t choice = world_.dice.below(16);
  if (choice == 0) return remove(pod);
  if (choice < 3) return join_packs(pod);
  std::optional<Commit> commit;
  if (unfinished_ && world_.dice.chance(800)) commit = std::exchange(unfinished_, std::nullopt);
  const PodName where = commit ? commit->pod : pod;
  for (int i = 0; i < tries; ++i) {
    try {
      if (push(where, commit)) {
        unfinished_.reset();
        return;
      }
    } catch (const Error& error) {
      expect_passing(error);
      world_.sleep(world_.some_time() / 4);
    }
    commit = unfinished_;
  }
}

/// Packs are being made, or uploaded, or the lid is shut.
void Pusher::dawdle() {
  static constexpr std::int64_t most[] = {hour, 23 * hour, 30 * hour, 8 * day};
  if (world_.dice.chance(300)) world_.sleep(world_.dice.upto(most[world_.dice.below(4)]));
  if (world_.dice.chance(50)) throw Death{};
}

/// Whether there is nothing left to do.
bool Pusher::push(const PodName& pod, std::optional<Commit> earlier) {
  const auto state = state_of(pod);
  dawdle();
  const std::int64_t since = store_.now();
  const Manifest* const before = state && state->manifest ? &*state->manifest : nullptr;
  const std::size_t tip = before != nullptr ? Team::version_of(before->refs.front().target) : 0;
  Commit commit{pod, 0, tip};
  if (earlier && earlier->version <= tip && team_.is_ancestor(earlier->version, tip)) {
    team_.acknowledge(pod, earlier->version);
    return true;
  }
  if (earlier && earlier->parent == tip)
    commit = *earlier;
  else
    commit.version = team_.add_version(tip, static_cast<unsigned>(world_.dice.below(assets)));
  unfinished_ = commit;

  // A pod whose tombstone hides that the version was there is another history.
  std::set<std::string> there;
  if (before != nullptr) there = lines_of(*before);
  Change change;
  change.refs = {{{pod.branch(), Team::target_of(commit.version)}}};
  change.since = since;
  std::vector<Upload> uploads{pack_of(line('c', commit.version) + '\n', false)};
  const std::string asset = line('a', team_.versions_[commit.version].asset);
  if (!there.contains(asset)) {
    auto elsewhere = world_.dice.chance(500) ? find_elsewhere(pod, asset) : std::nullopt;
    if (elsewhere) {
      ++team_.tally_.relied;
      change.packs.push_back(*elsewhere);
    } else {
      uploads.push_back(pack_of(asset + '\n', true));
    }
  }
  dawdle();
  const Uploaded uploaded = upload(store_, since, uploads, upload_options(), Context());
  team_.tally_.found += uploaded.found > 0 ? 1 : 0;
  change.packs.insert(change.packs.end(), uploaded.packs.begin(), uploaded.packs.end());
  dawdle();

  const Published result = publish_told(pod, state, change);
  if (result.outcome == Outcome::published) {
    team_.acknowledge(pod, commit.version);
    if (result.state) seen_.insert_or_assign(pod.str(), *result.state);
    return true;
  }
  return false;
}

/// What its author is told is checked.
Published Pusher::publish_told(const PodName& pod, const std::optional<PodState>& expected, const Change& change) {
  try {
    const Published result = publish(store_, pod, expected, change, options(), Context());
    if (result.outcome != Outcome::published) team_.forbid(pod, nonces_);
    ++(result.outcome == Outcome::published ? team_.tally_.published
       : result.outcome == Outcome::moved   ? team_.tally_.moved
                                            : team_.tally_.expired);
    return result;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::outcome_unknown)
      ++team_.tally_.unknown;
    else
      team_.forbid(pod, nonces_);
    throw;
  }
}

std::optional<PackInfo> Pusher::find_elsewhere(const PodName& pod, const std::string& line) {
  for (const PodName& other : team_.pods_) {
    if (other == pod) continue;
    const auto state = state_of(other);
    if (!state || !state->manifest) continue;
    for (const PackInfo& info : state->manifest->packs) {
      Manifest one;
      one.packs = {info};
      if (lines_of(one).contains(line)) return info;
    }
  }
  return std::nullopt;
}

/// From the local copies, which are there for every state that was fetched: the world tells what they hold.
std::set<std::string> Pusher::lines_of(const Manifest& manifest) {
  std::set<std::string> lines;
  for (const PackInfo& info : manifest.packs) add_lines(lines, team_.texts_.at(info.pack.sha256));
  return lines;
}

void Pusher::join_packs(const PodName& pod) {
  const auto state = state_of(pod);
  if (!state || !state->manifest || state->manifest->packs.size() < 2) return;
  const std::int64_t since = store_.now();
  Change change;
  change.since = since;
  std::set<std::string> lines;
  for (const PackInfo& info : state->manifest->packs) {
    if (world_.dice.chance(250)) continue;
    change.replaced.push_back(info.pack.sha256);
    add_lines(lines, team_.texts_.at(info.pack.sha256));
  }
  if (change.replaced.size() < 2) return;
  std::string text;
  for (const std::string& one : lines) text += one + '\n';
  const Uploaded uploaded = upload(store_, since, {pack_of(text, true)}, upload_options(), Context());
  change.packs = uploaded.packs;
  const Published result = publish_told(pod, state, change);
  if (result.state) seen_.insert_or_assign(pod.str(), *result.state);
}

void Pusher::remove(const PodName& pod) {
  const auto state = state_of(pod);
  if (!state || !state->manifest) return;
  const auto result = delete_pod(store_, pod, *state, options(), Context());
  if (result.outcome != Outcome::published) return;
  Head own = state->head;
  ++own.generation;
  ++team_.tally_.deleted;
  team_.acknowledge_tombstone(pod, own);
  seen_.insert_or_assign(pod.str(), *result.state);
}

void Fetcher::work() {
  for (int task = 0; task < 2 * tasks; ++task) {
    try {
      world_.sleep(world_.some_time());
      fetch(team_.pods_[world_.dice.below(2)]);
    } catch (const Error& error) {
      expect_passing(error);
    } catch (const Death&) {
      if (world_.ending()) return;
      ++team_.tally_.deaths;
      seen_.clear();
    }
  }
}

void Fetcher::fetch(const PodName& pod) {
  const std::int64_t began = world_.now;
  const auto seen = seen_.find(pod.str());
  const auto state = read_state(store_, pod, seen == seen_.end() ? nullptr : &seen->second);
  if (!state) return;
  if (state->manifest) {
    std::set<std::string> lines;
    const bool slow = world_.dice.chance(200);
    for (const PackInfo& info : state->manifest->packs) {
      std::string text;
      const auto read = store_.get(pack_key(info.day, info.pack.sha256), {},
                                   [&](base::ConstBytes bytes) { text += base::text_of(bytes); });
      if (read.status == objects::ReadStatus::absent) {
        if (world_.now - began < 4 * day) throw Violation("a fetch of less than four days lacks a pack");
        const auto now = read_state(store_, pod, &*state);
        if (now->head == state->head) throw Violation("a fetch lacks a pack, and HEAD has not moved on");
        ++team_.tally_.outrun;
        return;
      }
      if (digest::sha256(text) != info.pack.sha256) throw Violation("a pack holds other bytes");
      add_lines(lines, text);
      if (slow && world_.dice.chance(500)) world_.sleep(world_.dice.upto(9 * day));
    }
    team_.check_closure(Team::version_of(state->manifest->refs.front().target), lines);
  }
  ++team_.tally_.fetched;
  seen_.insert_or_assign(pod.str(), *state);
}

void collect(World& world, Tally& tally) {
  // It may stand still as long as it likes: what is garbage stays garbage.
  Client store(world, 10 * day);
  for (int task = 0; task < 2 * tasks; ++task) {
    try {
      world.sleep(world.some_time());
      collect_garbage(store, {.dry_run = world.dice.chance(50), .door = {}, .connections = 1}, Context());
    } catch (const Error& error) {
      expect_passing(error);
    } catch (const Death&) {
      if (world.ending()) return;
      ++tally.deaths;
    }
  }
}

}  // namespace pod::remote::test
