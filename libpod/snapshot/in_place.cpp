#include "snapshot/in_place.hpp"

#include <libpod/error.hpp>

#include "snapshot/beneath.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

namespace pod::snapshot {
namespace {

namespace fs = std::filesystem;

constexpr const char* fresh = "new";
constexpr const char* replaced = "old";
constexpr const char* mark = "placing";

using Names = std::vector<std::string>;

Names names_in(int folder, const fs::path& shown) {
  const auto close = [](DIR* open) { ::closedir(open); };
  base::Fd fd = open_in(folder, ".", O_RDONLY | O_DIRECTORY);
  const std::unique_ptr<DIR, decltype(close)> open(fd ? ::fdopendir(fd.get()) : nullptr, close);
  if (!open) base::throw_errno(errno, "read", shown);
  fd.release();
  Names names;
  errno = 0;
  for (const dirent* entry = ::readdir(open.get()); entry != nullptr; entry = ::readdir(open.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) base::throw_errno(errno, "read", shown);
  return names;
}

bool is_there(int folder, const char* name, const fs::path& shown) {
  struct stat status {};
  if (::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno != ENOENT) base::throw_errno(errno, "read", shown);
  return false;
}

/// Durably; in the place of an empty folder or of nothing.
void move(const Names& names, int from, int to, const fs::path& shown) {
  for (const std::string& name : names) {
    struct stat there {};
    if (::fstatat(to, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(there.st_mode))
      errno = EEXIST;
    else if (::renameat(from, name.c_str(), to, name.c_str()) == 0)
      continue;
    if (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR || errno == EISDIR)
      throw Error(ErrorCode::conflict, quote((shown / name).native()) + " is in the way")
          .because("it was made while a checkout into the folder was under way")
          .hint("move it elsewhere and run the command again");
    base::throw_errno(errno, "replace", shown / name);
  }
  base::sync_file(to, shown);
  base::sync_file(from, shown);
}

base::Fd folder_in(int work, const char* name, const fs::path& shown) {
  base::Fd fd = open_in(work, name, O_RDONLY | O_DIRECTORY);
  if (!fd) base::throw_errno(errno, "read", shown);
  return fd;
}

void move_all(int from, int to, const fs::path& shown) { move(names_in(from, shown), from, to, shown); }

void settle(int target, const fs::path& work_path, const fs::path& shown) {
  const base::Fd work = open_in(AT_FDCWD, work_path.c_str(), O_RDONLY | O_DIRECTORY);
  if (!work && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return;
  if (!work) base::throw_errno(errno, "read", work_path);
  if (::flock(work.get(), LOCK_EX | LOCK_NB) != 0)
    throw Error(ErrorCode::busy, "another checkout into " + quote(shown.native()) + " is under way")
        .hint("wait until it is done, and run the command again");
  const char* const left = is_there(work.get(), mark, work_path) ? fresh : replaced;
  if (is_there(work.get(), left, work_path)) move_all(folder_in(work.get(), left, work_path).get(), target, shown);
  if (!remove_in_place(work_path))
    throw Error(ErrorCode::io, "cannot remove " + quote(work_path.native()) + ", which an interrupted checkout left");
}

Error& half_done(Error& error, const fs::path& work) {
  return error.keeping("what the folder held, and the version, are in " + quote(work.native()))
      .hint("run the command again: it ends what was begun");
}

}  // namespace

bool stays_in_place(int target, const char* name) {
  if (std::string_view(name).starts_with(in_place_prefix)) return true;
  struct stat status {};
  return std::string_view(name) == "lost+found" && ::fstatat(target, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(status.st_mode) && status.st_uid == 0;
}

void replace_entries(int target, base::TempFolder& work, const fs::path& shown) {
  const fs::path path = work.path();
  const base::Fd folder = base::open_file(path, O_RDONLY | O_DIRECTORY);
  if (::mkdirat(folder.get(), replaced, 0700) != 0) base::throw_errno(errno, "create a folder in", shown);
  const base::Fd old = folder_in(folder.get(), replaced, shown);
  const base::Fd version = folder_in(folder.get(), fresh, shown);
  Names names = names_in(target, shown);
  std::erase_if(names, [&](const std::string& name) { return stays_in_place(target, name.c_str()); });
  work.keep();
  try {
    move(names, target, old.get(), shown);
    const base::Fd marker = open_in(folder.get(), mark, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!marker) base::throw_errno(errno, "create a file in", shown);
    base::sync_file(marker.get(), shown);
    base::sync_file(folder.get(), shown);
  } catch (...) {
    ::unlinkat(folder.get(), mark, 0);
    try {
      move_all(old.get(), target, shown);
    } catch (Error& error) {
      throw half_done(error, path);
    }
    remove_in_place(path);
    throw;
  }
  try {
    move_all(version.get(), target, shown);
  } catch (Error& error) {
    throw half_done(error, path);
  }
}

bool remove_in_place(const fs::path& work) {
  // While the mark is there, what is left of the old entries is nobody's.
  if (!base::remove_tree(work / replaced)) return false;
  try {
    base::sync_folder(work);
  } catch (const Error&) {
    return false;
  }
  return base::remove_tree(work);
}

void settle_in_place(const fs::path& target) {
  const base::Fd folder = open_in(AT_FDCWD, target.c_str(), O_RDONLY | O_DIRECTORY);
  if (!folder) return;
  for (const std::string& name : names_in(folder.get(), target))
    if (name.starts_with(in_place_prefix)) settle(folder.get(), target / name, target);
}

}  // namespace pod::snapshot
