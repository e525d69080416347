#include "remote/layout.hpp"

#include "json/json.hpp"

#include <libpod/error.hpp>

#include <algorithm>

namespace pod::remote {
namespace {

using objects::Key;

constexpr std::int64_t layout_format = 1;
constexpr std::uint64_t format_limit = 4096;
constexpr std::string_view what = "format.json";

bool is_door(std::string_view head) {
  if (head == "object") return true;
  constexpr std::string_view podhub = "podhub:";
  if (!head.starts_with(podhub) || head.size() == podhub.size() || head.size() > 128) return false;
  return std::all_of(head.begin() + podhub.size(), head.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
  });
}

Key packed_key(Day day, const digest::Sha256Value& sha256, std::string_view end) {
  std::string text = packs_folder_of(day);
  text += digest::hex(sha256);
  text += end;
  return Key::parse(text);
}

std::optional<PodName> find_pod(std::string_view text) {
  try {
    return PodName::parse(text);
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::optional<Place> place_of_pack(std::string_view rest) {
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  Place place;
  place.day = Day::parse(rest.substr(0, slash));
  std::string_view name = rest.substr(slash + 1);
  if (name.ends_with(".pack")) {
    place.part = Part::pack;
    name.remove_suffix(5);
  } else if (name.ends_with(".idx")) {
    place.part = Part::index;
    name.remove_suffix(4);
  } else {
    return std::nullopt;
  }
  const auto sha256 = digest::parse_sha256(name);
  if (!place.day || !sha256) return std::nullopt;
  place.sha256 = *sha256;
  return place;
}

std::optional<Place> place_of_pod(std::string_view rest) {
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  Place place;
  place.pod = find_pod(rest.substr(0, slash));
  if (!place.pod) return std::nullopt;
  rest.remove_prefix(slash + 1);
  if (rest == "HEAD") {
    place.part = Part::head;
    return place;
  }
  constexpr std::string_view manifests = "manifests/";
  if (!rest.starts_with(manifests)) return std::nullopt;
  const auto sha256 = digest::parse_sha256(rest.substr(manifests.size()));
  if (!sha256) return std::nullopt;
  place.part = Part::manifest;
  place.sha256 = *sha256;
  return place;
}

void check_door(const Format& found, const Format& door) {
  if (found == door) return;
  Error error(ErrorCode::incompatible, "this remote is served by another door");
  error.because("its format.json says that HEADs live at " + quote(found.head) + ", not at " + quote(door.head));
  if (found.head != "object") error.hint("use the URL of its server (pod+https://…)");
  throw error;
}

}  // namespace

Key format_key() { return Key::parse("format.json"); }
Key head_key(const PodName& pod) { return Key::parse("pods/" + pod.str() + "/HEAD"); }
Key manifest_key(const PodName& pod, const digest::Sha256Value& sha256) {
  return Key::parse("pods/" + pod.str() + "/manifests/" + digest::hex(sha256));
}
Key pack_key(Day day, const digest::Sha256Value& sha256) { return packed_key(day, sha256, ".pack"); }
Key index_key(Day day, const digest::Sha256Value& sha256) { return packed_key(day, sha256, ".idx"); }
std::string packs_folder_of(Day day) { return std::string(packs_folder) + day.str() + '/'; }

std::optional<Place> parse_key(std::string_view key) {
  if (key == what) return Place{};
  if (key.starts_with(pods_folder)) return place_of_pod(key.substr(pods_folder.size()));
  if (key.starts_with(packs_folder)) return place_of_pack(key.substr(packs_folder.size()));
  return std::nullopt;
}

std::string write_format(const Format& format) {
  if (!is_door(format.head)) throw Error(ErrorCode::invalid_argument, "no such door: " + quote(format.head));
  return json::canonical({{"format", layout_format}, {"head", format.head}});
}

Format parse_format(std::string_view text) {
  const json::Value value = json::parse(text, what, {.bytes = format_limit, .depth = 2, .values = 16});
  if (json::integer_member(value, "format", what) > layout_format)
    throw Error(ErrorCode::incompatible, "the remote has a newer layout than this program knows")
        .hint("use a newer version of this program");
  Format format{json::string_member(value, "head", what)};
  if (!is_door(format.head)) throw Error(ErrorCode::corrupt, "\"format.json\" names no door that there is");
  if (write_format(format) != text) throw Error(ErrorCode::corrupt, "\"format.json\" is not written as it should be");
  return format;
}

std::optional<Format> find_format(objects::ObjectStore& store, const Format& door) {
  const auto found = objects::read_object(store, format_key(), format_limit);
  if (!found) return std::nullopt;
  Format format = parse_format(found->first);
  check_door(format, door);
  return format;
}

void require_format(objects::ObjectStore& store, const Format& door) {
  if (store.put_if_absent(format_key(), objects::Content::of(write_format(door))) == objects::Creation::created) return;
  if (!find_format(store, door)) throw Error(ErrorCode::corrupt, "\"format.json\" of the remote cannot be read");
}

}  // namespace pod::remote
