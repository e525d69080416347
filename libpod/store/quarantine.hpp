// pod/quarantine: where damaged files go, so that a repair deletes nothing. Nobody reads it; its owner may remove it.
#pragma once

#include <filesystem>

namespace pod::store {

/// Durable when a call returns. Needs the writer lock.
class Quarantine {
 public:
  explicit Quarantine(const std::filesystem::path& store) : folder_(store / "pod" / "quarantine") {}

  /// Made now.
  const std::filesystem::path& folder() const;
  /// The file's bytes under its name, with a number behind it where another file has that name. False where there is no
  /// such file.
  bool copy(const std::filesystem::path& file) const;
  /// A second name for the file, where the file system can; else nothing.
  void link(const std::filesystem::path& file) const;
  /// The file itself. False where there is none.
  bool move(const std::filesystem::path& file) const;

 private:
  /// A name that is free, or that of the same file.
  std::filesystem::path place_of(const std::filesystem::path& file) const;
  std::filesystem::path folder_;
};

}  // namespace pod::store
