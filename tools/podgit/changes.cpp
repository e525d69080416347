#include "changes.hpp"

#include "measures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace podgit {
namespace {

using Kind = pod::FileChange::Kind;

struct Totals {
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
  std::uint64_t changed = 0;
  std::uint64_t old_bytes = 0;
  std::uint64_t new_bytes = 0;

  void count(const pod::FileChange& change) {
    (change.kind == Kind::added ? added : change.kind == Kind::removed ? removed : changed) += 1;
    old_bytes += change.old_size;
    new_bytes += change.new_size;
  }
  std::uint64_t files() const { return added + removed + changed; }
};

Totals totals_of(const std::vector<pod::FileChange>& changes) {
  Totals out;
  for (const auto& change : changes) out.count(change);
  return out;
}

std::string counts_text(const Totals& totals) {
  std::string text;
  const auto part = [&](std::uint64_t number, std::string_view what) {
    if (number > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", number, what);
  };
  part(totals.added, "added");
  part(totals.changed, "changed");
  part(totals.removed, "removed");
  return text.empty() ? "no differences" : fmt::format("{}: {}", counted(totals.files(), "file"), text);
}

std::string size_change(const Totals& totals) {
  if (totals.new_bytes >= totals.old_bytes) return "+" + human_size(totals.new_bytes - totals.old_bytes);
  return "-" + human_size(totals.old_bytes - totals.new_bytes);
}

/// A version that lists no services (a directory, an archive) speaks of all it holds.
bool speaks_of(const pod::SnapshotInfo& info, const std::string& service) {
  if (service.empty() || (info.captured.empty() && info.empty.empty() && info.failed.empty())) return true;
  const auto lists = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), service) != names.end();
  };
  return lists(info.captured) || lists(info.empty);
}

}  // namespace

void print_changes(Session& session, const std::vector<pod::FileChange>& changes) {
  Output& out = session.out();
  for (const auto& change : changes) {
    const std::string path = pod::printable(change.path.str());
    switch (change.kind) {
      case Kind::added:
        out.line(session.paint(fmt::format("+ {}  {}", path, human_size(change.new_size)), Colour::green));
        break;
      case Kind::removed:
        out.line(session.paint(fmt::format("- {}  {}", path, human_size(change.old_size)), Colour::red));
        break;
      case Kind::changed: {
        const std::string sizes =
            change.old_size == change.new_size
                ? human_size(change.new_size)
                : fmt::format("{} -> {}", human_size(change.old_size), human_size(change.new_size));
        out.line(session.paint(fmt::format("~ {}  {}", path, sizes), Colour::yellow));
        break;
      }
    }
    if (out.closed()) return;
  }
}

void print_change_summary(Session& session, const std::vector<pod::FileChange>& changes, std::string_view indent) {
  std::map<std::string, Totals> by_service;
  for (const auto& change : changes) {
    const std::string_view service = pod::service_of(change.path);
    by_service[service.empty() ? "(other)" : std::string(service)].count(change);
  }
  std::size_t widest = 0;
  for (const auto& [service, totals] : by_service) widest = std::max(widest, display_width(pod::printable(service)));
  for (const auto& [service, totals] : by_service) {
    const std::string name = pod::printable(service);
    session.out().line(fmt::format("{}{}{}  {}, {}", indent, name, std::string(widest - display_width(name), ' '),
                                   counts_text(totals), size_change(totals)));
  }
  if (by_service.size() != 1) session.out().line(fmt::format("{}{}", indent, change_counts(changes)));
}

std::string change_counts(const std::vector<pod::FileChange>& changes) {
  const Totals totals = totals_of(changes);
  if (totals.files() == 0) return "no differences";
  return fmt::format("{}, {}", counts_text(totals), size_change(totals));
}

Json change_totals(const std::vector<pod::FileChange>& changes) {
  const Totals totals = totals_of(changes);
  return {{"added", totals.added},
          {"removed", totals.removed},
          {"changed", totals.changed},
          {"oldBytes", totals.old_bytes},
          {"newBytes", totals.new_bytes}};
}

std::optional<pod::Version> predecessor(const pod::Store& store, const pod::Version& version) {
  if (version.cut)
    throw pod::Error(pod::ErrorCode::not_found,
                     fmt::format("the version before {} is not in this store", version.str()))
        .hint(fmt::format("podgit fetch --unshallow{} brings it", version.pod ? " " + version.pod->str() : ""));
  if (version.parents.empty()) return std::nullopt;
  pod::Version before = store.resolve(pod::PodRef::parse("rev:" + version.parents.front().hex()));
  if (before.number > 0) before.pod = version.pod;
  return before;
}

Comparison comparison_of(std::vector<pod::FileChange> changes, const pod::SnapshotInfo& before,
                         const pod::SnapshotInfo& after) {
  Comparison out;
  std::set<std::string> unknown;
  for (pod::FileChange& change : changes) {
    const std::string service(pod::service_of(change.path));
    const bool known = (change.kind != Kind::removed || speaks_of(after, service)) &&
                       (change.kind != Kind::added || speaks_of(before, service));
    if (known)
      out.changes.push_back(std::move(change));
    else
      unknown.insert(service);
  }
  out.unknown.assign(unknown.begin(), unknown.end());
  return out;
}

Comparison compare_files(const pod::Snapshot& before, const pod::Snapshot& after) {
  return comparison_of(pod::diff(before, after), before.info(), after.info());
}

pod::ResourceDiff all_added(const pod::Inventory& inventory) {
  pod::ResourceDiff out;
  for (const pod::StateReading& file : inventory.files) {
    for (const pod::Resource& resource : file.resources)
      out.resources.push_back(
          {file.account, file.region, file.service, resource.type, resource.id, pod::ChangeKind::added, {}, 0});
    if (file.resources.empty()) out.others.push_back({file.path, pod::ChangeKind::added, {}, 0});
  }
  std::sort(out.resources.begin(), out.resources.end(), [](const pod::ResourceChange& a, const pod::ResourceChange& b) {
    return std::tie(a.service, a.account, a.region, a.type, a.id) <
           std::tie(b.service, b.account, b.region, b.type, b.id);
  });
  return out;
}

pod::ResourceDiff compare_resources(const pod::Store& store, const std::optional<pod::Version>& before,
                                    const pod::Version& after, bool fields, const pod::Context& context) {
  const pod::Snapshot newer = store.snapshot(after);
  if (!before) return all_added(pod::inventory(newer, context));
  return pod::compare(store.snapshot(*before), newer, {.fields = fields}, context);
}

Comparison compare(const pod::Store& store, const std::optional<pod::Version>& before, const pod::Version& after) {
  const pod::Snapshot newer = store.snapshot(after);
  if (before) {
    return compare_files(store.snapshot(*before), newer);
  }
  Comparison out;
  for (const pod::FileEntry& file : newer.files()) out.changes.push_back({file.path, Kind::added, 0, file.size});
  return out;
}

std::string unknown_text(const std::vector<std::string>& services) {
  return fmt::format("not compared, since only one of the two captured it: {}", fmt::join(services, ", "));
}

}  // namespace podgit
