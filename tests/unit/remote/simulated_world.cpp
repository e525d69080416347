#include "remote/simulated_world.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <type_traits>

namespace pod::remote::test {
namespace {

using objects::ObjectInfo;

std::shared_ptr<const std::string> bytes_of(const objects::Content& content) {
  const auto source = content.open(0, content.size);
  return std::make_shared<const std::string>(base::read_all(*source, content.size));
}

ObjectInfo info_of(const Stored& stored) {
  return {stored.bytes->size(), std::to_string(stored.version), stored.modified};
}

}  // namespace

World::World(std::uint64_t seed)
    : dice(seed), pace(static_cast<Pace>(dice.below(4))), now(1'700'000'000 + dice.upto(day)) {
  static constexpr unsigned levels[] = {0, 10, 40, 150};
  const auto level = [this] { return levels[dice.below(4)]; };
  weather = {level(), level(), level(), level(), levels[dice.below(3)] / 4};
}

std::int64_t World::some_time() {
  static constexpr std::int64_t most[4][4] = {
      {0, 0, 60, hour}, {0, hour, day, 9 * day}, {hour, 2 * day, 2 * day, 3 * day}, {day, 6 * day, 7 * day, 9 * day}};
  return dice.upto(most[static_cast<int>(pace)][dice.below(4)]);
}

void World::add(std::function<void()> actor) {
  actors_.push_back({std::make_unique<Fiber>(std::move(actor)), now, now});
}

void World::step(Actor& actor) {
  running_ = &actor;
  actor.wakes = now;
  actor.fiber->resume();
  running_ = nullptr;
}

void World::run() {
  try {
    while (true) {
      std::vector<std::size_t> ready;
      bool alive = false;
      for (std::size_t i = 0; i < actors_.size(); ++i) {
        if (actors_[i].fiber->done()) continue;
        alive = true;
        if (actors_[i].wakes <= now) ready.push_back(i);
      }
      if (!alive && delayed_.empty()) return;
      const std::uint64_t turn = dice.below(16);
      if (!delayed_.empty() && (turn == 0 || (ready.empty() && turn < 8))) {
        const auto chosen = delayed_.begin() + static_cast<std::ptrdiff_t>(dice.below(delayed_.size()));
        const auto effect = std::move(chosen->effect);
        delayed_.erase(chosen);
        effect();
      } else if (turn == 1 || ready.empty()) {
        let_time_pass(ready.empty());
      } else {
        step(actors_[ready[dice.below(ready.size())]]);
      }
    }
  } catch (...) {
    ending_ = true;
    for (Actor& actor : actors_)
      while (!actor.fiber->done()) {
        try {
          actor.fiber->resume();
        } catch (...) {  // the first failure is the one that counts
        }
      }
    throw;
  }
}

void World::let_time_pass(bool all_asleep) {
  static constexpr std::int64_t steps[] = {1, 60, hour, stall, day, 3 * day};
  std::int64_t end = now + (all_asleep ? 1000 * day : dice.upto(steps[dice.below(6)]));
  for (const Actor& actor : actors_)
    if (!actor.fiber->done()) end = std::min(end, actor.wakes > now ? actor.wakes : actor.at_most);
  for (const Delayed& one : delayed_) end = std::min(end, one.at_most);
  now = std::max(now, end);
}

void World::pause() {
  if (ending_) throw Death{};
  running_->at_most = now + stall;
  Fiber::pause();
  if (ending_) throw Death{};
}

void World::sleep(std::int64_t seconds) {
  if (ending_) throw Death{};
  running_->wakes = now + seconds;
  running_->at_most = running_->wakes + stall;
  Fiber::pause();
  if (ending_) throw Death{};
}

void World::later(std::function<void()> effect) { delayed_.push_back({std::move(effect), now + dice.upto(late)}); }

std::string World::nonce() {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(32, '0');
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i, bits >>= 4) {
    if (i % 16 == 0) bits = dice.next();
    text[i] = digits[bits & 15];
  }
  return text;
}

std::optional<Stored> World::find(const std::string& key) const {
  const auto found = objects.find(key);
  return found == objects.end() ? std::nullopt : std::optional(found->second);
}

void World::put(const std::string& key, std::shared_ptr<const std::string> bytes) {
  objects[key] = {std::move(bytes), ++versions_, now};
  if (key.ends_with("/HEAD")) changed(key);
}

