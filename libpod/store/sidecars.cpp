#include "store/sidecars.hpp"

#include "git/object_check.hpp"
#include "store/gc_note.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <functional>
#include <system_error>

namespace pod::store {
namespace {

namespace fs = std::filesystem;

/// Regular files in `folder` that `is_one` and that do not end in their checksum.
void look(const fs::path& root, const fs::path& folder, const std::function<bool(const fs::path&)>& is_one,
          std::vector<std::string>& damaged) {
  std::error_code error;
  for (fs::directory_iterator entry(root / folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (!entry->is_regular_file(ignored) || !is_one(entry->path())) continue;
    if (!git::ends_in_its_checksum(entry->path())) damaged.push_back((folder / entry->path().filename()).native());
  }
}

}  // namespace

std::vector<std::string> damaged_sidecars(const fs::path& store) {
  std::vector<std::string> damaged;
  const auto any = [](const fs::path&) { return true; };
  look(store, "pod/stat", any, damaged);
  look(store, "pod/numbers", any, damaged);
  look(
      store, "pod", [](const fs::path& path) { return path.filename() == "captures"; }, damaged);
  std::error_code error;
  if (fs::exists(store / "pod" / "gc", error) && !load_gc_note(store)) damaged.emplace_back("pod/gc");
  std::sort(damaged.begin(), damaged.end());
  return damaged;
}

std::vector<std::string> damaged_side_files(const fs::path& objects) {
  std::vector<std::string> damaged;
  look(
      objects, "pack",
      [](const fs::path& path) {
        return path.extension() == ".rev" || path.extension() == ".bitmap" || path.extension() == ".mtimes" ||
               path.filename() == "multi-pack-index";
      },
      damaged);
  look(
      objects, "info", [](const fs::path& path) { return path.filename() == "commit-graph"; }, damaged);
  look(
      objects, "info/commit-graphs", [](const fs::path& path) { return path.extension() == ".graph"; }, damaged);
  std::sort(damaged.begin(), damaged.end());
  return damaged;
}

}  // namespace pod::store
