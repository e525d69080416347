// The rules, applied to every node of a graph, reachable or not.
#pragma once

#include "document/graph.hpp"
#include "policy/findings.hpp"
#include "policy/marks.hpp"
#include "policy/names.hpp"

namespace pod::policy {

class Judge {
 public:
  Judge(const document::Graph& graph, Findings& findings);
  void run();

 private:
  using Value = document::Value;

  // judge.cpp
  void judge_node(Value node);
  void judge_keys(Value node);
  void judge_named(Value global);
  void judge_call(Value call);
  void judge_lookup_call(Value call, Lookup lookup);
  void judge_dill(Value call, const Name& name);
  void judge_call_parts(Value call);
  void note_names(Value node);
  std::string made_of(Value node) const;

  // objects.cpp
  void judge_object(Value object);
  void judge_made(Value object, const Name& name, const Known& known, std::span<const Value> given);
  void judge_object_parts(Value object, const Name& name, const Known& known);
  void judge_state(Value object, const Name& name, const Known& known, Value state);
  void judge_built(Value object, const Name& name, Value state);
  void judge_setter(Value call, const Name& setter);
  /// Names that become attributes.
  void judge_attributes(Value object, const Name& name, const ManifestClass* of_manifest, Value attributes);

  void refuse(Value node, std::string reason) { findings_.add(Verdict::refuse, node, std::move(reason)); }
  void review(Value node, std::string reason, Findings::Weight weight = Findings::Weight::a_rule) {
    findings_.add(Verdict::review, node, std::move(reason), weight);
  }

  const document::Graph& graph_;
  Findings& findings_;
  Marks marks_;
  std::vector<bool> named_;  // globals that stand for a value
  std::vector<bool> used_;   // globals that stand anywhere
};

}  // namespace pod::policy
