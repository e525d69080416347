#include "flow/source_tree.hpp"

#include "archive/archive.hpp"
#include "digest/digest.hpp"
#include "flow/progress_step.hpp"
#include "flow/state_intake.hpp"
#include "reading/state_file.hpp"
#include "snapshot/archived.hpp"
#include "snapshot/folder.hpp"
#include "snapshot/tree_builder.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <set>
#include <unordered_map>

namespace pod::flow {
namespace {

using Milliseconds = std::chrono::milliseconds;

/// The SHA-256 that a blob's path claims, "" for any other path.
std::string_view blob_name(const StatePath& path) {
  const auto parts = path.components();
  if (parts.size() != 5 || parts[0] != "assets" || parts[2] != "blobs") return {};
  if (!digest::is_sha256_hex(parts[4]) || parts[4].substr(0, 2) != parts[3]) return {};
  return parts[4];
}

std::unordered_map<std::string, FileEntry> blobs_of(const snapshot::TreeView& view) {
  std::unordered_map<std::string, FileEntry> blobs;
  for (FileEntry& file : view.files(false)) {
    const std::string_view name = blob_name(file.path);
    if (!name.empty()) blobs.emplace(name, std::move(file));
  }
  return blobs;
}

std::vector<std::string> names_of(const std::unordered_map<std::string, FileEntry>& blobs) {
  std::vector<std::string> names;
  names.reserve(blobs.size());
  for (const auto& [name, file] : blobs) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

void add_captured(const instance::Capture& capture, const std::unordered_map<std::string, FileEntry>& blobs,
                  snapshot::TreeBuilder& builder, StateIntake& intake, const FolderMemory* memory,
                  const Context& context) {
  std::unordered_map<std::string_view, const instance::CapturedEntry*> by_path;
  for (const instance::CapturedEntry& entry : capture.entries) {
    context.cancel->check();
    if (!entry.omitted) {
      by_path.emplace(entry.path.str(), &entry);
      continue;
    }
    const auto found = blobs.find(entry.sha256);
    if (found == blobs.end())
      throw Error(ErrorCode::corrupt,
                  "the instance left out " + quote(entry.path.str()) + ", which it was not told to");
    FileEntry file = found->second;
    file.path = entry.path;
    file.size = entry.size;
    builder.add_existing(file);
  }
  archive::Reader reader(capture.archive, {}, context);
  std::uint64_t total = 0;
  for (const archive::Entry& entry : reader.entries()) total += entry.size;
  ProgressStep step(context, "storing", total);
  reader.for_each([&](const archive::Entry& entry, base::ByteSource& content) {
    context.cancel->check();
    step.advance(entry.size);
    const auto found = by_path.find(entry.path.str());
    if (found == by_path.end()) return;  // `.pod/`: capture() refuses whatever else is not listed
    const std::string& sha256 = found->second->sha256;
    const bool is_state = reading::is_state_file(entry.path) && (entry.mode & 0100) == 0;
    const CaptureKey key = is_state ? capture_key(entry.path, sha256) : CaptureKey();
    const KnownCapture* known = is_state && memory != nullptr ? memory->captures.find(key) : nullptr;
    if (known != nullptr && memory->holds(*known) && intake.reuse(entry.path, *known))
      return builder.add_existing(entry.path, known->size, {.name = {}, .mode = known->mode, .id = known->id});
    const git::TreeEntry made = builder.add_file(entry.path, entry.size, content, entry.mode, sha256);
    if (is_state) intake.stored(key, made);
  });
}

std::function<bool(const StatePath&)> only(const std::vector<std::string>& services) {
  if (services.empty()) return {};
  return [wanted = std::set<std::string, std::less<>>(services.begin(), services.end())](const StatePath& path) {
    return wanted.contains(service_of(path));
  };
}

/// What is left of `info` when only `services` are taken. Throws where one of them is not there.
void narrow(SnapshotInfo& info, const std::vector<std::string>& services) {
  if (services.empty()) return;
  const auto unwanted = [&](const std::string& name) {
    return std::find(services.begin(), services.end(), name) == services.end();
  };
  std::erase_if(info.captured, unwanted);
  std::erase_if(info.empty, unwanted);
  std::erase_if(info.failed, [&](const ServiceFailure& failure) { return unwanted(failure.service); });
}

SourceTree finish(snapshot::TreeBuilder& builder, StateIntake& intake, SnapshotInfo info, Milliseconds source_time) {
  SourceTree out;
  intake.write_models(builder);
  out.verdict = intake.verdict();
  out.resources = intake.resources();
  out.captures = intake.captures();
  out.readings = intake.take_readings();
  out.files = builder.files();
  out.bytes = builder.bytes();
  out.tree = builder.finish(info);
  out.state = builder.state();
  out.info = std::move(info);
  out.source_time = source_time;
  return out;
}

void refuse_nothing(const Source& source, const std::vector<std::string>& services, const SourceTree& tree) {
  if (!services.empty() && tree.files == 0 && tree.info.empty.empty())
    throw Error(ErrorCode::not_found, quote(source.display()) + " holds nothing of the services that were asked for");
}

SourceTree capture_directory(const Source& source, const std::vector<std::string>& services,
                             const snapshot::TreeView* known, const std::filesystem::path& folder,
                             git::PackWriter& pack, const Context& context, const FolderMemory* memory) {
  const auto before = memory != nullptr ? memory->caches.load(source.path()) : std::nullopt;
  snapshot::FolderCapture capture(source.path(), context, only(services), before ? &*before : nullptr, folder);
  // What the version before holds is all there, so nothing has to be looked up.
  if (capture.as_known() && known != nullptr && snapshot::state_id(known->objects(), known->tree()) == before->state) {
    SourceTree out;
    out.tree = known->tree();
    out.state = before->state;
    out.files = before->files;
    out.bytes = before->bytes;
    out.verdict = before->verdict;
    return out;
  }
  StateIntake intake(StateIntake::Storing::byte_for_byte, nullptr);
  snapshot::TreeBuilder builder(pack, intake.hooks());
  std::optional<snapshot::StatCache> seen =
      capture.add_to(builder, [&](const StatePath& path, const snapshot::KnownFile& file) {
        return memory->holds(file) && intake.reuse(path, file);
      });
  SourceTree out = finish(builder, intake, {}, Milliseconds{0});
  refuse_nothing(source, services, out);
  if (known == nullptr) out.entries = builder.entries();
  if (!seen) return out;
  seen->state = out.state;
  seen->verdict = out.verdict;
  intake.note(*seen);
  out.seen = std::move(seen);
  return out;
}

}  // namespace

std::vector<std::string> known_blobs(const snapshot::TreeView& view) { return names_of(blobs_of(view)); }

SourceTree capture_instance(instance::HttpInstance& instance, const std::vector<std::string>& services,
                            const snapshot::TreeView* known, const std::filesystem::path& folder, git::PackWriter& pack,
                            const Context& context, const FolderMemory* memory) {
  const auto blobs = known ? blobs_of(*known) : std::unordered_map<std::string, FileEntry>();
  const auto start = std::chrono::steady_clock::now();
  instance::Capture capture = instance.capture(services, names_of(blobs), folder);
  const auto waited = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - start);

