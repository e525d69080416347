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
    verdict_ = policy::worse(verdict_, policy::judge(file, path).verdict);
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

void StateIntake::write_models(snapshot::TreeBuilder& builder) const {
  for (const StateReading& reading : readings_)
    if (const auto path = metamodel::model_path(reading.path)) builder.add_own(*path, metamodel::encode(reading));
}

}  // namespace pod::flow
