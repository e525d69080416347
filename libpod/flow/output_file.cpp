#include "flow/output_file.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>

namespace pod::flow {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void throw_exists(const fs::path& target) {
  throw Error(ErrorCode::already_exists, quote(target.native()) + " is there already")
      .keeping("the file was not changed")
      .hint("choose another name, or replace it with --force");
}

fs::path folder_of(const fs::path& target) { return target.has_parent_path() ? target.parent_path() : fs::path("."); }

std::string prefix_for(const fs::path& target) {
  // Room for the random end within the 255 bytes of a name.
  return "." + target.filename().native().substr(0, 200) + ".podgit-";
}

base::TempFolder make_folder(const fs::path& target, bool replace) {
  const std::string name = target.filename().native();
  if (name.empty() || name == "." || name == "..")
    throw Error(ErrorCode::invalid_argument, quote(target.native()) + " does not name a file");
  struct stat status {};
  if (::lstat(target.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode))
      throw Error(ErrorCode::refused, quote(target.native()) + " is not a regular file");
    if (!replace) throw_exists(target);
  }
  base::sweep_temp_folders(folder_of(target), prefix_for(target));
  return base::TempFolder(folder_of(target), prefix_for(target));
}

}  // namespace

OutputFile::OutputFile(const fs::path& target, bool replace)
    : target_(target), replace_(replace), folder_(make_folder(target, replace)) {}

std::uint64_t OutputFile::publish(const fs::path& written) {
  struct stat status {};
  {
    const base::Fd fd = base::open_file(written, O_RDONLY | O_NOFOLLOW);
    base::sync_file(fd.get(), target_);
    if (::fstat(fd.get(), &status) != 0) base::throw_errno(errno, "read", written);
  }
  // Without `replace` nobody's file may be lost, not even one that came while this one was written.
  const unsigned flags = replace_ ? 0 : static_cast<unsigned>(RENAME_NOREPLACE);
  int result = ::renameat2(AT_FDCWD, written.c_str(), AT_FDCWD, target_.c_str(), flags);
  if (result != 0 && errno == EINVAL && !replace_)
    result = ::link(written.c_str(), target_.c_str());  // no such flag there
  if (result != 0 && errno == EEXIST) throw_exists(target_);
  if (result != 0) base::throw_errno(errno, "write", target_);
  base::sync_folder(folder_of(target_));
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace pod::flow
