#include "flow/comparison.hpp"

#include "base/beside.hpp"
#include "document/document.hpp"
#include "flow/progress_step.hpp"
#include "flow/shown_value.hpp"
#include "flow/state_models.hpp"
#include "merge/document_diff.hpp"
#include "metamodel/metamodel.hpp"
#include "reading/state_file.hpp"

#include <libpod/error.hpp>
#include <libpod/resources.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_set>

namespace pod {
namespace {

using document::Tree;
using flow::KnownResources;
using metamodel::Place;

/// Which services a snapshot speaks for; all of them where it does not say.
class Spoken {
 public:
  explicit Spoken(const Snapshot& snapshot) {
    const SnapshotInfo info = snapshot.info();
    names_.insert(info.captured.begin(), info.captured.end());
    names_.insert(info.empty.begin(), info.empty.end());
    for (const ServiceFailure& failure : info.failed) failed_.insert(failure.service);
  }
  bool speaks_for(const std::string& service) const {
    return !failed_.contains(service) && (names_.empty() || names_.contains(service));
  }
  const std::set<std::string>& names() const { return names_; }
  const std::set<std::string>& failed() const { return failed_; }

 private:
  std::set<std::string> names_;
  std::set<std::string> failed_;
};

/// A state file that both have, read.
struct Reading {
  Reading(std::string bytes, document::Format format, const StatePath& path, std::optional<std::vector<Resource>> known)
      : graph(document::read(std::move(bytes), format, path.str())),
        tree(graph),
        resources(known ? *std::move(known) : metamodel::extract(tree, metamodel::place_of(path)).resources) {
    for (const Resource& resource : resources) paths.insert(resource.path);
  }
  document::Graph graph;
  Tree tree;
  std::vector<Resource> resources;
  std::unordered_set<std::string> paths;  // of resources
};

std::unique_ptr<Reading> try_to_read(const snapshot::TreeView& view, const FileEntry& file,
                                     const KnownResources& known) {
  if (file.size > reading::size_limit) return nullptr;
  std::string bytes = flow::load(view, file);
  const document::Format format = document::detect(bytes);
  if (format == document::Format::opaque) return nullptr;
  try {
    return std::make_unique<Reading>(std::move(bytes), format, file.path, known ? known(view, file) : std::nullopt);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::refused) throw;
    return nullptr;
  }
}

ResourceChange change_of(const Place& place, const Resource& resource, ChangeKind kind) {
  return {.account = place.account,
          .region = place.region,
          .service = place.service,
          .type = resource.type,
          .id = resource.id,
          .kind = kind,
          .fields = {},
          .more_fields = 0};
}

ChangeKind kind_of(merge::FieldDifference::Kind kind) {
  switch (kind) {
    case merge::FieldDifference::Kind::added: return ChangeKind::added;
    case merge::FieldDifference::Kind::removed: return ChangeKind::removed;
    case merge::FieldDifference::Kind::changed: break;
  }
  return ChangeKind::changed;
}

class FileComparison {
 public:
  FileComparison(const StatePath& path, const Reading& before, const Reading& after, const DiffOptions& options,
                 ResourceDiff& out)
      : path_(path), place_(metamodel::place_of(path)), before_(before), after_(after), options_(options), out_(out) {}

  void run() {
    using Name = std::pair<std::string_view, std::string_view>;
    std::map<Name, const Resource*> old_ones;
    for (const Resource& resource : before_.resources) old_ones.emplace(Name(resource.type, resource.id), &resource);
    for (const Resource& resource : after_.resources) {
      const auto old_one = old_ones.find({resource.type, resource.id});
      if (old_one == old_ones.end()) {
        out_.resources.push_back(change_of(place_, resource, ChangeKind::added));
        continue;
      }
      if (old_one->second->digest != resource.digest) compare(*old_one->second, resource);
      old_ones.erase(old_one);
    }
    for (const auto& [name, resource] : old_ones)
      out_.resources.push_back(change_of(place_, *resource, ChangeKind::removed));
    compare_rest();
  }

 private:
  struct Fields {
    std::vector<FieldChange> fields;
    std::uint64_t more = 0;
  };

  /// What lies in a resource of its own is compared there.
  Fields differences(const std::string& home_before, document::Value before, const std::string& home_after,
                     document::Value after) {
    const auto skip = [&](std::string_view below) {
      const std::string old_path = home_before + std::string(below);
      const std::string new_path = home_after + std::string(below);
      return before_.paths.contains(old_path) || after_.paths.contains(new_path);
    };
    const merge::DocumentDiff diff =
        merge::diff_documents({before_.tree, before}, {after_.tree, after},
                              {.limit = options_.fields ? options_.fields_each : 0, .skip = skip});
    Fields out;
    out.more = diff.more;
    for (const merge::FieldDifference& difference : diff.fields) {
      FieldChange change;
      change.path = shown_path(home_after, difference.path);
      change.kind = kind_of(difference.kind);
      if (difference.before) change.before = shown(before_.tree, home_before + difference.path, *difference.before);
      if (difference.after) change.after = shown(after_.tree, home_after + difference.path, *difference.after);
      out.fields.push_back(std::move(change));
    }
    return out;
  }

  /// Below the resource, as people may see it.
  std::string shown_path(const std::string& home, const std::string& below) const {
    const metamodel::Rules& rules = metamodel::Rules::built_in();
    const std::string whole = rules.shown_path(place_.service, home + below);
    const std::string begin = rules.shown_path(place_.service, home);
    return whole.starts_with(begin) ? whole.substr(begin.size()) : whole;
  }

