// One object to a file: ranges of it side by side, and gone on with after a break.
#pragma once

#include "objects/object_store.hpp"

#include <filesystem>

namespace pod::objects {

struct DownloadOptions {
  int connections = 4;
  std::uint64_t range = 8ull << 20;
  bool durable = true;  // false: the caller syncs what it keeps, or checks what it finds again
};

/// Afterwards `file` holds the object, and it is what `sha256` says. Until then its bytes are in "<file>.part"
/// and what is known of them in "<file>.part-note"; both stay after an error, and the next call asks for what is
/// missing only. Reports bytes to the context's progress, also those that were there. One process at a time for one
/// file: Error(busy). Error(not_found) where there is no such object; Error(corrupt), and nothing stays, where it is
/// another one. Keeps 256 KiB a connection in memory; an object of one range is one request.
void download(ObjectStore& store, const Key& key, std::uint64_t size, const digest::Sha256Value& sha256,
              const std::filesystem::path& file, const DownloadOptions& options = {}, const Context& context = {});

}  // namespace pod::objects
