#include "flow/state_intake.hpp"

#include "flow/state_models.hpp"
#include "metamodel/metamodel.hpp"
#include "policy/policy.hpp"
#include "reading/state_file.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace pod::flow {
namespace {

/// The bytes that stood at the same path in the version before, where they say what `now` says. Unless this store knows
/// them they are read again: what the version says of them itself may be a stranger's word.
std::optional<std::pair<std::string, StateReading>> same_as_before(const snapshot::TreeView* before,
                                                                   const CaptureMemory* memory, const StateReading& now,
                                                                   std::string_view bytes) {
  if (before == nullptr) return std::nullopt;
  const auto file = before->find(now.path);
  if (!file || file->size > reading::size_limit) return std::nullopt;
  const std::string known = memory != nullptr ? memory->digest_of(file->id) : std::string();
  if (!known.empty() && known != now.digest) return std::nullopt;
  if (has_bytes(*before, *file, bytes)) return std::nullopt;
  std::string stored = load(*before, *file);
  StateReading reading = reading::read_state_file(stored, now.path).reading;
  if (!reading.not_read.empty() || reading.format != now.format || reading.digest != now.digest) return std::nullopt;
  return std::pair(std::move(stored), std::move(reading));
}

std::array<std::uint8_t, 32> digest_bytes(std::string_view hex) {
  const auto digit = [](char c) { return static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10); };
  std::array<std::uint8_t, 32> out{};
  for (std::size_t at = 0; at < out.size() && 2 * at + 1 < hex.size(); ++at)
    out[at] = static_cast<std::uint8_t>(digit(hex[2 * at]) << 4 | digit(hex[2 * at + 1]));
  return out;
}

}  // namespace

bool StateIntake::wants(const StatePath& path) {
  return reading::is_state_file(path) || policy::role_of(path) == policy::Role::other;
}

snapshot::Intake StateIntake::hooks() {
  return {.wants = &StateIntake::wants,
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
  if (auto same = same_as_before(before_, memory_, read.reading, *read.canonical)) {
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
  if (!file.judged || has_model == file.model.is_zero()) return false;
  verdict_ = policy::worse(verdict_, file.verdict);
  if (has_model) reused_.push_back({path, file.model, file.verdict});
  all_counted_ = false;
  return true;
}

bool StateIntake::reuse(const StatePath& path, const KnownCapture& file) {
  if (storing_ != Storing::canonical || !metamodel::model_path(path)) return false;
  // Another file of the version before may say the same: then that one stays.
  if (const auto old_file = before_ != nullptr ? before_->find(path) : std::nullopt)
    if (old_file->id != file.id) return false;
  verdict_ = policy::worse(verdict_, file.verdict);
  reused_.push_back({path, file.model, file.verdict});
  reused_resources_ += file.resources;
  return true;
}

void StateIntake::stored(const CaptureKey& key, const git::TreeEntry& entry) {
  if (readings_.empty() || entry.mode == 0100755) return;
  const StateReading& reading = readings_.back();
  if (!reading.not_read.empty() || !metamodel::model_path(reading.path)) return;
  captures_.push_back({readings_.size() - 1,
                       {.key = key,
                        .id = entry.id,
                        .mode = entry.mode,
                        .model = {},
                        .size = reading.bytes,
                        .resources = reading.resources.size(),
                        .digest = digest_bytes(reading.digest),
                        .verdict = reading.verdict}});
}

void StateIntake::write_models(snapshot::TreeBuilder& builder) {
  std::vector<Oid> models;
  for (const StateReading& reading : readings_) {
    const auto path = metamodel::model_path(reading.path);
    models.push_back(path ? builder.add_own(*path, metamodel::encode(reading)) : Oid());
    noted_.push_back({reading.path, models.back(), reading.verdict});
  }
  for (auto& [place, file] : captures_) file.model = models[place];
  for (const Noted& file : reused_) builder.add_own_existing(*metamodel::model_path(file.path), file.model);
}

std::optional<std::uint64_t> StateIntake::resources() const {
  if (!all_counted_) return std::nullopt;
  std::uint64_t count = reused_resources_;
  for (const StateReading& reading : readings_) count += reading.resources.size();
  return count;
}

std::vector<KnownCapture> StateIntake::captures() const {
  std::vector<KnownCapture> out;
  for (const auto& [place, file] : captures_) out.push_back(file);
  return out;
}

std::vector<StateReading> StateIntake::take_readings() {
  std::sort(readings_.begin(), readings_.end(),
            [](const StateReading& a, const StateReading& b) { return a.path < b.path; });
  return std::move(readings_);
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
