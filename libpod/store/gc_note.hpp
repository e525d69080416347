// What the last gc left, so that the next one sees whether there is something to do: a sidecar that can be rebuilt.
//
//   pod/gc
//   {"check":"<sha256>","format":1,"history":"pack-<sha>","oldest":0,"packs":"<sha256>","refs":"<sha256>"}
//     history    the pack that holds the history, its objects compared with one another already; "" for none
//     packs      SHA-256 of the names and sizes of all files in objects/pack
//     refs       SHA-256 of all refs with their targets, of HEAD and of the reflogs
//     oldest     when the oldest object that nothing refers to was written, in seconds since 1970; 0: there is none
#pragma once

#include "git/repository.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace pod::store {

struct GcNote {
  std::string history;
  std::string packs;
  std::string refs;
  std::int64_t oldest = 0;
};

/// nullopt for none, and for whatever save_gc_note() does not write.
std::optional<GcNote> load_gc_note(const std::filesystem::path& store);
/// Replaces it; not synced. Never throws: the next gc looks itself.
void save_gc_note(const std::filesystem::path& store, const GcNote& note) noexcept;

std::string digest_of_packs(const std::filesystem::path& objects);
std::string digest_of_refs(const git::Repository& repository);

}  // namespace pod::store
