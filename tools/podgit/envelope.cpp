#include "envelope.hpp"

#include "measures.hpp"

namespace podgit {
namespace {

std::string_view kind_name(pod::FileChange::Kind kind) {
  switch (kind) {
    case pod::FileChange::Kind::added: return "added";
    case pod::FileChange::Kind::removed: return "removed";
    case pod::FileChange::Kind::changed: break;
  }
  return "changed";
}

std::string_view level_name(pod::Finding::Level level) {
  switch (level) {
    case pod::Finding::Level::ok: return "ok";
    case pod::Finding::Level::warn: return "warn";
    case pod::Finding::Level::fail: break;
  }
  return "fail";
}

Json texts(const std::vector<std::string>& items) {
  Json out = Json::array();
  for (const std::string& item : items) out.push_back(json_text(item));
  return out;
}

Json oid_or_null(const pod::Oid& id) { return id.is_zero() ? Json(nullptr) : Json(id.hex()); }

}  // namespace

Json json_text(std::string_view text) { return is_utf8(text) ? std::string(text) : pod::printable(text); }

Json json_of(const pod::Author& author) {
  return {{"name", json_text(author.name)}, {"email", json_text(author.email)}};
}

Json json_of(const pod::Version& version) {
  Json parents = Json::array();
  for (const pod::Oid& parent : version.parents) parents.push_back(parent.hex());
  Json out = {{"reference", json_text(version.str())},
              {"pod", version.pod ? Json(version.pod->str()) : Json(nullptr)},
              {"number", version.number},
              {"commit", version.commit.hex()},
              {"tree", version.tree.hex()},
              {"parents", std::move(parents)},
              {"time", utc_time(version.time)},
              {"author", json_of(version.author)},
              {"message", json_text(version.message)}};
  if (version.cut) out["cut"] = true;
  return out;
}

Json json_of(const pod::Emulator& emulator) {
  return {{"name", json_text(emulator.name)},
          {"version", json_text(emulator.version)},
          {"python", json_text(emulator.python)}};
}

Json json_of(const pod::SnapshotInfo& info) {
  Json failed = Json::array();
  for (const pod::ServiceFailure& failure : info.failed)
    failed.push_back({{"service", json_text(failure.service)}, {"reason", json_text(failure.reason)}});
  return {{"format", info.format},
          {"emulator", json_of(info.emulator)},
          {"captured", texts(info.captured)},
          {"empty", texts(info.empty)},
          {"failed", std::move(failed)}};
}

Json json_of(const pod::FileChange& change) {
  return {{"path", json_text(change.path.str())},
          {"service", json_text(pod::service_of(change.path))},
          {"change", kind_name(change.kind)},
          {"oldSize", change.kind == pod::FileChange::Kind::added ? Json(nullptr) : Json(change.old_size)},
          {"newSize", change.kind == pod::FileChange::Kind::removed ? Json(nullptr) : Json(change.new_size)}};
}

Json json_of(const pod::FileEntry& file) {
  return {{"path", json_text(file.path.str())},
          {"service", json_text(pod::service_of(file.path))},
          {"size", file.size},
          {"id", file.id.hex()}};
}

Json json_of(const pod::ServiceOutcome& outcome) {
  return {{"service", json_text(outcome.service)}, {"ok", outcome.ok}, {"message", json_text(outcome.message)}};
}

Json json_of(const pod::Operation& operation) {
  return {{"id", operation.id},
          {"time", utc_time(operation.time)},
          {"who", json_text(operation.who)},
          {"verb", json_text(operation.verb)},
          {"what", json_text(operation.what)},
          {"ref", json_text(operation.ref)},
          {"before", oid_or_null(operation.before)},
          {"after", oid_or_null(operation.after)},
          {"instance", operation.instance.empty() ? Json(nullptr) : json_text(operation.instance)},
          {"undoes", operation.undoes == 0 ? Json(nullptr) : Json(operation.undoes)}};
}

Json json_of(const pod::Finding& finding) {
  return {{"check", json_text(finding.check)},
          {"level", level_name(finding.level)},
          {"detail", json_text(finding.detail)},
          {"fix", finding.fix.empty() ? Json(nullptr) : json_text(finding.fix)},
          {"object", finding.object.empty() ? Json(nullptr) : json_text(finding.object)},
          {"affects", texts(finding.affects)},
          {"affected", finding.affected}};
}

std::string envelope(std::string_view command, const Json& data, const std::vector<std::string>& warnings, bool partial,
                     const std::optional<Failure>& failure) {
  Json error = nullptr;
  if (failure)
    error = {{"code", failure->code},
             {"category", failure->category},
             {"message", json_text(failure->message)},
             {"causes", texts(failure->causes)},
             {"kept", failure->kept.empty() ? Json(nullptr) : json_text(failure->kept)},
             {"retryable", failure->retryable},
             {"actions", texts(failure->actions)}};
  const Json whole = {{"schemaVersion", 1},
                      {"command", command.empty() ? Json(nullptr) : json_text(command)},
                      {"status", failure   ? "error"
                                 : partial ? "partial"
                                           : "ok"},
                      {"data", data},
                      {"warnings", texts(warnings)},
                      {"error", std::move(error)}};
  return whole.dump(-1, ' ', true) + "\n";
}

}  // namespace podgit
