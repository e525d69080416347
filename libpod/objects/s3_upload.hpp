// A large content, sent in parts: several at once, and gone on with after a break.
#pragma once

#include "objects/object_store.hpp"
#include "objects/s3_wire.hpp"

#include <filesystem>

namespace pod::objects {

struct UploadOptions {
  std::filesystem::path notes;  // folder; empty: none
  std::uint64_t part_size = 16ull << 20;
  int connections = 4;
};

enum class Completion : std::uint8_t { created, exists, unclear };

/// `key`: in the bucket. At most 10,000 parts: they grow with the content. Keeps one buffer a connection in memory.
/// `unclear`: the answer to the completion was lost, and what lies there has to tell.
Completion upload_in_parts(S3Wire& wire, const std::string& key, const Content& content, const UploadOptions& options);

}  // namespace pod::objects
