// Resources, their differences and verdicts as `--json` gives them; README.md names the members.
#pragma once

#include "envelope.hpp"
#include "side.hpp"

#include <libpod/resources.hpp>

#include <string_view>
#include <vector>

namespace podgit {

Json json_of(const pod::Resource& resource);
Json json_of(const pod::StateReading& file);
Json json_of(const pod::AssetSummary& assets);
Json json_of(const pod::FieldChange& change);
Json json_of(const pod::ResourceChange& change);
Json json_of(const pod::OtherChange& change);
Json json_of(const pod::Concern& concern);
Json json_of(const pod::Judgement& judgement);
/// `files`, `assets`, `totals`
Json json_of(const pod::Inventory& inventory);
/// The version, or null for what is none.
Json version_json(const Side& side);

template <class Item>
Json json_each(const std::vector<Item>& items) {
  Json out = Json::array();
  for (const Item& item : items) out.push_back(json_of(item));
  return out;
}

std::string_view change_name(pod::ChangeKind kind);

}  // namespace podgit
