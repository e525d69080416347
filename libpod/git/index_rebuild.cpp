#include "git/index_rebuild.hpp"

#include "git/pack_index.hpp"
#include "git/pack_scan.hpp"

#include <libpod/error.hpp>

#include <unordered_map>

namespace pod::git {
namespace {

/// The ids of deltas: those by offset have their base before them, those by id may have it anywhere, so they are tried
/// again as long as that finds new ones. False where some have no base.
bool identify_deltas(const std::shared_ptr<OpenPack>& pack, std::vector<ScannedEntry>& entries,
                     const Context& context) {
  std::unordered_map<Oid, std::uint64_t> known;
  for (const ScannedEntry& entry : entries)
    if (entry.id) known.emplace(*entry.id, entry.offset);
  EntryReader reader(pack, [&](const Oid& id) -> std::optional<std::uint64_t> {
    const auto place = known.find(id);
    return place == known.end() ? std::nullopt : std::optional(place->second);
  });
  for (bool missing = true, found = true; missing && found;) {
    missing = found = false;
    for (ScannedEntry& entry : entries) {
      if (entry.id) continue;
      context.cancel->check();
      try {
        entry.id = reader.identify(entry.offset).first;
        known.emplace(*entry.id, entry.offset);
        found = true;
      } catch (const Error& error) {
        if (error.code() != ErrorCode::corrupt) throw;
        missing = true;
      }
    }
    if (missing && !found) return false;
  }
  return true;
}

}  // namespace

bool rebuild_index(const std::filesystem::path& path, const Context& context) {
  try {
    const std::shared_ptr<OpenPack> pack = open_pack(path);
    const auto count = entry_count(*pack);
    const auto checksum = checked_trailer(*pack, context);
    if (!count || !checksum) return false;
    std::vector<ScannedEntry> scanned = scan_entries(*pack, ScanKind::strict, context);
    const bool complete = scanned.size() == *count && !scanned.empty() && scanned.back().end == pack->end;
    if (!complete || !identify_deltas(pack, scanned, context)) return false;
    std::vector<IndexEntry> entries;
    entries.reserve(scanned.size());
    for (const ScannedEntry& entry : scanned) entries.push_back({*entry.id, entry.crc, entry.offset});
    base::write_file_atomically(std::filesystem::path(path).replace_extension(".idx"), encode_index(entries, *checksum),
                                0444);
    return true;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::corrupt || error.code() == ErrorCode::refused) return false;
    throw;
  }
}

}  // namespace pod::git
