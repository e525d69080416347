#include "store/quarantine.hpp"

#include "base/files.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <string>

namespace pod::store {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t copy_limit = 1ull << 30;

bool is_same_file(const fs::path& a, const fs::path& b) {
  struct stat one {};
  struct stat other {};
  return ::lstat(a.c_str(), &one) == 0 && ::lstat(b.c_str(), &other) == 0 && one.st_dev == other.st_dev &&
         one.st_ino == other.st_ino;
}

}  // namespace

const fs::path& Quarantine::folder() const {
  if (::mkdir(folder_.c_str(), 0700) == 0)
    base::sync_folder(folder_.parent_path());
  else if (errno != EEXIST)
    base::throw_errno(errno, "create the folder", folder_);
  return folder_;
}

fs::path Quarantine::place_of(const fs::path& file) const {
  // A loose object's name is in two parts.
  std::string name = file.filename().native();
  if (const std::string parent = file.parent_path().filename().native(); parent.size() == 2) name = parent + name;
  for (int number = 0;; ++number) {
    fs::path place = folder() / (number == 0 ? name : name + "." + std::to_string(number));
    struct stat status {};
    if (::lstat(place.c_str(), &status) != 0 || is_same_file(place, file)) return place;
  }
}

bool Quarantine::copy(const fs::path& file) const {
  const auto bytes = base::read_file(file, copy_limit);
  if (!bytes) return false;
  base::write_file_atomically(place_of(file), *bytes);
  return true;
}

void Quarantine::link(const fs::path& file) const {
  if (::link(file.c_str(), place_of(file).c_str()) == 0) base::sync_folder(folder_);
}

bool Quarantine::move(const fs::path& file) const {
  const fs::path place = place_of(file);
  // rename(2) leaves two names of one file as they are.
  if (is_same_file(file, place) ? ::unlink(file.c_str()) != 0 : ::rename(file.c_str(), place.c_str()) != 0) {
    if (errno == ENOENT) return false;
    base::throw_errno(errno, "put aside", file);
  }
  base::sync_folder(folder_);
  base::sync_folder(file.parent_path());
  return true;
}

}  // namespace pod::store
