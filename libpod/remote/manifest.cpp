#include "remote/manifest.hpp"

#include "git/refs.hpp"
#include "json/json.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <set>

namespace pod::remote {
namespace {

constexpr std::int64_t format = 1;
constexpr std::int64_t max_generation = std::int64_t{1} << 53;
constexpr std::array<std::string_view, 3> kinds = {"whole", "skeleton", "content"};
constexpr std::string_view branches = "refs/heads/";
constexpr std::string_view tags = "refs/tags/";

[[noreturn]] void corrupt(std::string_view what, const std::string& why) {
  throw Error(ErrorCode::corrupt, std::string(what) + " is damaged: " + why);
}

bool is_nonce(std::string_view text) {
  return text.size() == 32 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

void check_numbers(std::int64_t generation, const std::string& nonce, std::string_view what) {
  if (generation < 1 || generation > max_generation) corrupt(what, "its generation is out of range");
  if (!is_nonce(nonce)) corrupt(what, "its nonce is not 32 hex digits");
}

void check(const Head& head, std::string_view what) {
  check_numbers(head.generation, head.nonce, what);
  if (head.manifest.has_value() == head.deleted.has_value()) corrupt(what, "it names not exactly one manifest");
}

void check_refs(const std::vector<ManifestRef>& refs, std::string_view what) {
  if (refs.empty()) corrupt(what, "it has no refs");
  if (refs.size() > max_refs) corrupt(what, "it has more than " + std::to_string(max_refs) + " refs");
  std::set<std::string_view> names;
  for (const ManifestRef& ref : refs) {
    if (!names.empty() && *names.rbegin() >= ref.name) corrupt(what, "the ref " + quote(ref.name) + " is out of order");
    if (ref.target.is_zero()) corrupt(what, "the ref " + quote(ref.name) + " has no target");
    try {
      git::check_ref_name(ref.name);
      if (ref.name.starts_with(branches)) (void)PodName::parse(std::string_view(ref.name).substr(branches.size()));
    } catch (const Error& error) {
      corrupt(what, error.message());
    }
    const bool first = names.empty();
    if (first != ref.name.starts_with(branches) || (!first && !ref.name.starts_with(tags)))
      corrupt(what, "the ref " + quote(ref.name) + " is neither the pod's nor a tag");
    // A name that is a folder of another could not be stored.
    for (std::size_t slash = ref.name.find('/', tags.size()); slash != std::string::npos;
         slash = ref.name.find('/', slash + 1))
      if (names.contains(std::string_view(ref.name).substr(0, slash)))
        corrupt(what, "the ref " + quote(ref.name) + " is below another");
    names.insert(ref.name);
  }
}

void check_file(const NamedFile& file, std::string_view what) {
  if (file.size == 0 || file.size > max_pack_size)
    corrupt(what, "the size of " + quote(digest::hex(file.sha256)) + " is out of range");
}

void check_packs(const std::vector<PackInfo>& packs, std::string_view what) {
  if (packs.size() > max_packs) corrupt(what, "it has more than " + std::to_string(max_packs) + " packs");
  std::set<digest::Sha256Value> names;
  for (const PackInfo& info : packs) {
    const std::string name = quote(digest::hex(info.pack.sha256));
    if (!names.insert(info.pack.sha256).second) corrupt(what, "the pack " + name + " is there twice");
    check_file(info.pack, what);
    if (info.index) check_file(*info.index, what);
    if (info.index.has_value() == (info.kind == PackKind::whole))
      corrupt(what, "the pack " + name + (info.index ? " has an index" : " has no index"));
    if (info.objects == 0) corrupt(what, "the pack " + name + " is empty");
    if (!Day::parse(info.day.str())) corrupt(what, "the day of the pack " + name + " is out of range");
  }
}

void check(const Manifest& manifest, std::string_view what) {
  check_numbers(manifest.generation, manifest.nonce, what);
  check_refs(manifest.refs, what);
  check_packs(manifest.packs, what);
}

/// What a writer is handed is its caller's mistake.
template <class Value>
void check_argument(const Value& value, std::string_view what) {
  try {
    check(value, what);
  } catch (const Error& error) {
    throw Error(ErrorCode::invalid_argument, error.message());
  }
}

json::Value json_of(const NamedFile& file) { return {{"sha256", digest::hex(file.sha256)}, {"size", file.size}}; }

json::Value json_of(const PackInfo& info) {
  json::Value value = {{"day", info.day.str()},
                       {"kind", kinds[static_cast<std::size_t>(info.kind)]},
                       {"objects", info.objects},
                       {"pack", json_of(info.pack)}};
  if (info.index) value["index"] = json_of(*info.index);
  return value;
}

digest::Sha256Value sha256_member(const json::Value& object, std::string_view name, std::string_view what) {
  const auto value = digest::parse_sha256(json::string_member(object, name, what));
  if (!value) corrupt(what, quote(name) + " is not a SHA-256 in hex");
  return *value;
}

std::optional<digest::Sha256Value> find_sha256(const json::Value& object, std::string_view name,
                                               std::string_view what) {
  if (!object.is_object() || !object.contains(name)) return std::nullopt;
  return sha256_member(object, name, what);
}

NamedFile file_member(const json::Value& object, std::string_view name, std::string_view what) {
  const json::Value& value = json::object_member(object, name, what);
  return {sha256_member(value, "sha256", what), json::size_member(value, "size", what)};
}

PackInfo pack_of(const json::Value& value, std::string_view what) {
  PackInfo info;
  info.pack = file_member(value, "pack", what);
  if (value.contains("index")) info.index = file_member(value, "index", what);
  const std::uint64_t objects = json::size_member(value, "objects", what);
  if (objects > UINT32_MAX) corrupt(what, "a pack has too many objects");
  info.objects = static_cast<std::uint32_t>(objects);
  const auto kind = std::find(kinds.begin(), kinds.end(), json::string_member(value, "kind", what));
  if (kind == kinds.end()) corrupt(what, "a pack is of no kind that there is");
  info.kind = static_cast<PackKind>(kind - kinds.begin());
  const auto day = Day::parse(json::string_member(value, "day", what));
  if (!day) corrupt(what, "\"day\" of a pack is no day");
  info.day = *day;
  return info;
}

ManifestRef ref_of(const json::Value& value, std::string_view what) {
  try {
    return {json::string_member(value, "name", what), Oid::parse(json::string_member(value, "target", what))};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_argument) throw;
    corrupt(what, error.message());
  }
}

json::Value read(std::string_view text, std::string_view what, const json::Limits& limits) {
  json::Value value = json::parse(text, what, limits);
  const std::int64_t found = json::integer_member(value, "format", what);
  if (found > format)
    throw Error(ErrorCode::incompatible, std::string(what) + " is of a newer format than this program knows")
        .hint("use a newer version of this program");
  if (found != format) corrupt(what, "there is no format " + std::to_string(found));
  return value;
}

}  // namespace

Day Day::of(std::int64_t seconds) {
  std::int64_t days = seconds / 86400;
  if (seconds % 86400 < 0) --days;
  return {static_cast<std::int32_t>(days)};
}

std::optional<Day> Day::parse(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t count) {
    int value = 0;
    for (const char c : text.substr(at, count)) value = c < '0' || c > '9' || value < 0 ? -1 : value * 10 + (c - '0');
    return value;
  };
  const int year = number(0, 4);
  const int month = number(5, 2);
  const int day = number(8, 2);
  if (year < 1970 || month < 0 || day < 0) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)});
  if (!date.ok()) return std::nullopt;
  return Day{static_cast<std::int32_t>(std::chrono::sys_days(date).time_since_epoch().count())};
}

