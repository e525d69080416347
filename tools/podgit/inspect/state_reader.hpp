// What the browser asks of the world around it. podgit answers from a store; a test answers from memory.
#pragma once

#include "content.hpp"

#include <libpod/resources.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace podgit::inspect {

struct VersionLine {
  std::string name;  // "shop:3"
  std::string time;
  std::string subject;
};

/// Whatever it throws is shown to the user, but for Error(cancelled).
class StateReader {
 public:
  virtual ~StateReader() = default;
  /// Newest first; empty where what is shown is no version of a pod.
  virtual std::vector<VersionLine> versions() = 0;
  virtual Content open(const std::string& version) = 0;
  /// From `version` to `now`.
  virtual Content compare(const std::string& version, const Content& now) = 0;
  /// Of the file as it is in `now`, or where `now` is a difference, in the newer side.
  virtual std::vector<pod::Field> fields(const pod::StatePath& file, std::string_view path, std::size_t first,
                                         std::size_t limit) = 0;
  /// Writes `items` as JSON into a new file; Error(already_exists) where there is one. Returns what to say of it.
  virtual std::string save(const std::string& file, const std::vector<const Item*>& items) = 0;
};

}  // namespace podgit::inspect
