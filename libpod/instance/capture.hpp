// A spooled archive, held against what it says of itself.
#pragma once

#include "instance/http_instance.hpp"

#include <libpod/context.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace pod::instance {

/// Reads the archive once from end to end and fills in everything but `archive`. With `.pod/capture.json`
/// (`from_agent`) every entry is there with its size and SHA-256, or is omitted and in `have`; nothing else is there;
/// the digest of the state is that of the entries; every service is in one list, and files belong to captured ones.
/// Without it, entries and digests are those found, and `info` is what the archive says elsewhere. Error(corrupt),
/// Error(refused), Error(incompatible) (a newer format).
Capture check_archive(const std::filesystem::path& archive, const std::vector<std::string>& have,
                      const Context& context);

}  // namespace pod::instance
