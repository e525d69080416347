// Sees every state file on its way into a tree: reads it, so that the version says what it holds, and puts libpod's own
// writing in the place of what an instance wrote.
#pragma once

#include "snapshot/tree_builder.hpp"
#include "snapshot/tree_view.hpp"

#include <libpod/resources.hpp>

#include <string>
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
  StateIntake(Storing storing, const snapshot::TreeView* before) : storing_(storing), before_(before) {}
  StateIntake(const StateIntake&) = delete;
  StateIntake& operator=(const StateIntake&) = delete;

  /// For the tree's builder, which this must outlive.
  snapshot::Intake hooks();
  /// `.pod/metamodel/…` of every file that was seen.
  void write_models(snapshot::TreeBuilder& builder) const;
  /// The worst one.
  Verdict verdict() const noexcept { return verdict_; }

 private:
  std::string take(const StatePath& path, std::string file);
  void record(StateReading reading);

  Storing storing_;
  const snapshot::TreeView* before_;
  std::vector<StateReading> readings_;
  Verdict verdict_ = Verdict::accept;
};

}  // namespace pod::flow
