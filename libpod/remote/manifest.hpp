// What a remote says of a pod: HEAD, which moves, and manifests, which never change.
#pragma once

#include "digest/digest.hpp"

#include <libpod/names.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pod::remote {

/// pods/<pod>/HEAD. A value.
struct Head {
  std::int64_t generation = 0;                  // one more than that of the HEAD it replaced; the first is 1
  std::optional<digest::Sha256Value> manifest;  // nullopt: a tombstone, the pod was deleted
  std::string nonce;                            // 32 hex digits, new for every attempt
};

enum class PackKind : std::uint8_t {
  whole,     // a small push: everything in one pack
  skeleton,  // commits, trees down to files, .pod/
  content,   // chunk trees and blobs
};

struct NamedFile {
  digest::Sha256Value sha256{};
  std::uint64_t size = 0;
};

struct PackInfo {
  NamedFile pack;
  std::optional<NamedFile> index;  // none for a whole pack
  std::uint32_t objects = 0;
  PackKind kind = PackKind::whole;
};

struct ManifestRef {
  std::string name;  // refs/heads/<pod> first, then refs/tags/…
  Oid target;
};

/// pods/<pod>/manifests/<sha256>. Immutable.
struct Manifest {
  std::int64_t generation = 0;  // of the HEAD that first named it
  std::optional<digest::Sha256Value> previous;
  std::vector<ManifestRef> refs;  // by name
  std::vector<PackInfo> packs;    // in the order in which they were added; at most 64
};

/// One JSON object and a line feed; the same value gives the same bytes.
std::string write_head(const Head& head);
std::string write_manifest(const Manifest& manifest);
/// Error(corrupt) with what is wrong; Error(incompatible) for a newer format.
Head parse_head(std::string_view text);
Manifest parse_manifest(std::string_view text);

}  // namespace pod::remote
