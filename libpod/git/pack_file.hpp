// One pack of a repository: its index and the entries that lie in it.
//
//   "PACK", version 2, count       (12 bytes)
//   entries                        type and size (4 bits, then 7 a byte), for a delta where its base is, zlib stream
//   SHA-1 of everything before
// The pack is read with pread, never mapped: a file that shrinks or a disk that fails gives an error, not a signal.
#pragma once

#include "base/files.hpp"
#include "git/inflate.hpp"
#include "git/object_database.hpp"
#include "git/pack_index.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace pod::git {

/// The pack's files are no longer there: stock git packed anew meanwhile.
struct PackVanished {};

/// A pack's descriptor, open as long as somebody reads.
struct OpenPack {
  base::Fd fd;
  std::filesystem::path path;
  std::uint64_t end = 0;  // where the entries end and the trailer begins
};

enum class EntryKind : std::uint8_t { whole, offset_delta, id_delta };

struct PackEntry {
  EntryKind kind = EntryKind::whole;
  ObjectType type = ObjectType::blob;  // of a whole entry
  std::uint64_t size = 0;              // inflated: of the object, or of the delta
  std::uint64_t base_offset = 0;
  Oid base_id;
  std::uint64_t data = 0;  // where the zlib stream begins
};

/// Reads and checks the head of the entry at `offset`. Error(corrupt).
PackEntry read_entry(const OpenPack& pack, std::uint64_t offset);

/// An entry's inflated bytes in pieces, exactly as many as its head says. Error(corrupt).
class EntryStream final : public base::ByteSource {
 public:
  EntryStream(std::shared_ptr<const OpenPack> pack, const PackEntry& entry);
  std::size_t read(std::span<std::byte> buffer) override;

 private:
  bool fill();  // false at the end of the pack
  std::shared_ptr<const OpenPack> pack_;
  Inflater inflater_;
  std::uint64_t next_;  // in the file
  std::uint64_t rest_;  // still to be produced
  bool done_ = false;
  std::string buffer_;
  base::ConstBytes input_;
};

/// Safe.
class PackFile {
 public:
  explicit PackFile(std::filesystem::path index_path);

  const std::filesystem::path& index_path() const noexcept { return index_path_; }
  std::filesystem::path pack_path() const;

  /// Mapped at first use; null where it is damaged: problem() says how. Throws PackVanished.
  const PackIndex* index();
  /// The checks that read all of the index, and that it belongs to this pack. Once; false where it is not sound.
  bool sound();
  std::string problem() const;

  /// Throws PackVanished, Error(io). Closed when the last reader is done and close() was called.
  std::shared_ptr<const OpenPack> open();
  void close();

  ObjectHeader header(std::uint32_t position);
  /// The offset of the entry. Error(corrupt).
  std::uint64_t place(std::uint32_t position) { return offset_of(position); }
  /// Deltas resolved one after the other, the id not verified. Error(corrupt), Error(refused) past `limit` or where the
  /// deltas are too much work.
  Object read(std::uint32_t position, std::uint64_t limit);
  /// The whole entry's stream, or nothing where it is a delta.
  std::optional<std::pair<ObjectHeader, std::unique_ptr<base::ByteSource>>> stream(std::uint32_t position);

 private:
  std::shared_ptr<const OpenPack> open_anew() const;
  std::uint64_t offset_of(std::uint32_t position);
  std::uint64_t base_offset(const PackEntry& entry, std::uint64_t offset);

  std::filesystem::path index_path_;
  mutable std::mutex mutex_;
  std::unique_ptr<PackIndex> index_;
  std::atomic<const PackIndex*> ready_{nullptr};
  std::atomic<int> sound_{-1};
  std::string problem_;
  std::shared_ptr<const OpenPack> open_;
};

}  // namespace pod::git
