#include "store_location.hpp"

#include "environment.hpp"

#include <libpod/error.hpp>

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

namespace podgit {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> find_upwards() {
  std::error_code error;
  fs::path folder = fs::current_path(error);
  if (error) return std::nullopt;
  while (true) {
    const fs::path candidate = folder / ".podgit";
    struct stat info {};
    if (stat(candidate.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
      if (info.st_uid != geteuid())
        throw pod::Error(pod::ErrorCode::denied,
                         fmt::format("the store {} belongs to another user", pod::quote(candidate.native())))
            .because("a store in a parent folder is only used when it is your own")
            .hint(fmt::format("name the store you mean: podgit --store DIR, or set PODGIT_DIR"));
      return candidate;
    }
    if (folder == folder.parent_path()) return std::nullopt;
    folder = folder.parent_path();
  }
}

}  // namespace

std::string StoreLocation::why() const {
  switch (reason) {
    case Reason::flag: return "--store";
    case Reason::variable: return "$PODGIT_DIR";
    case Reason::found_upwards: return "found above the current folder";
    case Reason::user_default: break;
  }
  return "the user's default store";
}

StoreLocation locate_store(const std::optional<std::string>& flag) {
  using Reason = StoreLocation::Reason;
  if (flag) return {fs::absolute(*flag), Reason::flag};
  if (const auto folder = environment("PODGIT_DIR")) return {fs::absolute(*folder), Reason::variable};
  if (auto folder = find_upwards()) return {std::move(*folder), Reason::found_upwards};
  return {data_home() / "podgit", Reason::user_default};
}

}  // namespace podgit
