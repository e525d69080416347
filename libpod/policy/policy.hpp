// The verdict on a file of a pod: may it be loaded into an emulator? Asked on import and fetch, where the answer is
// recorded, and before an inject, where it is enforced. An allow-list; nothing is looked up, imported or run.
//
//   accept   classes of the committed manifests and plain value types, callables of a short list with arguments of the
//            shape they take, JSON and SQLite that read, data that no emulator unpickles
//   review   nothing known to be bad, something not known to be good: classes of moto and LocalStack that the manifests
//   do
//            not hold, code that real pods are known to carry, a format that is not known
//   refuse   everything else, and whatever does not read to its end
//
// Every node of a graph is judged, reachable or not: what was called and dropped has been called.
//
// Thread word: safe. Cost: one pass over the graph; with concerns, a tree of it as well.
#pragma once

#include "document/document.hpp"
#include "document/graph.hpp"

#include <libpod/names.hpp>
#include <libpod/resources.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace pod::policy {

/// What a file is taken for, by where it lies. Names only ever make judging stricter: what looks like a pickle is
/// judged as one wherever it lies, except among assets.
enum class Role {
  state,  // below api_states/; `store` and `backend` with any extension, and *.state, *.pkl, *.pickle, *.dill anywhere
  asset,  // below assets/ or <service>/assets/: bodies, archives, databases, which no emulator unpickles
  other,  // metadata.yaml, .pod/, whatever else came along
};
Role role_of(const StatePath& path);

struct Options {
  document::Limits limits{};  // a state file past them has not been judged: refuse
  std::size_t concerns = 20;  // at most that many, worst first
};

/// Whether the verdict depends on more than the first 4 KiB (`head`). Where not, `judge` takes the head for the file:
/// so bodies of gigabytes need not be held.
bool needs_whole_file(const StatePath& path, std::string_view head);

/// Never throws for what the file holds: what cannot be read is a concern.
Judgement judge(std::string file, const StatePath& path, const Options& options = {});

/// The same for a document that has been read already, as whatever format: JSON that holds jsonpickle's tags is read
/// again as that, since an emulator would.
Judgement judge(const document::Graph& graph, document::Format format, const StatePath& path,
                const Options& options = {});

/// The worse of two.
constexpr Verdict worse(Verdict a, Verdict b) noexcept { return a < b ? b : a; }

}  // namespace pod::policy
