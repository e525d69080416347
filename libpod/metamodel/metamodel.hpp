// What a state file holds, for people: buckets, queues, tables, as pod::Resource values; and the file in which a
// version keeps them.
//
//   const Graph graph = document::read(bytes, format, path.str());
//   const Tree tree(graph);
//   StateModel model = extract(tree, place_of(path));
//
// Thread word: safe.
#pragma once

#include "document/tree.hpp"
#include "metamodel/rules.hpp"

#include <libpod/names.hpp>
#include <libpod/resources.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pod::metamodel {

/// Where a state file belongs, by its path; empty where the path does not say (a file for all accounts and regions).
struct Place {
  std::string account;  // 12 digits
  std::string region;   // "us-east-1", "global"
  std::string service;  // "sqs"
  friend bool operator==(const Place&, const Place&) = default;
};
/// Known layouts: `api_states/<account>/<service>/<region>/<name>.state`, `<service>/{store,backend}.*` and
/// `[assets/]<service>/[assets/]<account or key>_<region>.db`.
Place place_of(const StatePath& path);

/// Where a version keeps the model of a state file: `.pod/metamodel/<account>/<service>/<region>.json` of a
/// `backend.state`, `….<name>.json` of another `<name>.state` beside it, `.pod/metamodel/files/<path>.json` of any
/// other file. Each file has one of its own. Nothing where such a path would be too long.
std::optional<StatePath> model_path(const StatePath& state_file);

struct StateModel {
  std::vector<Resource> resources;  // sorted by type, id; each pair once
  std::vector<std::pair<std::string, std::uint64_t>>
      unmapped;  // sorted by name; collections without a rule that hold something
};

/// Never a secret's value. At most 500,000 resources (what is more is counted in `unmapped` as "<type> (more)"),
/// attributes cut at 256 bytes, ids and tags at 1 KiB. Deterministic. Error(refused) where a hostile document lays
/// resources into one another over and over. Cost: linear in the tree: each resource's subtree is walked once and
/// digested once.
StateModel extract(const document::Tree& tree, const Place& place, const Rules& rules = Rules::built_in());

/// A model's file. `reading.path`, `account`, `region` and `service` are what its place says, and are not in it.
std::string encode(const StateReading& reading, int rules_number = Rules::built_in().number());

struct ModelFile {
  int rules = 0;  // the number of the rules that made it
  StateReading reading;
};
/// It may be a stranger's: Error(corrupt) for what `encode` does not write, Error(incompatible) for a newer format,
/// Error(refused) past a limit (256 MiB, 500,000 resources). `path` is the state file's. Cost: linear.
ModelFile decode(std::string_view file, const StatePath& path);

}  // namespace pod::metamodel
