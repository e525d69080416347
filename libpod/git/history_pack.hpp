// One pack for all that a repository keeps, in which the objects of one line are deltas against their neighbours in
// time: the newest whole, each older one by what the next newer one has otherwise.
//
// An ordinary pack: stock git reads it, and so does PackFile. Every 24th object of a line is an anchor, a delta against
// the anchor before it, so that an old version is never more than `deepest` deltas away. What a pack of this kind holds
// already is copied as it lies, its deltas too; of other packs and loose files all is read, verified against its id and
// written anew, as a delta where that is smaller, else deflated tightly. Objects of more than 8 MiB are copied as they
// lie and never become deltas. All cores; memory: about 60 bytes an object and 64 MiB.
#pragma once

#include "git/history_walk.hpp"
#include "git/object_table.hpp"
#include "git/pack_output.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace pod::git {

inline constexpr unsigned deepest_delta = 50;

struct HistoryPackResult {
  std::uint64_t objects = 0;
  std::uint64_t deltas = 0;
  std::uint64_t bytes = 0;  // of pack and index
};

/// One thread at a time for the caller; works on several inside.
class HistoryPack {
 public:
  enum class Mode { write, measure };  // measure: all the work, and no file
  HistoryPack(const ObjectTable& table, ObjectDatabase& objects, const std::filesystem::path& folder, Mode mode,
              const Context& context);
  ~HistoryPack();

  /// The objects of `lines`, each once. Error(corrupt) at the first one that is damaged. Progress counts stored bytes.
  void add(const HistoryWalk::Lines& lines);
  /// Objects with their ages: the pack is a cruft pack. They are not compared with others. In place of add().
  void add_cruft(std::vector<ObjectNumber> objects);
  /// Once, after the last add. All but the names is durable. No objects: nothing is written.
  HistoryPackResult seal();
  /// Gives the names, durably; the pack's path.
  std::filesystem::path publish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pod::git
