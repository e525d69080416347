#include "flow/state_intake.hpp"

#include "flow/state_models.hpp"
#include "metamodel/metamodel.hpp"
#include "policy/policy.hpp"
#include "reading/state_file.hpp"

#include <libpod/error.hpp>

#include <optional>
#include <utility>

namespace pod::flow {
namespace {

/// The bytes that stood at the same path in the version before, where they say what `digest` says. They are read again:
/// what the version says of them itself may be a stranger's word.
std::optional<std::pair<std::string, StateReading>> same_as_before(const snapshot::TreeView* before,
                                                                   const StateReading& now, std::string_view bytes) {
  if (before == nullptr) return std::nullopt;
  const auto file = before->find(now.path);
  if (!file || file->size > reading::size_limit) return std::nullopt;
  std::string stored = load(*before, *file);
  if (stored == bytes) return std::nullopt;
  StateReading reading = reading::read_state_file(stored, now.path).reading;
  if (!reading.not_read.empty() || reading.format != now.format || reading.digest != now.digest) return std::nullopt;
  return std::pair(std::move(stored), std::move(reading));
}

}  // namespace

snapshot::Intake StateIntake::hooks() {
  return {.wants =
              [](const StatePath& path) {
                return reading::is_state_file(path) || policy::role_of(path) == policy::Role::other;
              },
          .limit = reading::size_limit,
          .take = [this](const StatePath& path, std::string file) { return take(path, std::move(file)); },
          .passed =
              [this](const StatePath& path, std::uint64_t size, const std::string& sha256) {
                if (reading::is_state_file(path)) record(reading::unread(path, size, sha256));
              }};
}

std::string StateIntake::take(const StatePath& path, std::string file) {
  if (!reading::is_state_file(path)) {
    const Verdict verdict = policy::judge(file, path).verdict;
    verdict_ = policy::worse(verdict_, verdict);
    if (verdict != Verdict::accept) noted_.push_back({path, {}, verdict});
    return file;
  }
  const bool canonical = storing_ == Storing::canonical;
  reading::StateFile read = reading::read_state_file(file, path, canonical);
  if (!read.canonical) {
    record(std::move(read.reading));
    return file;
  }
  if (auto same = same_as_before(before_, read.reading, *read.canonical)) {
    record(std::move(same->second));
    return std::move(same->first);
  }
  record(std::move(read.reading));
  return *std::move(read.canonical);
}

void StateIntake::record(StateReading reading) {
  verdict_ = policy::worse(verdict_, reading.verdict);
  readings_.push_back(std::move(reading));
}

bool StateIntake::reuse(const StatePath& path, const snapshot::KnownFile& file) {
  const bool has_model = reading::is_state_file(path) && metamodel::model_path(path);
  if (has_model == file.model.is_zero()) return false;
  verdict_ = policy::worse(verdict_, file.verdict);
  if (has_model) reused_.push_back({path, file.model, file.verdict});
  return true;
}

void StateIntake::write_models(snapshot::TreeBuilder& builder) {
  for (const StateReading& reading : readings_) {
    const auto path = metamodel::model_path(reading.path);
    noted_.push_back(
        {reading.path, path ? builder.add_own(*path, metamodel::encode(reading)) : Oid(), reading.verdict});
  }
  for (const Noted& file : reused_) builder.add_own_existing(*metamodel::model_path(file.path), file.model);
}

std::optional<std::uint64_t> StateIntake::resources() const {
  if (!reused_.empty()) return std::nullopt;
  std::uint64_t count = 0;
  for (const StateReading& reading : readings_) count += reading.resources.size();
  return count;
}

void StateIntake::note(snapshot::StatCache& cache) const {
  for (const Noted& noted : noted_) {
    snapshot::KnownFile* file = cache.find(noted.path);
    if (file == nullptr) continue;
    file->model = noted.model;
    file->verdict = noted.verdict;
  }
}

}  // namespace pod::flow
