#include "transport/git_folder.hpp"

#include "base/ascii.hpp"
#include "git/refs.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <algorithm>
#include <cerrno>
#include <string>

namespace pod::transport {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t most_config = 4u << 20;

fs::path shared_part(const fs::path& folder) {
  const auto text = base::read_file(folder / "commondir", 4096);
  if (!text) return folder;
  const std::string named = text->substr(0, text->find('\n'));
  return (folder / named).lexically_normal();
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

/// "objectformat = sha256", however it is spaced.
bool has_other_ids(const fs::path& config) {
  std::string text = base::lower(base::read_file(config, most_config).value_or(""));
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t'; });
  return text.find("\nobjectformat=sha256") != std::string::npos;
}

}  // namespace

GitFolder::GitFolder(const fs::path& folder) {
  if (folder.empty()) return;
  std::error_code error;
  path_ = shared_part(fs::absolute(folder).lexically_normal());
  if (!fs::is_directory(path_ / "objects", error))
    throw Error(ErrorCode::not_found, "there is no git repository at " + quote(folder.native()));
  objects_ = git::ObjectDatabase::open(objects_folder());
}

const std::shared_ptr<git::ObjectDatabase>& GitFolder::shared_objects() const {
  if (!objects_) throw Error(ErrorCode::invalid_argument, "there is no repository here").hint("git init");
  return objects_;
}

void GitFolder::prepare() {
  static_cast<void>(shared_objects());
  const auto refuse = [&](const char* why, const char* hint) {
    throw Error(ErrorCode::unsupported, "the repository " + quote(path_.native()) + " cannot share pods")
        .because(why)
        .hint(hint);
  };
  if (is_file(path_ / "shallow")) refuse("its history is cut short (shallow)", "clone it without --depth");
  if (is_file(path_ / "objects" / "info" / "alternates"))
    refuse("it borrows objects of another one (alternates)", "git repack -a -d, then remove objects/info/alternates");
  if (has_other_ids(path_ / "config")) refuse("its objects have SHA-256 ids", "make one with git init");

  for (const fs::path& part : {path_ / "objects" / "pack", path_ / "pod", spool()}) {
    std::error_code error;
    fs::create_directory(part, error);
    if (error) base::throw_errno(error.value(), "create the folder", part);
  }
  base::sweep_temp_folders(spool());
  if (hold_ || !is_file(path_ / "pod" / "format")) return;
  hold_ = base::open_file(path_ / "pod" / "hold", O_RDWR | O_CREAT | O_NOFOLLOW);
  if (::flock(hold_.get(), LOCK_SH | LOCK_NB) != 0)
    throw Error(ErrorCode::busy, "a gc removes objects of the store " + quote(path_.native())).hint("try again");
}

std::vector<Oid> GitFolder::tips() const {
  const git::RefFiles refs(path_);
  std::vector<std::string> names = refs.names("refs/");
  names.emplace_back("HEAD");
  std::vector<Oid> found;
  for (const std::string& name : names) {
    try {
      if (const auto target = refs.resolve(name)) found.push_back(*target);
    } catch (const Error&) {
      // Broken, which git tells of.
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace pod::transport
