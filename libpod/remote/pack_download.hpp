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

/// The folder in which a store keeps what is coming, `<sha256>.pack.part`, then `<sha256>.pack`; one process at a time.
class IncomingFolder {
 public:
  /// Made where it is missing. Files that nobody has touched for a week go. Error(busy) after `wait`.
  IncomingFolder(const std::filesystem::path& folder, std::chrono::milliseconds wait, const Context& context);
  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path file_of(const PackInfo& pack) const;
  /// What is installed needs no copy.
  void remove(const std::vector<PackInfo>& packs) const noexcept;

 private:
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
