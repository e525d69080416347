// Sees every state file on its way into a tree: reads it, so that the version says what it holds, and puts libpod's own
// writing in the place of what an instance wrote.
#pragma once

#include "flow/capture_memory.hpp"
#include "snapshot/stat_cache.hpp"
#include "snapshot/tree_builder.hpp"
#include "snapshot/tree_view.hpp"

#include <libpod/resources.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pod::flow {

/// One thread at a time.
class StateIntake {
 public:
  enum class Storing {
    canonical,      // captures of an instance: equal state gives equal bytes, whoever wrote it
    byte_for_byte,  // imports and directories
  };
  /// `before`, which may be null: the version before. A file that says the same as the one there is stored as that one.
  /// `memory`, which may be null: what this store knows of state files that it stored.
  StateIntake(Storing storing, const snapshot::TreeView* before, const CaptureMemory* memory = nullptr)
      : storing_(storing), before_(before), memory_(memory) {}
  StateIntake(const StateIntake&) = delete;
  StateIntake& operator=(const StateIntake&) = delete;

  /// For the tree's builder, which this must outlive.
  snapshot::Intake hooks();
  /// Whether what the file holds decides about its verdict.
  static bool wants(const StatePath& path);
  /// A file that this store read and stored before, as `file` says, and that comes by no more. False where that is not
  /// all there is to know of it.
  bool reuse(const StatePath& path, const snapshot::KnownFile& file);
  bool reuse(const StatePath& path, const KnownCapture& file);
  /// The file of `key` that came last became `entry` in the tree.
  void stored(const CaptureKey& key, const git::TreeEntry& entry);
  /// `.pod/metamodel/…` of every file that was seen.
  void write_models(snapshot::TreeBuilder& builder);
  /// After write_models(): models and verdicts of what was read go into the cache.
  void note(snapshot::StatCache& cache) const;
  /// After write_models(): what is known now of the files that stored() was told of.
  std::vector<KnownCapture> captures() const;
  /// What was read, sorted by path; the rest is as in the version before or was stored before.
  std::vector<StateReading> take_readings();
  /// The worst one.
  Verdict verdict() const noexcept { return verdict_; }
  /// How many there are in all files; nullopt where that of some is not known.
  std::optional<std::uint64_t> resources() const;

 private:
  std::string take(const StatePath& path, std::string file);
  void record(StateReading reading);

  struct Noted {
    StatePath path;
    Oid model;  // zero: none
    Verdict verdict = Verdict::accept;
  };

  Storing storing_;
  const snapshot::TreeView* before_;
  const CaptureMemory* memory_;
  std::vector<StateReading> readings_;
  std::vector<std::pair<std::size_t, KnownCapture>> captures_;  // with the place of its reading
  std::uint64_t reused_resources_ = 0;
  bool all_counted_ = true;
  std::vector<Noted> reused_;
  std::vector<Noted> noted_;
  Verdict verdict_ = Verdict::accept;
};

}  // namespace pod::flow
