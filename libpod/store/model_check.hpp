// Whether what a version says of its state files is true: models may be a stranger's word.
#pragma once

#include "snapshot/tree_view.hpp"

#include <libpod/context.hpp>

#include <string>
#include <unordered_set>
#include <vector>

namespace pod::store {

/// One thread at a time. Remembers what it has read: unchanged files of later versions cost nothing.
class ModelCheck {
 public:
  /// One line for each model of the current rules that is not what the file says, or that cannot be read. Cost: reads
  /// the state files. Throws where the tree is damaged.
  std::vector<std::string> problems(const snapshot::TreeView& view, const Context& context);
  std::size_t checked() const noexcept { return seen_.size(); }

 private:
  std::unordered_set<std::string> seen_;  // ids of a model and of its file, with the path
};

}  // namespace pod::store
