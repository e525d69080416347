// One pack for one commit, written straight into a repository.
//
// A pipeline of hash, deflate and write on all cores in bounded memory; ordinary zlib streams (ISA-L), index v2. Until
// finish() nothing but a temporary file is there; finish() makes pack, index and folder durable in that order: fsync
// pack, fsync index, rename pack, rename index, fsync folder. An object that the repository has, or that was added
// before, is not written again.
#pragma once

#include "base/stream.hpp"
#include "git/object_database.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pod::git {

struct PackResult {
  std::optional<std::filesystem::path> pack;  // none where there was nothing new
  std::uint64_t objects = 0;                  // written
  std::uint64_t bytes = 0;                    // of pack and index
};

/// One thread at a time for the caller; works on several inside.
class PackWriter {
 public:
  /// Temporary files lie in `<objects>/pack/tmp_pack_*` and `tmp_idx_*`, as stock git names them, each flocked while it
  /// is written: several writers may be at it without the store's lock, and a sweep leaves what somebody holds.
  PackWriter(std::shared_ptr<ObjectDatabase> existing, const std::filesystem::path& objects, const Context& context);
  /// Without finish(): everything is removed.
  ~PackWriter();

  /// Small objects: returns the id at once; compression and writing go on behind.
  Oid add(ObjectType type, base::ConstBytes content);
  /// As add(), for many in a row: hashed behind, too. Their ids come out of take_ids() in the order they went in.
  void add_later(ObjectType type, base::ConstBytes content);
  /// Appends the ids of add_later() that are known and were not taken yet; with `all` it waits for every one.
  void take_ids(std::vector<Oid>& out, bool all);
  /// A blob of exactly `size` bytes; Error(corrupt) where the source has fewer or more. Held in memory only below 1
  /// MiB.
  Oid add_blob(std::uint64_t size, base::ByteSource& source);
  /// Durable when it returns. Once.
  PackResult finish();
  /// What finish() gave; zeros before.
  const PackResult& result() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pod::git
