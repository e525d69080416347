// `--json`: one object around every answer, and the objects of the story in it. Fields are described in README.md; they
// are added to, never changed.
#pragma once

#include "errors.hpp"

#include <libpod/libpod.hpp>

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace podgit {

using Json = nlohmann::ordered_json;

/// As it is where it is UTF-8 (the writing escapes what a terminal could misread), else with \xNN for the other bytes.
Json json_text(std::string_view text);

Json json_of(const pod::Version& version);
Json json_of(const pod::Author& author);
Json json_of(const pod::Emulator& emulator);
Json json_of(const pod::SnapshotInfo& info);
Json json_of(const pod::FileChange& change);
Json json_of(const pod::FileEntry& file);
Json json_of(const pod::ServiceOutcome& outcome);
Json json_of(const pod::Operation& operation);
Json json_of(const pod::Finding& finding);

template <class Item>
Json json_list(const std::vector<Item>& items) {
  Json out = Json::array();
  for (const Item& item : items) out.push_back(json_of(item));
  return out;
}

/// One line, ASCII, with its end. `failure` makes the status "error"; `partial` "partial".
std::string envelope(std::string_view command, const Json& data, const std::vector<std::string>& warnings, bool partial,
                     const std::optional<Failure>& failure);

}  // namespace podgit
