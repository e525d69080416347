#include "resource_json.hpp"

#include <libpod/names.hpp>

namespace podgit {
namespace {

std::string key_of(std::string_view name) { return json_text(name).get<std::string>(); }

Json text_or_null(std::string_view text) { return text.empty() ? Json(nullptr) : json_text(text); }

template <class Value>
Json members(const std::vector<std::pair<std::string, Value>>& pairs) {
  Json out = Json::object();
  for (const auto& [name, value] : pairs) {
    if constexpr (std::is_same_v<Value, std::string>)
      out[key_of(name)] = json_text(value);
    else
      out[key_of(name)] = value;
  }
  return out;
}

Json texts(const std::vector<std::string>& lines) {
  Json out = Json::array();
  for (const std::string& line : lines) out.push_back(json_text(line));
  return out;
}

}  // namespace

std::string_view change_name(pod::ChangeKind kind) {
  switch (kind) {
    case pod::ChangeKind::added: return "added";
    case pod::ChangeKind::removed: return "removed";
    case pod::ChangeKind::changed: return "changed";
  }
  return "";
}

Json json_of(const pod::Resource& resource) {
  return {{"type", json_text(resource.type)},
          {"id", json_text(resource.id)},
          {"arn", text_or_null(resource.arn)},
          {"path", json_text(resource.path)},
          {"digest", resource.digest},
          {"bytes", resource.bytes},
          {"attributes", members(resource.attributes)},
          {"counts", members(resource.counts)},
          {"tags", members(resource.tags)},
          {"references", texts(resource.references)}};
}

Json json_of(const pod::StateReading& file) {
  return {{"path", json_text(file.path.str())},
          {"account", json_text(file.account)},
          {"region", json_text(file.region)},
          {"service", json_text(file.service)},
          {"format", file.format},
          {"digest", file.digest},
          {"bytes", file.bytes},
          {"verdict", pod::verdict_name(file.verdict)},
          {"notRead", text_or_null(file.not_read)},
          {"resources", json_each(file.resources)},
          {"unmapped", members(file.unmapped)}};
}

Json json_of(const pod::AssetSummary& assets) {
  return {{"service", json_text(assets.service)}, {"files", assets.files}, {"bytes", assets.bytes}};
}

Json json_of(const pod::FieldChange& change) {
  const bool before = change.kind != pod::ChangeKind::added;
  const bool after = change.kind != pod::ChangeKind::removed;
  return {{"path", json_text(change.path)},
          {"change", change_name(change.kind)},
          {"before", before ? json_text(change.before) : Json(nullptr)},
          {"after", after ? json_text(change.after) : Json(nullptr)}};
}

Json json_of(const pod::ResourceChange& change) {
  return {{"account", json_text(change.account)}, {"region", json_text(change.region)},
          {"service", json_text(change.service)}, {"type", json_text(change.type)},
          {"id", json_text(change.id)},           {"change", change_name(change.kind)},
          {"fields", json_each(change.fields)},   {"moreFields", change.more_fields}};
}

Json json_of(const pod::OtherChange& change) {
  return {{"path", json_text(change.path.str())},
          {"service", json_text(pod::service_of(change.path))},
          {"change", change_name(change.kind)},
          {"fields", json_each(change.fields)},
          {"moreFields", change.more_fields}};
}

Json json_of(const pod::Concern& concern) {
  return {{"verdict", pod::verdict_name(concern.verdict)},
          {"offset", concern.offset},
          {"path", text_or_null(concern.path)},
          {"reason", json_text(concern.reason)},
          {"disassembly", texts(concern.disassembly)}};
}

Json json_of(const pod::Judgement& judgement) {
  return {{"path", json_text(judgement.path.str())},
          {"verdict", pod::verdict_name(judgement.verdict)},
          {"concerns", json_each(judgement.concerns)}};
}

Json json_of(const pod::Inventory& inventory) {
  std::uint64_t resources = 0;
  std::uint64_t state = 0;
  std::uint64_t assets = 0;
  for (const pod::StateReading& file : inventory.files) {
    resources += file.resources.size();
    state += file.bytes;
  }
  for (const pod::AssetSummary& of : inventory.assets) assets += of.bytes;
  return {{"files", json_each(inventory.files)},
          {"assets", json_each(inventory.assets)},
          {"totals", {{"resources", resources}, {"stateBytes", state}, {"assetBytes", assets}}}};
}

Json version_json(const Side& side) { return side.version ? json_of(*side.version) : Json(nullptr); }

}  // namespace podgit
