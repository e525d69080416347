#include "commit_report.hpp"

#include "changes.hpp"
#include "measures.hpp"
#include "resource_changes.hpp"
#include "resource_json.hpp"
#include "verdicts.hpp"

#include <fmt/format.h>

namespace podgit {
namespace {

std::string contents(const pod::CommitResult& result) {
  std::string text;
  if (!result.info.captured.empty()) text = counted(result.info.captured.size(), "service") + ", ";
  return text + fmt::format("{}, {}", counted(result.files, "file"), human_size(result.bytes));
}

std::string times(const pod::CommitResult& result, std::string_view source) {
  return fmt::format("{} ({} {}, podgit {})", human_duration(result.capture_time + result.store_time), source,
                     human_duration(result.capture_time), human_duration(result.store_time));
}

void print_report(Session& session, const pod::PodName& pod, const pod::CommitResult& result,
                  const CommitReport& report, const Comparison& against) {
  Output& out = session.out();
  const bool differs = result.created || !result.version || !result.changes.empty();
  if (report.dry_run && differs) {
    const std::int64_t number = result.version ? result.version->number + 1 : 1;
    print_changes(session, against.changes);
    out.line(fmt::format("{}:{}  would be made: {} ({})", pod.str(), number, contents(result),
                         change_counts(against.changes)));
    if (!against.unknown.empty()) session.note(unknown_text(against.unknown));
  } else if (session.options().quiet) {
    if (result.version) out.line(result.version->str());
  } else if (result.created) {
    out.line(fmt::format("{}  {} ({} new)  {}", session.paint(result.version->str(), Colour::bold), contents(result),
                         human_size(result.bytes_added), times(result, report.source)));
  } else {
    out.line(fmt::format("{}  nothing changed since {}, no new version  {}",
                         session.paint(result.version->str(), Colour::bold), short_time(result.version->time),
                         times(result, report.source)));
  }
}

/// The version is made; what cannot be said of it is no failure.
std::optional<pod::ResourceDiff> resources_of(Session& session, const pod::Store& store,
                                              const pod::CommitResult& result) {
  try {
    if (!result.version->parents.empty()) return result.differences;
    return all_added(pod::inventory(store.snapshot(*result.version), session.context()));
  } catch (const pod::Error& error) {
    session.warn(fmt::format("which resources changed cannot be said: {}", error.message()));
    return std::nullopt;
  }
}

}  // namespace

Outcome report_commit(Session& session, const pod::Store& store, const pod::PodName& pod,
                      const pod::CommitResult& result, const CommitReport& report) try {
  for (const auto& failure : result.info.failed)
    session.warn(fmt::format("{} was not captured: {}", pod::quote(failure.service), failure.reason));
  // what the version before had and this one did not ask for is not gone; what is new to both is new
  const Comparison against = comparison_of(result.changes, {}, result.info);
  // of a first version all would be new
  const bool shows = session.json() || (!session.options().quiet && result.created && !result.version->parents.empty());
  const auto resources = result.created && shows ? resources_of(session, store, result) : std::nullopt;
  if (!session.json()) print_report(session, pod, result, report, against);
  if (resources && !session.json()) print_resource_summary(session, *resources, " ");
  pod::Verdict verdict = pod::Verdict::accept;
  if (report.verdict && result.created) {
    const pod::Inventory inventory = pod::inventory(store.snapshot(*result.version), session.context());
    verdict = count_verdicts(inventory).worst();
    note_verdict(session, inventory, result.version->str());
  }
  if (!session.json()) return result.partial() ? Outcome::partly({}) : Outcome{};
  Json data = {{"created", result.created},
               {"dryRun", report.dry_run},
               {"version", result.version ? json_of(*result.version) : Json(nullptr)},
               {"info", json_of(result.info)},
               {"files", result.files},
               {"bytes", result.bytes},
               {"bytesAdded", result.bytes_added},
               {"changes", json_list(against.changes)},
               {"notCompared", against.unknown},
               {"resources", resources ? json_each(resources->resources) : Json::array()},
               {"others", resources ? json_each(resources->others) : Json::array()},
               {"captureMilliseconds", result.capture_time.count()},
               {"storeMilliseconds", result.store_time.count()}};
  if (report.verdict) data["verdict"] = result.created ? Json(pod::verdict_name(verdict)) : Json(nullptr);
  if (result.partial()) return Outcome::partly(std::move(data));
  return {.data = std::move(data)};
} catch (pod::Error& error) {
  if (result.created && error.kept().empty())
    error.keeping("version " + pod::quote(result.version->str()) + " was made");
  throw;
}

}  // namespace podgit
