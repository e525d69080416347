// Packs on their way from a remote: into files, as far as they have come, and checked against their names.
#pragma once

#include "base/files.hpp"
#include "objects/object_store.hpp"
#include "remote/manifest.hpp"

#include <libpod/context.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace pod::remote {

/// The folder in which a store keeps what is coming, by the SHA-256 of the pack: `.pack.part`, then `.pack`; of packs
/// that are not fetched whole `.idx` and `.stretches`. One process at a time. Nothing in it is synced: what is found
/// there is checked again.
class IncomingFolder {
 public:
  /// Made where it is missing. Files that nobody has touched for a week go. Error(busy) after `wait`.
  IncomingFolder(const std::filesystem::path& folder, std::chrono::milliseconds wait, const Context& context);
  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path file_of(const PackInfo& pack) const;
  /// Whether the pack lies there whole; one that is not sound goes. Cost: reads it.
  bool has(const PackInfo& pack, const CancelToken& cancel) const;
  std::filesystem::path index_of(const PackInfo& pack) const;
  std::filesystem::path stretches_of(const PackInfo& pack) const;
  /// Whatever there is of them: what is installed needs no copy, and what was refused would be again.
  void remove(const std::vector<PackInfo>& packs) const noexcept;

 private:
  std::filesystem::path named(const PackInfo& pack, const char* extension) const;

  std::filesystem::path path_;
  base::Fd lock_;
};

struct Downloaded {
  std::vector<std::filesystem::path> files;  // in the order of the packs
  std::uint64_t received = 0;                // bytes of packs that had to be fetched
};

/// Whole packs; what an earlier try has left is gone on with. nullopt: one of them is not there (any more). Throws what
/// objects::download() throws.
std::optional<Downloaded> download_packs(objects::ObjectStore& store, const std::vector<PackInfo>& packs,
                                         const IncomingFolder& folder, unsigned connections, const Context& context);

}  // namespace pod::remote
