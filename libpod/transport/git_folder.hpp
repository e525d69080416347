// A git repository that need not be a store: where its objects and refs lie, and a folder `pod` of our own in it.
#pragma once

#include "base/files.hpp"
#include "git/object_database.hpp"

#include <libpod/names.hpp>

#include <filesystem>
#include <memory>
#include <vector>

namespace pod::transport {

/// One thread at a time.
class GitFolder {
 public:
  /// `folder`: $GIT_DIR, also of one of several worktrees; empty: no repository, and nothing but path() may be asked.
  /// Nothing is written yet. Error(not_found).
  explicit GitFolder(const std::filesystem::path& folder);

  /// What all worktrees share.
  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path objects_folder() const { return path_ / "objects"; }
  std::filesystem::path spool() const { return path_ / "pod" / "tmp"; }
  std::filesystem::path incoming() const { return path_ / "pod" / "incoming"; }
  git::ObjectDatabase& objects() const { return *shared_objects(); }
  const std::shared_ptr<git::ObjectDatabase>& shared_objects() const;

  /// Before it is read or written: Error(unsupported) for one whose history is not all in its own folder; Error(busy)
  /// where a gc of a store is at it. Makes `pod`, and keeps objects from that gc as long as this lives.
  void prepare();
  /// What refs and HEAD name; those that cannot be read are left out.
  std::vector<Oid> tips() const;

 private:
  std::filesystem::path path_;
  std::shared_ptr<git::ObjectDatabase> objects_;
  base::Fd hold_;
};

}  // namespace pod::transport