bool World::remove(const std::string& key) {
  if (objects.erase(key) == 0) return false;
  changed(key);
  return true;
}

template <class Effect>
auto Client::request(ErrorCode lost, Effect effect) {
  using Answer = decltype(effect());
  Dice& dice = world_.dice;
  const Weather& weather = world_.weather;
  if (at_most_ > stall && dice.chance(30))
    world_.sleep(dice.upto(at_most_));
  else
    world_.pause();
  if (dice.chance(weather.deadly)) {
    if (dice.chance(300)) world_.later(effect);
    throw Death{};
  }
  const auto fail = [&](ErrorCode code) -> Answer {
    world_.pause();
    throw Error(code, "the line broke");
  };
  if (dice.chance(weather.lost)) return fail(dice.chance(500) ? ErrorCode::unreachable : lost);
  if (dice.chance(weather.delayed)) {
    world_.later(effect);
    return fail(lost);
  }
  Answer answer = effect();
  if (dice.chance(weather.doubled)) {
    if (dice.chance(300))
      answer = effect();  // and the second answer is the one that comes back
    else
      world_.later(effect);
  }
  if (dice.chance(weather.unanswered)) return fail(lost);
  world_.pause();
  return answer;
}

std::optional<ObjectInfo> Client::head(const objects::Key& key) {
  return request(ErrorCode::unreachable, [&world = world_, name = key.str()]() -> std::optional<ObjectInfo> {
    const auto stored = world.find(name);
    if (!stored) return std::nullopt;
    return info_of(*stored);
  });
}

objects::ReadResult Client::get(const objects::Key& key, const objects::ReadOptions& options,
                                const base::ByteSink& sink) {
  const auto stored = request(ErrorCode::unreachable, [&world = world_, name = key.str()] { return world.find(name); });
  if (!stored) return {};
  const ObjectInfo info = info_of(*stored);
  if (info.version == options.unless_version) return {objects::ReadStatus::unchanged, info};
  sink(base::bytes_of(*stored->bytes));
  return {objects::ReadStatus::read, info};
}

objects::Creation Client::put_if_absent(const objects::Key& key, const objects::Content& content) {
  return request(ErrorCode::unreachable, [&world = world_, name = key.str(), bytes = bytes_of(content)] {
    if (world.find(name)) return objects::Creation::exists;
    world.put(name, bytes);
    return objects::Creation::created;
  });
}

objects::Replacement Client::put_if_match(const objects::Key& key, const objects::Content& content,
                                          const std::string& version) {
  return request(ErrorCode::outcome_unknown,
                 [&world = world_, name = key.str(), bytes = bytes_of(content), version]() -> objects::Replacement {
                   const auto stored = world.find(name);
                   if ((stored ? std::to_string(stored->version) : std::string()) != version) return std::nullopt;
                   world.put(name, bytes);
                   return info_of(*world.find(name));
                 });
}

void Client::remove(const objects::Key& key) {
  request(ErrorCode::unreachable, [&world = world_, name = key.str()] { return world.remove(name); });
}

void Client::list(const std::string& prefix, const std::function<void(const objects::ListedObject&)>& visit) {
  const auto found = request(ErrorCode::unreachable, [&world = world_, prefix] {
    std::vector<objects::ListedObject> list;
    for (auto it = world.objects.lower_bound(prefix); it != world.objects.end() && it->first.starts_with(prefix); ++it)
      list.push_back({it->first, info_of(it->second)});
    return list;
  });
  for (const objects::ListedObject& object : found) visit(object);
}

std::vector<std::string> Client::folders(const std::string& prefix) {
  return request(ErrorCode::unreachable, [&world = world_, prefix] {
    std::vector<std::string> names;
    for (auto it = world.objects.lower_bound(prefix); it != world.objects.end() && it->first.starts_with(prefix);
         ++it) {
      const auto slash = it->first.find('/', prefix.size());
      if (slash == std::string::npos) continue;
      std::string name = it->first.substr(prefix.size(), slash - prefix.size());
      if (names.empty() || names.back() != name) names.push_back(std::move(name));
    }
    return names;
  });
}

std::int64_t Client::now() {
  return request(ErrorCode::unreachable, [&world = world_] { return world.now; });
}

}  // namespace pod::remote::test
