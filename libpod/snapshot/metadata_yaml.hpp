// `metadata.yaml` of an archive: LocalStack's words on what it holds.
#pragma once

#include <libpod/snapshot.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pod::snapshot {

inline constexpr std::uint64_t metadata_limit = 64 * 1024;

/// nullopt for what cannot be read: too large, bad syntax, aliases, too deep, no `services`. It is a claim: services
/// are kept only where they look like names.
std::optional<SnapshotInfo> parse_metadata(std::string_view bytes);

/// The file that an export makes where a version has none. It starts with a line that says so.
std::string make_metadata(const SnapshotInfo& info, std::string_view name, std::uint64_t size);
/// Whether an export of ours made it, so that an import leaves it out.
bool is_made_metadata(std::string_view bytes);

}  // namespace pod::snapshot
