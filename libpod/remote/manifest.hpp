// What a remote says of a pod: HEAD, which moves, and manifests, which never change.
//
// FORMATS.md has both byte by byte. Every attempt to move HEAD has a nonce of its own, in HEAD and in its manifest: so
// neither ever returns to earlier bytes, and a manifest's name is never used twice.
#pragma once

#include "digest/digest.hpp"

#include <libpod/names.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::remote {

constexpr std::size_t max_packs = 64;   // in a manifest
constexpr std::size_t max_refs = 4096;  // in a manifest
constexpr std::uint64_t head_limit = 4096;
constexpr std::uint64_t manifest_limit = 4ull << 20;
constexpr std::uint64_t max_pack_size = 16ull << 30;

/// A day by the store's clock, as days since 1970-01-01. A pack lies in the folder of the day on which its push began.
struct Day {
  std::int32_t number = 0;
  static Day of(std::int64_t seconds);
  /// "2026-11-26"; nullopt where it is no day of 1970 to 9999 or written in another way.
  static std::optional<Day> parse(std::string_view text);
  std::string str() const;
  /// Its first second.
  std::int64_t begin() const noexcept { return std::int64_t{number} * 86400; }
  auto operator<=>(const Day&) const = default;
};

/// pods/<pod>/HEAD. A value.
struct Head {
  std::int64_t generation = 0;                  // one more than that of the HEAD it replaced; the first is 1
  std::optional<digest::Sha256Value> manifest;  // nullopt: a tombstone, the pod was deleted
  std::optional<digest::Sha256Value> deleted;   // of a tombstone: the manifest that was in use
  std::string nonce;                            // 32 hex digits, new for every attempt
  friend bool operator==(const Head&, const Head&) = default;
};

enum class PackKind : std::uint8_t {
  whole,     // a small push: everything in one pack
  skeleton,  // commits, trees down to files, .pod/
  content,   // chunk trees and blobs
};

struct NamedFile {
  digest::Sha256Value sha256{};
  std::uint64_t size = 0;
  friend bool operator==(const NamedFile&, const NamedFile&) = default;
};

struct PackInfo {
  NamedFile pack;
  std::optional<NamedFile> index;  // none for a whole pack
  std::uint32_t objects = 0;
  PackKind kind = PackKind::whole;
  Day day;  // where it lies in the remote: set by the upload
  friend bool operator==(const PackInfo&, const PackInfo&) = default;
};

struct ManifestRef {
  std::string name;  // refs/heads/<pod> first, then refs/tags/…
  Oid target;
  friend bool operator==(const ManifestRef&, const ManifestRef&) = default;
};

/// pods/<pod>/manifests/<sha256>. Immutable.
struct Manifest {
  std::int64_t generation = 0;  // of the HEAD that names it
  std::string nonce;            // of that HEAD
  std::optional<digest::Sha256Value> previous;
  std::vector<ManifestRef> refs;  // by name
  std::vector<PackInfo> packs;    // in the order in which they were added; at most max_packs
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

/// One JSON object and a line feed; the same value gives the same bytes. Error(refused) past a bound,
/// Error(invalid_argument) for what a reader would call corrupt.
std::string write_head(const Head& head);
std::string write_manifest(const Manifest& manifest);
/// Error(corrupt) with what is wrong, also where it is not written as above; Error(incompatible) for a newer format.
Head parse_head(std::string_view text);
Manifest parse_manifest(std::string_view text);

/// 32 hex digits nobody had before.
std::string new_nonce();

}  // namespace pod::remote
