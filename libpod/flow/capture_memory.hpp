// What a store remembers of the state files that instances sent: one that comes again, byte for byte, is not read
// again.
//
// A sidecar, `pod/captures`: lost, damaged, of another libpod or copied from another store, files are read. What it
// says of a file is this store's own reading of it. Whether the objects that it names are still there is the caller's
// question.
#pragma once

#include <libpod/names.hpp>
#include <libpod/resources.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pod::flow {

using CaptureKey = std::array<std::uint8_t, 32>;
/// Of a file that came for `path`; `sha256`: of its bytes, as hex digits.
CaptureKey capture_key(const StatePath& path, std::string_view sha256);

struct KnownCapture {
  CaptureKey key{};
  Oid id;                   // of what was stored in its place
  unsigned mode = 0100644;  // of the entry in the tree
  Oid model;                // of its file below `.pod/metamodel`
  std::uint64_t size = 0;   // of what was stored
  std::uint64_t resources = 0;
  std::array<std::uint8_t, 32> digest{};  // the canonical one
  Verdict verdict = Verdict::accept;
  friend bool operator==(const KnownCapture&, const KnownCapture&) = default;
};

/// One thread at a time changes it; questions may come from several.
class CaptureMemory {
 public:
  /// Newer ones push out older ones.
  static constexpr std::size_t most = 8192;

  /// `folder`: a store's `pod`. `maker`: whose readings these are; another one's are not taken.
  CaptureMemory(std::filesystem::path folder, std::string maker);

  const KnownCapture* find(const CaptureKey& key) const;
  /// The canonical digest, 64 hex digits, of a state file that this store wrote; empty where that is not known.
  std::string digest_of(const Oid& id) const;
  /// Whether this store read a file of that id, and wrote that model of it.
  bool made(const Oid& id, const Oid& model) const;
  /// Adds what was read, once its objects are durable, and replaces the file. Never throws: the next one reads.
  void save(const std::vector<KnownCapture>& newer) const noexcept;

 private:
  void load();

  std::filesystem::path file_;
  std::string head_;  // of the file: format, maker, which store
  std::vector<KnownCapture> known_;
  struct KeyHash {
    std::size_t operator()(const CaptureKey& key) const noexcept;
  };
  std::unordered_map<CaptureKey, std::size_t, KeyHash> by_key_;
};

}  // namespace pod::flow
