// A pack for elsewhere, written front to back: how many entries it will have is known before, and what it is called by
// (the SHA-256 of its bytes) is computed on the way.
//
// Nothing is made durable: a pack that is cut by a crash is written again, byte for byte the same.
#pragma once

#include "base/files.hpp"
#include "digest/digest.hpp"
#include "git/pack_index.hpp"

#include <libpod/context.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace pod::git {

/// A file and what it is called by.
struct DigestedFile {
  std::filesystem::path path;
  digest::Sha256Value sha256{};
  std::uint64_t size = 0;
};

/// One thread at a time; hashes on another one.
class DigestedPack {
 public:
  /// `folder` is the caller's: files lie there under temporary names, then as `<sha256>.pack` and `<sha256>.idx`.
  DigestedPack(const std::filesystem::path& folder, std::uint32_t count, const Context& context);
  /// Without finish(): the file is removed.
  ~DigestedPack();

  std::uint64_t position() const noexcept;
  void append(std::string_view bytes);
  /// The entry of `id`, which begins at `offset` and ends here.
  void add_entry(const Oid& id, std::uint32_t crc, std::uint64_t offset);

  struct Written {
    DigestedFile pack;
    std::optional<DigestedFile> index;
  };
  /// Once, after as many entries as were promised.
  Written finish(bool with_index);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pod::git
