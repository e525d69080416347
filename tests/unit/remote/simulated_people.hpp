// The actors of the simulation: what push, fetch and gc will do, with the room's own code and tiny packs.
#pragma once

#include "remote/simulated_team.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>

namespace pod::remote::test {

/// Commits and pushes, joins packs, deletes pods; dies and comes back.
class Pusher {
 public:
  Pusher(Team& team, World& world) : team_(team), world_(world), store_(world) {}
  void work();

 private:
  struct Commit {
    PodName pod;
    std::size_t version = 0;
    std::size_t parent = 0;
  };
  void one_task();
  void dawdle();
  bool push(const PodName& pod, std::optional<Commit> earlier);
  Published publish_told(const PodName& pod, const std::optional<PodState>& expected, const Change& change);
  void join_packs(const PodName& pod);
  void remove(const PodName& pod);
  std::optional<PodState> state_of(const PodName& pod);
  std::optional<PackInfo> find_elsewhere(const PodName& pod, const std::string& line);
  std::set<std::string> lines_of(const Manifest& manifest);
  Upload pack_of(const std::string& text, bool with_index);
  PublishOptions options();
  UploadOptions upload_options();

  Team& team_;
  World& world_;
  Client store_;
  std::map<std::string, PodState> seen_;
  std::optional<Commit> unfinished_;
  std::set<std::string> nonces_;  // of the publication under way
};

class Fetcher {
 public:
  Fetcher(Team& team, World& world) : team_(team), world_(world), store_(world) {}
  void work();

 private:
  void fetch(const PodName& pod);
  Team& team_;
  World& world_;
  Client store_;
  std::map<std::string, PodState> seen_;
};

void collect(World& world, Tally& tally);

}  // namespace pod::remote::test