  if (capture.info.captured.empty() && capture.info.empty.empty() && !capture.info.failed.empty()) {
    Error error(ErrorCode::io, "the instance could not save any of its services");
    for (const ServiceFailure& failure : capture.info.failed)
      error.because(quote(failure.service) + ": " + printable(failure.reason));
    throw error;
  }
  StateIntake intake(StateIntake::Storing::canonical, known, memory != nullptr ? &memory->captures : nullptr);
  snapshot::TreeBuilder builder(pack, intake.hooks());
  if (capture.from_agent) {
    add_captured(capture, blobs, builder, intake, memory, context);
  } else {
    archive::Reader reader(capture.archive, {}, context);
    snapshot::capture_archive(reader, builder, context);
  }
  std::error_code ignored;  // the spool goes anyway; its space is wanted now
  std::filesystem::remove(capture.archive, ignored);
  SourceTree out = finish(builder, intake, std::move(capture.info), waited);
  out.digest = std::move(capture.digest);
  return out;
}

SourceTree capture_source(const Source& source, const std::vector<std::string>& services,
                          const snapshot::TreeView* known, const std::filesystem::path& folder, git::PackWriter& pack,
                          const Context& context, const FolderMemory* memory) {
  if (source.is_instance()) {
    instance::HttpInstance instance(source, context);
    return capture_instance(instance, services, known, folder, pack, context, memory);
  }
  if (source.kind() == Source::Kind::directory)
    return capture_directory(source, services, known, folder, pack, context, memory);
  StateIntake intake(StateIntake::Storing::byte_for_byte, nullptr);
  snapshot::TreeBuilder builder(pack, intake.hooks());
  archive::Reader reader(source.path(), {}, context);
  SnapshotInfo info = snapshot::read_info(reader);
  narrow(info, services);
  snapshot::capture_archive(reader, builder, context, only(services));
  SourceTree out = finish(builder, intake, std::move(info), Milliseconds{0});
  refuse_nothing(source, services, out);
  return out;
}

}  // namespace pod::flow
