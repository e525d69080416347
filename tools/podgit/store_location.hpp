// Which store a command works on, and why that one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace podgit {

struct StoreLocation {
  enum class Reason { flag, variable, found_upwards, user_default };
  std::filesystem::path path;
  Reason reason = Reason::user_default;
  /// Nobody named it, so that its absence is no mistake.
  bool is_default() const { return reason == Reason::user_default; }
  /// "--store", "$PODGIT_DIR", "found above the current folder", "the user's default store".
  std::string why() const;
};

/// `flag`, else $PODGIT_DIR, else the nearest `.podgit` upwards, else $XDG_DATA_HOME/podgit. Throws pod::Error(denied)
/// where a `.podgit` on the way up belongs to another user: its settings would count as one's own.
StoreLocation locate_store(const std::optional<std::string>& flag);

}  // namespace podgit
