#include "flow/service_choice.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <set>

namespace pod::flow {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string list(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + printable(name);
  return out;
}

[[noreturn]] void throw_missing(const std::string& service, const SnapshotInfo& info, const std::string& name) {
  Error error(ErrorCode::not_found, quote(name) + " does not hold the service " + quote(service));
  for (const ServiceFailure& failure : info.failed)
    if (failure.service == service) error.because("it could not be captured: " + printable(failure.reason));
  error.hint("it holds " + list(info.captured));
  throw error;
}

}  // namespace

SnapshotInfo choose_services(const Snapshot& snapshot, const std::vector<std::string>& asked, const std::string& name) {
  const SnapshotInfo all = snapshot.info();
  SnapshotInfo chosen = all;
  chosen.failed.clear();
  if (chosen.captured.empty() && chosen.empty.empty()) chosen.captured = snapshot.services();
  if (asked.empty()) return chosen;

  SnapshotInfo known = chosen;
  known.failed = all.failed;
  for (const std::string& service : asked)
    if (!contains(chosen.captured, service) && !contains(chosen.empty, service)) throw_missing(service, known, name);
  const auto unasked = [&](const std::string& service) { return !contains(asked, service); };
  std::erase_if(chosen.captured, unasked);
  std::erase_if(chosen.empty, unasked);
  return chosen;
}

std::function<bool(const FileEntry&)> files_of(const SnapshotInfo& info) {
  return [wanted = std::set<std::string, std::less<>>(info.captured.begin(), info.captured.end())](
             const FileEntry& file) { return wanted.contains(service_of(file.path)); };
}

}  // namespace pod::flow
