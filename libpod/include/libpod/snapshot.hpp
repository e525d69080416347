// What a version holds: an immutable set of state files, and what wrote them.
//
//   pod::Snapshot snapshot = store.snapshot(store.resolve(pod::PodRef::parse("shop:3")));
//   for (const pod::FileEntry& file : snapshot.files()) std::cout << file.path.str() << ' ' << file.size << '\n';
//   snapshot.read(path, [](std::span<const std::byte> piece) { … });
//
// Thread word: Snapshot is immutable and safe; it keeps its store's object database alive.
#pragma once

#include <libpod/error.hpp>
#include <libpod/names.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pod {

/// One state file or asset. `mode` holds the permission bits (0644 unless the tree says otherwise). `id` is that of a
/// blob, or of a tree of chunks where the file is large: equal ids mean equal contents.
struct FileEntry {
  StatePath path;
  std::uint64_t size = 0;
  Oid id;
  unsigned mode = 0644;
  bool chunked = false;
};

/// What an emulator calls itself; empty where a version does not say.
struct Emulator {
  std::string name;
  std::string version;
  std::string python;
  friend bool operator==(const Emulator&, const Emulator&) = default;
};

struct ServiceFailure {
  std::string service;
  std::string reason;
  friend bool operator==(const ServiceFailure&, const ServiceFailure&) = default;
};

/// `.pod/info.json`. A service that is in none of the lists is unknown, not absent.
struct SnapshotInfo {
  int format = 1;
  Emulator emulator;
  std::vector<std::string> captured;
  std::vector<std::string> empty;
  std::vector<ServiceFailure> failed;
  friend bool operator==(const SnapshotInfo&, const SnapshotInfo&) = default;
};

namespace snapshot {
class TreeView;
}

class POD_API Snapshot {
 public:
  explicit Snapshot(std::shared_ptr<const snapshot::TreeView> view);

  Oid tree() const noexcept;
  /// Throws Error(corrupt) where `.pod/info.json` is there but cannot be read; a default one where it is missing.
  SnapshotInfo info() const;
  /// Every file but `.pod/`, sorted by path. Cost: one header look-up a file.
  std::vector<FileEntry> files() const;
  std::optional<FileEntry> find(const StatePath& path) const;
  /// Streams a file in pieces; nothing is held whole. Throws Error(not_found), Error(corrupt).
  void read(const StatePath& path, const std::function<void(std::span<const std::byte>)>& sink) const;
  /// A file in memory; Error(refused) past `limit` bytes.
  std::string read(const StatePath& path, std::uint64_t limit = 64ull << 20) const;
  /// Services that have files, sorted; from `info()` where it lists any.
  std::vector<std::string> services() const;

  const snapshot::TreeView& view() const noexcept { return *view_; }

 private:
  std::shared_ptr<const snapshot::TreeView> view_;
};

struct FileChange {
  enum class Kind { added, removed, changed };
  StatePath path;
  Kind kind = Kind::changed;
  std::uint64_t old_size = 0;  // 0 where added
  std::uint64_t new_size = 0;  // 0 where removed
};

/// Files that differ, sorted by path. Cost: only trees that differ are read.
POD_API std::vector<FileChange> diff(const Snapshot& from, const Snapshot& to);
/// The service that a path belongs to, or "" (`api_states/A/SERVICE/…`, `assets/SERVICE/…`).
POD_API std::string_view service_of(const StatePath& path);

}  // namespace pod