  std::string shown(const Tree& tree, const std::string& path, const merge::FieldDifference::Place& place) const {
    if (place.reference) return "→ " + metamodel::Rules::built_in().shown_path(place_.service, tree.path(place.value));
    return flow::shown_value(tree, place_.service, path, place.parent, place.value);
  }

  void compare(const Resource& old_one, const Resource& new_one) {
    const auto before = before_.tree.find(old_one.path);
    const auto after = after_.tree.find(new_one.path);
    if (!before || !after)
      throw Error(ErrorCode::internal, "resource " + quote(new_one.id) + " is not where its model says");
    Fields found = differences(old_one.path, *before, new_one.path, *after);
    if (found.fields.empty() && found.more == 0) return;  // only resources within it changed
    ResourceChange change = change_of(place_, new_one, ChangeKind::changed);
    change.fields = std::move(found.fields);
    change.more_fields = options_.fields ? found.more : 0;
    out_.resources.push_back(std::move(change));
  }

  void compare_rest() {
    Fields found = differences({}, before_.graph.root(), {}, after_.graph.root());
    if (found.fields.empty() && found.more == 0) return;
    out_.others.push_back({.path = path_,
                           .kind = ChangeKind::changed,
                           .fields = std::move(found.fields),
                           .more_fields = options_.fields ? found.more : 0});
  }

  const StatePath& path_;
  Place place_;
  const Reading& before_;
  const Reading& after_;
  const DiffOptions& options_;
  ResourceDiff& out_;
};

/// A state file that only one of the two has.
void add_whole(const snapshot::TreeView& view, const FileEntry& file, ChangeKind kind, ResourceDiff& out) {
  const StateReading reading = flow::reading_of(view, file);
  const Place place{reading.account, reading.region, reading.service};
  for (const Resource& resource : reading.resources) out.resources.push_back(change_of(place, resource, kind));
  if (!reading.not_read.empty() || !reading.unmapped.empty())
    out.others.push_back({.path = file.path, .kind = kind, .fields = {}, .more_fields = 0});
}

std::string size_text(std::uint64_t bytes) { return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes"); }

void compare_files(const snapshot::TreeView& from, const FileEntry& old_file, const snapshot::TreeView& to,
                   const FileEntry& new_file, const DiffOptions& options, const KnownResources& known,
                   ResourceDiff& out) {
  constexpr std::uint64_t worth_a_thread = std::uint64_t{256} << 10;
  auto reading = base::beside(old_file.size >= worth_a_thread, [&] { return try_to_read(from, old_file, known); });
  const auto after = try_to_read(to, new_file, known);
  const auto before = reading.get();
  if (before && after) return FileComparison(new_file.path, *before, *after, options, out).run();
  OtherChange change{.path = new_file.path, .kind = ChangeKind::changed, .fields = {}, .more_fields = 0};
  if (options.fields)
    change.fields.push_back({.path = {},
                             .kind = ChangeKind::changed,
                             .before = size_text(old_file.size),
                             .after = size_text(new_file.size)});
  out.others.push_back(std::move(change));
}

std::map<StatePath, FileEntry> state_files(const Snapshot& snapshot, const std::set<std::string>& left_out) {
  std::map<StatePath, FileEntry> files;
  for (FileEntry& file : snapshot.files()) {
    if (!reading::is_state_file(file.path) || left_out.contains(metamodel::place_of(file.path).service)) continue;
    const StatePath path = file.path;
    files.emplace(path, std::move(file));
  }
  return files;
}

void sort(ResourceDiff& out) {
  std::sort(out.resources.begin(), out.resources.end(), [](const ResourceChange& a, const ResourceChange& b) {
    return std::tie(a.service, a.account, a.region, a.type, a.id) <
           std::tie(b.service, b.account, b.region, b.type, b.id);
  });
  std::sort(out.others.begin(), out.others.end(),
            [](const OtherChange& a, const OtherChange& b) { return a.path < b.path; });
}

std::set<std::string> not_comparable(const Snapshot& from, const Snapshot& to) {
  const Spoken before(from);
  const Spoken after(to);
  std::set<std::string> services;
  for (const Spoken* side : {&before, &after})
    for (const auto* names : {&side->names(), &side->failed()})
      for (const std::string& service : *names)
        if (before.speaks_for(service) != after.speaks_for(service)) services.insert(service);
  return services;
}

}  // namespace

namespace flow {

ResourceDiff compare(const Snapshot& from, const Snapshot& to, const DiffOptions& options, const KnownResources& known,
                     const Context& context) {
  ResourceDiff out;
  const std::set<std::string> left_out = not_comparable(from, to);
  out.not_compared.assign(left_out.begin(), left_out.end());
  std::map<StatePath, FileEntry> before = state_files(from, left_out);
  const std::map<StatePath, FileEntry> after = state_files(to, left_out);
  flow::ProgressStep step(context, "comparing", after.size());
  for (const auto& [path, file] : after) {
    context.cancel->check();
    step.advance(1);
    const auto old_file = before.find(path);
    if (old_file == before.end()) {
      add_whole(to.view(), file, ChangeKind::added, out);
      continue;
    }
    if (old_file->second.id != file.id)
      compare_files(from.view(), old_file->second, to.view(), file, options, known, out);
    before.erase(old_file);
  }
  for (const auto& [path, file] : before) {
    context.cancel->check();
    add_whole(from.view(), file, ChangeKind::removed, out);
  }
  sort(out);
  return out;
}

}  // namespace flow

ResourceDiff compare(const Snapshot& from, const Snapshot& to, const DiffOptions& options, const Context& context) {
  return flow::compare(from, to, options, {}, context);
}

}  // namespace pod
