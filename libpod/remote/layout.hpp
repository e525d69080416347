// Which object of a remote lies where, and the marker that is read before all else.
//
//   format.json                              which layout, and where HEADs live
//   pods/<pod>/HEAD                          the only objects that change
//   pods/<pod>/manifests/<sha256>
//   packs/<yyyy-mm-dd>/<sha256>.pack .idx    the day on which the push began, by the store's clock
//
// The day makes it impossible that a name which garbage collection has taken away is used again: see FORMATS.md.
#pragma once

#include "objects/object_store.hpp"
#include "remote/manifest.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pod::remote {

objects::Key format_key();
objects::Key head_key(const PodName& pod);
objects::Key manifest_key(const PodName& pod, const digest::Sha256Value& sha256);
objects::Key pack_key(Day day, const digest::Sha256Value& sha256);
objects::Key index_key(Day day, const digest::Sha256Value& sha256);
/// Folders, for lists; with '/' at the end.
constexpr std::string_view pods_folder = "pods/";
constexpr std::string_view packs_folder = "packs/";
std::string packs_folder_of(Day day);

enum class Part : std::uint8_t { format, head, manifest, pack, index };

/// What a listed key names. A value.
struct Place {
  Part part = Part::format;
  std::optional<PodName> pod;    // head, manifest
  std::optional<Day> day;        // pack, index
  digest::Sha256Value sha256{};  // manifest, pack, index
};
/// nullopt: nothing of a remote's.
std::optional<Place> parse_key(std::string_view key);

/// Who moves HEADs: whoever may write to the store, or one podhub alone.
struct Format {
  std::string head = "object";  // or "podhub:<id>"
  friend bool operator==(const Format&, const Format&) = default;
};
std::string write_format(const Format& format);
/// Error(corrupt); Error(incompatible) for a newer format.
Format parse_format(std::string_view text);

/// The marker of the remote, or nullopt where nothing was pushed to it yet. Error(incompatible) where it is newer, or
/// where its HEADs live elsewhere than at `door`. It never changes once it is there. One request.
std::optional<Format> find_format(objects::ObjectStore& store, const Format& door);
/// Makes it where it is not there yet. Throws as find_format. Two requests at most.
void require_format(objects::ObjectStore& store, const Format& door);

}  // namespace pod::remote
