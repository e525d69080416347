// A remote in a world where everything that can happen to a request happens: it is late, lost, doubled or overtaken,
// its answer is lost, its sender dies. One seed is one interleaving.
//
// Actors are fibers; each call of the store is a place where another one may go on, or the clock. A request takes
// effect at most `late` after it was given up, and nobody stands still for more than `stall` between two steps of a
// call: FORMATS.md says how much of that the protocol bears.
#pragma once

#include "objects/object_store.hpp"
#include "remote/fiber.hpp"
#include "remote/layout.hpp"

#include <libpod/error.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace pod::remote::test {

constexpr std::int64_t hour = 3600;
constexpr std::int64_t day = 24 * hour;
constexpr std::int64_t stall = 6 * hour;
constexpr std::int64_t late = 36 * hour;

/// splitmix64: the same numbers on every machine.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t count) { return next() % count; }
  std::int64_t upto(std::int64_t most) {
    return static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most) + 1));
  }
  bool chance(unsigned permille) { return below(1000) < permille; }

 private:
  std::uint64_t state_;
};

/// How long people wait between two tasks; one a seed.
enum class Pace : std::uint8_t { hurried, mixed, days, weeks };

/// A promise was broken. No pod::Error, so that no code under test takes it for one.
struct Violation : std::logic_error {
  using std::logic_error::logic_error;
};
/// An actor dies in the middle of a call.
struct Death {};

struct Stored {
  std::shared_ptr<const std::string> bytes;
  std::uint64_t version = 0;
  std::int64_t modified = 0;
};

/// How often what happens, in permille of the requests; one set a seed.
struct Weather {
  unsigned lost = 0;
  unsigned unanswered = 0;
  unsigned delayed = 0;
  unsigned doubled = 0;
  unsigned deadly = 0;
};

class World {
 public:
  explicit World(std::uint64_t seed);

  Dice dice;
  Weather weather;
  Pace pace;
  std::int64_t now;
  /// As the pace has it.
  std::int64_t some_time();
  std::map<std::string, Stored> objects;
  /// Called when a HEAD was replaced, or an object taken away.
  std::function<void(const std::string& key)> changed;

  void add(std::function<void()> actor);
  /// Until all actors have ended and nothing is under way.
  void run();

  // For actors.
  /// Somebody else's turn; `stall` at most.
  void pause();
  void sleep(std::int64_t seconds);
  /// Takes effect some time, at most `late` from now.
  void later(std::function<void()> effect);
  std::string nonce();
  /// Something was broken: whoever dies now must not rise again.
  bool ending() const noexcept { return ending_; }

  // The store's own side.
  std::optional<Stored> find(const std::string& key) const;
  void put(const std::string& key, std::shared_ptr<const std::string> bytes);
  bool remove(const std::string& key);

 private:
  struct Actor {
    std::unique_ptr<Fiber> fiber;
    std::int64_t wakes = 0;    // asleep until then
    std::int64_t at_most = 0;  // awake: its next step comes before
  };
  struct Delayed {
    std::function<void()> effect;
    std::int64_t at_most = 0;
  };
  void let_time_pass(bool all_asleep);
  void step(Actor& actor);

  std::vector<Actor> actors_;
  std::vector<Delayed> delayed_;
  Actor* running_ = nullptr;
  std::uint64_t versions_ = 0;
  bool ending_ = false;
};

/// The world's store as one actor has it.
class Client final : public objects::ObjectStore {
 public:
  /// Between two calls its actor may stand still for `at_most` seconds, if that is more than `stall`.
  explicit Client(World& world, std::int64_t at_most = stall) : world_(world), at_most_(at_most) {}
  std::string describe() const override { return "simulated"; }
  std::optional<objects::ObjectInfo> head(const objects::Key& key) override;
  objects::ReadResult get(const objects::Key& key, const objects::ReadOptions& options,
                          const base::ByteSink& sink) override;
  objects::Creation put_if_absent(const objects::Key& key, const objects::Content& content) override;
  objects::Replacement put_if_match(const objects::Key& key, const objects::Content& content,
                                    const std::string& version) override;
  void remove(const objects::Key& key) override;
  void list(const std::string& prefix, const std::function<void(const objects::ListedObject&)>& visit) override;
  std::vector<std::string> folders(const std::string& prefix) override;
  std::int64_t now() override;

 private:
  template <class Effect>
  auto request(ErrorCode lost, Effect effect);

  World& world_;
  std::int64_t at_most_;
};

}  // namespace pod::remote::test
