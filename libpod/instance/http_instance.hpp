// A running emulator over HTTP: the protocol of tools/pod-agent/PROTOCOL.md, as client.
#pragma once

#include "http/client.hpp"

#include <libpod/context.hpp>
#include <libpod/instance.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pod::instance {

/// One line of `.pod/capture.json`.
struct CapturedEntry {
  StatePath path;
  std::uint64_t size = 0;
  std::string sha256;    // 64 hex digits
  bool omitted = false;  // the caller has it
};

/// A capture, spooled to a file and checked: entries, sizes and digests are those that the instance named.
struct Capture {
  std::filesystem::path archive;
  SnapshotInfo info;
  std::vector<CapturedEntry> entries;  // sorted by path; without `.pod/`
  std::string digest;                  // of the state; empty where the instance does not say
  bool from_agent = false;             // false: an emulator without capture.json
};

/// One thread at a time.
class HttpInstance {
 public:
  HttpInstance(const Source& source, const Context& context);
  ~HttpInstance();

  InstanceStatus status();
  /// `have`: SHA-256 of blobs that need not be sent. Spools into `folder`. Error(corrupt): cut, or not what it claims.
  Capture capture(const std::vector<std::string>& services, const std::vector<std::string>& have,
                  const std::filesystem::path& folder);
  /// Posts an archive. Error(refused), Error(incompatible), Error(conflict) (412): the instance is unchanged;
  /// Error(outcome_unknown): the answer was lost. A service that could not be loaded is in the outcomes.
  std::vector<ServiceOutcome> inject(const std::filesystem::path& archive, Strategy strategy, bool force,
                                     const std::string& version_name, const std::optional<std::string>& if_digest);
  void reset(const std::vector<std::string>& services);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pod::instance
