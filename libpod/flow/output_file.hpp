// A file for the user that appears whole or not at all.
#pragma once

#include "base/files.hpp"

#include <filesystem>

namespace pod::flow {

/// Written in a private sibling folder `.NAME.podgit-*` and renamed at the end: what was there before stays until then.
/// A sibling that a killed process left is swept by the next one for the same name.
class OutputFile {
 public:
  /// Error(already_exists) where `target` is there, unless `replace`; Error(refused) where it is no regular file.
  OutputFile(const std::filesystem::path& target, bool replace);

  const std::filesystem::path& folder() const noexcept { return folder_.path(); }
  /// Where to write it.
  std::filesystem::path temporary() const { return folder_.path() / "file"; }
  /// Makes `written`, a file in folder(), durable and visible; its size.
  std::uint64_t publish(const std::filesystem::path& written);

 private:
  std::filesystem::path target_;
  bool replace_;
  base::TempFolder folder_;
};

}  // namespace pod::flow