std::string Day::str() const {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(number))};
  std::string text;
  const auto add = [&](unsigned value, std::size_t digits) {
    const std::string written = std::to_string(value);
    text.append(digits > written.size() ? digits - written.size() : 0, '0').append(written);
  };
  add(static_cast<unsigned>(static_cast<int>(date.year())), 4);
  text += '-';
  add(static_cast<unsigned>(date.month()), 2);
  text += '-';
  add(static_cast<unsigned>(date.day()), 2);
  return text;
}

std::string write_head(const Head& head) {
  check_argument(head, "HEAD");
  json::Value value = {{"format", format}, {"generation", head.generation}, {"nonce", head.nonce}};
  if (head.manifest) value["manifest"] = digest::hex(*head.manifest);
  if (head.deleted) value["deleted"] = digest::hex(*head.deleted);
  return json::canonical(value);
}

Head parse_head(std::string_view text) {
  constexpr std::string_view what = "HEAD";
  const json::Value value = read(text, what, {.bytes = head_limit, .depth = 2, .values = 16});
  Head head;
  head.generation = json::integer_member(value, "generation", what);
  head.manifest = find_sha256(value, "manifest", what);
  head.deleted = find_sha256(value, "deleted", what);
  head.nonce = json::string_member(value, "nonce", what);
  check(head, what);
  if (write_head(head) != text) corrupt(what, "it is not written as it should be");
  return head;
}

std::string write_manifest(const Manifest& manifest) {
  constexpr std::string_view what = "the manifest";
  if (manifest.packs.size() > max_packs || manifest.refs.size() > max_refs)
    throw Error(ErrorCode::refused, "a pod can have at most " + std::to_string(max_packs) + " packs and " +
                                        std::to_string(max_refs) + " refs in a remote");
  check_argument(manifest, what);
  json::Value value = {{"format", format},
                       {"generation", manifest.generation},
                       {"nonce", manifest.nonce},
                       {"packs", json::Value::array()},
                       {"refs", json::Value::array()}};
  if (manifest.previous) value["previous"] = digest::hex(*manifest.previous);
  for (const PackInfo& info : manifest.packs) value["packs"].push_back(json_of(info));
  for (const ManifestRef& ref : manifest.refs)
    value["refs"].push_back({{"name", ref.name}, {"target", ref.target.hex()}});
  std::string text = json::canonical(value);
  if (text.size() > manifest_limit) throw Error(ErrorCode::refused, "the names of a pod's tags take too much space");
  return text;
}

Manifest parse_manifest(std::string_view text) {
  constexpr std::string_view what = "the manifest";
  const json::Value value = read(text, what, {.bytes = manifest_limit, .depth = 5, .values = 4 * max_refs});
  Manifest manifest;
  manifest.generation = json::integer_member(value, "generation", what);
  manifest.nonce = json::string_member(value, "nonce", what);
  manifest.previous = find_sha256(value, "previous", what);
  for (const json::Value& ref : json::array_member(value, "refs", what)) manifest.refs.push_back(ref_of(ref, what));
  for (const json::Value& pack : json::array_member(value, "packs", what))
    manifest.packs.push_back(pack_of(pack, what));
  check(manifest, what);
  if (write_manifest(manifest) != text) corrupt(what, "it is not written as it should be");
  return manifest;
}

std::string new_nonce() { return digest::hex(digest::random_bytes(16)); }

}  // namespace pod::remote
