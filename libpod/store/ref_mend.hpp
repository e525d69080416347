// Refs put back by what the journal and reflogs say of them.
#pragma once

#include "store/engine_impl.hpp"
#include "store/quarantine.hpp"

#include <libpod/context.hpp>

#include <string>
#include <unordered_set>
#include <vector>

namespace pod::store {

/// Those refs that keep a commit for undo under the number of an operation that replaced another one.
std::vector<git::Ref> stray_kept_refs(const std::vector<git::Ref>& refs, const std::vector<Operation>& operations);

/// Needs the writer lock. A ref that names a commit that can be read stays where it is.
class RefMend {
 public:
  RefMend(Engine::Impl& impl, const Quarantine& quarantine, const Context& context)
      : impl_(impl), quarantine_(quarantine), context_(context), operations_(impl.journal.readable()) {}
  void run();
  const std::vector<std::string>& done() const noexcept { return done_; }

 private:
  bool is_commit(const Oid& id) const;
  /// Where a ref may have been, newest first.
  std::vector<Oid> former_values(const std::string& name) const;
  void restore(const std::string& name, const Oid& now);
  void give_up(const std::string& name, const Oid& now);
  void restore_missing_pods();
  void note_moves();
  void keep_for_undo();
  void rename_strays();
  std::unordered_set<Oid> reachable_commits() const;

  Engine::Impl& impl_;
  const Quarantine& quarantine_;
  const Context& context_;
  std::vector<Operation> operations_;  // oldest first
  std::vector<std::string> done_;
};

}  // namespace pod::store
