// The wall around libgit2: a bare repository with its refs, commits and configuration.
//
// All of libgit2 stays in this room; its errors become pod::Error with its own words as the cause.
#pragma once

#include "git/object_database.hpp"

#include <libpod/context.hpp>
#include <libpod/names.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pod::git {

struct Signature {
  std::string name;
  std::string email;
  Time time;
};

struct Commit {
  Oid id;
  Oid tree;
  std::vector<Oid> parents;
  Signature author;
  Signature committer;
  std::string message;
  bool cut = false;  // read_commit(): its parents are not here
};

/// Canonical bytes of a commit object; control bytes, '<', '>' and outer blanks are dropped from names, "unknown"
/// stands for an empty one, "\r" and NUL are dropped from the message, which ends in one "\n".
std::string encode_commit(const Commit& commit);
/// Error(corrupt) where the bytes are no commit.
Commit parse_commit(const Oid& id, std::string_view bytes);
/// As it counts in this repository: where the history is cut off behind it, without its parents. Throws as
/// ObjectDatabase::read().
Commit read_commit(ObjectDatabase& objects, const Oid& id);

struct TreeEntry {
  std::string name;
  unsigned mode = 0100644;  // 0100644, 0100755, 040000; others are read but never written
  Oid id;
  bool is_tree() const noexcept { return mode == 040000; }
};
/// Bytes of a tree in git's order (folders compare as if they ended in '/'). Error(internal) on duplicate or bad names.
std::string encode_tree(std::vector<TreeEntry> entries);
/// Error(corrupt): cut, bad mode, bad or duplicate name, wrong order.
std::vector<TreeEntry> parse_tree(const Oid& id, std::string_view bytes);

struct Ref {
  std::string name;
  Oid target;
};
enum class RefUpdate { updated, stale };

/// One thread at a time.
class Repository {
 public:
  /// A bare repository with the settings a store needs (no automatic gc, fsync of refs, no renormalising, big files
  /// never as deltas), no template, no hooks. `folder` must be empty or missing.
  static Repository init(const std::filesystem::path& folder);
  /// Only this folder, never its parents; no global or system configuration is read. Error(not_found), Error(corrupt).
  static Repository open(const std::filesystem::path& folder);
  Repository(Repository&&) noexcept;
  Repository& operator=(Repository&&) noexcept;
  ~Repository();

  const std::filesystem::path& path() const noexcept;
  std::filesystem::path objects_folder() const { return path() / "objects"; }
  const std::shared_ptr<ObjectDatabase>& objects() const noexcept;

  Commit commit(const Oid& id) const;
  std::optional<Oid> find_ref(std::string_view name) const;
  /// Sorted by name; a ref whose file says nothing is given to `broken` (its name), or throws Error(corrupt) without.
  std::vector<Ref> refs(std::string_view prefix, const std::function<void(std::string)>& broken = {}) const;
  /// Compare-and-swap, durable: `expected` zero means it must not exist; `target` zero deletes. Waits for nobody:
  /// the caller holds the store's lock, so a left-over *.lock of this ref is removed.
  RefUpdate update_ref(std::string_view name, const Oid& expected, const Oid& target, std::string_view log_message);
  /// Writes a ref whatever its file holds (empty, cut), durably; for repair.
  void restore_ref(std::string_view name, const Oid& target);
  /// The lines of packed-refs that name no ref (with one of them no ref can be read), or that stock git trips over.
  std::vector<std::string> packed_refs_problems() const;
  void drop_bad_packed_refs();
  void set_head(std::string_view branch);
  std::optional<std::string> head() const;  // the branch HEAD points to, "refs/heads/…"
  /// What git's revision syntax says, peeled to a commit; nullopt where nothing matches.
  std::optional<Oid> find_revision(std::string_view text) const;
  bool is_ancestor(const Oid& ancestor, const Oid& of) const;

  std::optional<std::string> config(std::string_view key) const;
  std::vector<std::pair<std::string, std::string>> config_entries() const;
  /// nullopt removes.
  void set_config(std::string_view key, std::optional<std::string_view> value);

 private:
  struct Impl;
  explicit Repository(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The configuration that init() writes, as a file and as entries.
std::string_view first_config() noexcept;
std::vector<std::pair<std::string, std::string>> first_settings();

/// A configuration file in git's syntax outside any repository (the user's). Error(corrupt) with the line.
std::vector<std::pair<std::string, std::string>> read_config_file(const std::filesystem::path& file);
void write_config_file(const std::filesystem::path& file, std::string_view key, std::optional<std::string_view> value);

}  // namespace pod::git
