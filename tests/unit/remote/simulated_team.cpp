#include "remote/simulated_team.hpp"

#include "remote/collection.hpp"
#include "remote/layout.hpp"
#include "remote/simulated_people.hpp"

#include <libpod/error.hpp>

#include <algorithm>

namespace pod::remote::test {

Team::Team(World& world, Tally& tally) : world_(world), tally_(tally), versions_(1) {
  pods_ = {PodName::parse("shop"), PodName::parse("till")};
  world_.changed = [this](const std::string& key) { check_change(key); };
}

void Team::assemble() {
  for (int i = 0; i < 2; ++i) world_.add([this] { Pusher(*this, world_).work(); });
  world_.add([this] { Fetcher(*this, world_).work(); });
  world_.add([this] { collect(world_, tally_); });
  if (world_.dice.chance(250)) world_.add([this] { collect(world_, tally_); });
}

std::size_t Team::add_version(std::size_t parent, unsigned asset) {
  versions_.push_back({parent, asset});
  return versions_.size() - 1;
}

bool Team::is_ancestor(std::size_t ancestor, std::size_t of) const {
  while (of > ancestor) of = versions_[of].parent;  // a parent is older than its child
  return of == ancestor;
}

Oid Team::target_of(std::size_t version) {
  std::array<std::uint8_t, 20> bytes{};
  bytes[0] = 1;
  bytes[18] = static_cast<std::uint8_t>(version >> 8);
  bytes[19] = static_cast<std::uint8_t>(version);
  return Oid(bytes);
}

std::size_t Team::version_of(const Oid& target) {
  return static_cast<std::size_t>(target.bytes()[18]) << 8 | target.bytes()[19];
}

void Team::acknowledge(const PodName& pod, std::size_t version) {
  std::size_t times = 0;  // since the pod was last made: after a tombstone it may be pushed anew
  std::size_t most = 0;
  std::size_t before = 0;
  for (const Moved& moved : history_[pod.str()]) {
    if (moved.tip == 0) times = 0;
    if (moved.tip == version && before != version) most = std::max(most, ++times);
    before = moved.tip;
  }
  if (most != 1) throw Violation("an acknowledged version is " + std::to_string(most) + " times in the history");
}

void Team::acknowledge_tombstone(const PodName& pod, const Head& head) {
  for (const Moved& moved : history_[pod.str()])
    if (moved.generation == head.generation && moved.tip == 0) return;
  throw Violation("an acknowledged removal is not in the history");
}

void Team::forbid(const PodName& pod, const std::set<std::string>& nonces) {
  for (const Moved& moved : history_[pod.str()])
    if (nonces.contains(moved.nonce)) throw Violation("a change was made, and its author told that it was not");
  forbidden_.insert(nonces.begin(), nonces.end());
}

void Team::check_closure(std::size_t tip, const std::set<std::string>& lines) const {
  for (std::size_t version = tip; version != 0; version = versions_[version].parent) {
    if (!lines.contains("c" + std::to_string(version))) throw Violation("a version is in none of the packs");
    if (!lines.contains("a" + std::to_string(versions_[version].asset)))
      throw Violation("an asset is in none of the packs");
  }
}

const Manifest& Team::manifest(const std::string& key) const {
  const auto known = manifests_.find(key);
  if (known != manifests_.end()) return known->second;
  return manifests_.emplace(key, parse_manifest(*world_.find(key).value().bytes)).first->second;
}

std::set<std::string> Team::check_manifest(const PodName& pod, const digest::Sha256Value& name) const {
  const std::string key = manifest_key(pod, name).str();
  if (!world_.find(key)) throw Violation("a manifest in use is not there");
  std::set<std::string> lines;
  for (const PackInfo& info : manifest(key).packs) {
    const auto pack = world_.find(pack_key(info.day, info.pack.sha256).str());
    if (!pack) throw Violation("a root names a pack that is not there");
    if (info.index && !world_.find(index_key(info.day, info.index->sha256).str()))
      throw Violation("a root names an index that is not there");
    const std::string& text = *pack->bytes;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      lines.insert(text.substr(at, end - at));
      at = end + 1;
    }
  }
  return lines;
}

void Team::check_head(const PodName& pod, const Head& head) {
  auto& moves = history_[pod.str()];
  const Moved before = moves.empty() ? Moved{} : moves.back();
  if (head.generation != before.generation + 1) throw Violation("HEAD skips a generation, or takes one again");
  if (forbidden_.contains(head.nonce)) throw Violation("a change comes after its author was told that it does not");
  std::size_t tip = 0;
  if (head.manifest) {
    const auto lines = check_manifest(pod, *head.manifest);
    const Manifest& named = manifest(manifest_key(pod, *head.manifest).str());
    tip = version_of(named.refs.front().target);
    if (!is_ancestor(before.tip, tip)) throw Violation("an update was lost: the new tip does not hold the old one");
    check_closure(tip, lines);
  }
  moves.push_back({head.generation, head.nonce, tip});
}

void Team::check_roots() const {
  for (const PodName& pod : pods_) {
    const auto stored = world_.find(head_key(pod).str());
    if (!stored) continue;
    const Head head = parse_head(*stored->bytes);
    std::optional<digest::Sha256Value> name = head.manifest;
    if (name) (void)check_manifest(pod, *name);
    if (!name && world_.now - stored->modified < grace) name = head.deleted;
    while (name) {
      const std::string key = manifest_key(pod, *name).str();
      const auto found = world_.find(key);
      if (!found) break;
      (void)check_manifest(pod, *name);
      name = world_.now - found->modified < grace ? manifest(key).previous : std::nullopt;
    }
  }
}

void Team::check_change(const std::string& key) {
  if (key.ends_with("/HEAD")) {
    const auto stored = world_.find(key);
    if (!stored) throw Violation("a HEAD was removed");
    check_head(*parse_key(key)->pod, parse_head(*stored->bytes));
    return;
  }
  ++tally_.removed;
  check_roots();
}

void Team::check_end() const {
  check_roots();
  for (const PodName& pod : pods_) {
    const auto stored = world_.find(head_key(pod).str());
    if (!stored) continue;
    const Head head = parse_head(*stored->bytes);
    if (!head.manifest) continue;
    const auto lines = check_manifest(pod, *head.manifest);
    check_closure(version_of(manifest(manifest_key(pod, *head.manifest).str()).refs.front().target), lines);
  }
}

std::string simulate(std::uint64_t seed, Tally& tally) {
  World world(seed);
  Team team(world, tally);
  team.assemble();
  world.run();
  team.check_end();
  std::string end = std::to_string(world.now);
  for (const auto& [key, stored] : world.objects) end += ' ' + key + '=' + std::to_string(stored.version);
  return end;
}

}  // namespace pod::remote::test
