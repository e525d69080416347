// What can be taken out of a pack that is damaged.

#include "git/object_check.hpp"
#include "git/pack_index.hpp"
#include "git/pack_scan.hpp"
#include "git/pack_writer.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>

namespace pod::git {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t large = 1 << 20;  // streamed from here on

/// Where objects may lie, and the id that each shall have where the index says one.
std::map<std::uint64_t, std::optional<Oid>> places_of(const OpenPack& pack, const fs::path& path,
                                                      const Context& context) {
  std::map<std::uint64_t, std::optional<Oid>> places;
  try {
    const auto index = PackIndex::open(fs::path(path).replace_extension(".idx"));
    index->verify();
    for (std::uint32_t i = 0; i < index->count(); ++i)
      if (const auto offset = index->offset(i)) places.emplace(*offset, index->id(i));
    if (!places.empty()) return places;
  } catch (const Error&) {
    // Then the entries speak for themselves.
  }
  for (const ScannedEntry& entry : scan_entries(pack, ScanKind::salvage, context))
    places.emplace(entry.offset, std::nullopt);
  return places;
}

}  // namespace

std::uint64_t salvage_pack(const fs::path& path, PackWriter& into, const Context& context) {
  std::shared_ptr<OpenPack> pack;
  try {
    pack = open_pack(path);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::not_found) throw;
    return 0;
  }
  pack->end += Oid::size;  // a pack that was cut has an entry where the trailer would be
  auto places = places_of(*pack, path, context);
  std::unordered_map<Oid, std::uint64_t> known;
  for (const auto& [offset, id] : places)
    if (id) known.emplace(*id, offset);
  EntryReader reader(pack, [&](const Oid& id) -> std::optional<std::uint64_t> {
    const auto place = known.find(id);
    return place == known.end() ? std::nullopt : std::optional(place->second);
  });
  std::uint64_t count = 0;
  std::optional<bool> bad_block;  // asked once
  // A delta by id may have its base behind it, so what failed is tried again once more became known.
  for (bool found = true; found && !places.empty();) {
    found = false;
    for (auto place = places.begin(); place != places.end();) {
      context.cancel->check();
      const auto [offset, expected] = *place;
      std::optional<Oid> id;
      std::shared_ptr<const Object> object;
      std::unique_ptr<EntryStream> stream;
      ObjectHeader header;
      try {
        std::tie(id, header) = reader.identify(offset);
        const PackEntry entry = read_entry(*pack, offset);
        if (entry.kind == EntryKind::whole && header.size >= large && header.type == ObjectType::blob)
          stream = std::make_unique<EntryStream>(pack, entry);
        else
          object = reader.read(offset);
      } catch (const Error& error) {
        // Damaged, or on a bad block of the disk; what cannot be read for another reason is not lost.
        if (error.code() == ErrorCode::cancelled) throw;
        if (error.code() == ErrorCode::io && !bad_block) bad_block = has_bad_block(path);
        if (error.code() == ErrorCode::io && !*bad_block) throw;
        ++place;
        continue;
      }
      place = places.erase(place);
      if (expected && *expected != *id) continue;
      if (stream)
        into.add_blob(header.size, *stream);
      else
        into.add(object->type, base::bytes_of(object->content));
      known.emplace(*id, offset);
      ++count;
      found = true;
    }
    // By an index every base was known from the start.
    if (std::all_of(places.begin(), places.end(), [](const auto& place) { return place.second.has_value(); })) break;
  }
  return count;
}

}  // namespace pod::git
