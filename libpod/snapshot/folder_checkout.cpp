#include "snapshot/folder.hpp"

#include <libpod/error.hpp>

#include "snapshot/beneath.hpp"
#include "snapshot/exchange.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>
#include <vector>

namespace pod::snapshot {
namespace {

namespace fs = std::filesystem;

/// Up to here each file is synced by itself; one sync of the file system is cheaper for more.
constexpr std::size_t single_sync_limit = 64;

struct Target {
  fs::path path;
  fs::path parent;
  std::string name;
  bool exists = false;
  bool empty = true;
  mode_t mode = 0;
};

Target locate(const fs::path& path) {
  fs::path full = fs::absolute(path).lexically_normal();
  if (!full.has_filename()) full = full.parent_path();
  if (!full.has_filename()) throw Error(ErrorCode::refused, "cannot check out into " + quote(path.native()));
  return {full, full.parent_path(), full.filename().native()};
}

/// mountinfo writes blanks and backslashes as \ooo.
std::string unescape_octal(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && text.size() - i > 3) {
      out += static_cast<char>((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// The mount point at or below `folder`, if any: replacing would move it away, and clearing up would empty it.
std::optional<std::string> mounted_in(const fs::path& folder) {
  std::error_code error;
  const fs::path real = fs::canonical(folder, error);
  if (error) return std::nullopt;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::string_view rest = line;
    for (int field = 0; field < 4 && rest.find(' ') != std::string_view::npos; ++field)
      rest.remove_prefix(rest.find(' ') + 1);
    const std::string point = unescape_octal(rest.substr(0, rest.find(' ')));
    if (point == real.native() || point.starts_with(real.native() + "/")) return point;
  }
  return std::nullopt;
}

void inspect(Target& target, int parent, bool replace) {
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorCode::refused, "cannot check out into " + quote(target.path.native()) + ": " + why);
  };
  struct stat status {};
  if (::fstatat(parent, target.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return;
    base::throw_errno(errno, "read", target.path);
  }
  target.exists = true;
  target.mode = status.st_mode & 0777;
  if (S_ISLNK(status.st_mode)) refuse("it is a symbolic link");
  if (!S_ISDIR(status.st_mode)) refuse("it is not a folder");
  struct stat above {};
  if (::fstat(parent, &above) != 0) base::throw_errno(errno, "read", target.parent);
  if (above.st_dev != status.st_dev) refuse("it is a mount point");
  if (const auto point = mounted_in(target.path)) refuse("something is mounted at " + quote(*point));
  target.empty = fs::directory_iterator(target.path) == fs::directory_iterator();
  if (!target.empty && !replace)
    throw Error(ErrorCode::already_exists, "folder " + quote(target.path.native()) + " is not empty")
        .hint("choose another folder, or use --force to replace what it holds");
}

/// Writes files in the order of their paths below one folder, which nobody else knows.
class FolderWriter {
 public:
  FolderWriter(base::Fd root, fs::path shown, bool sync_each) : shown_(std::move(shown)), sync_each_(sync_each) {
    open_.push_back({"", std::move(root)});
  }

  void file(const TreeView& view, const FileEntry& entry, const Context& context) {
    const auto slash = entry.path.str().rfind('/');
    const int folder = enter(slash == std::string::npos ? "" : entry.path.str().substr(0, slash + 1));
    const std::string name = slash == std::string::npos ? entry.path.str() : entry.path.str().substr(slash + 1);
    const fs::path full = shown_ / entry.path.str();
    // The kernel takes the umask off, as for any file that a user makes.
    const base::Fd fd =
        open_in(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL, (entry.mode & 0100) != 0 ? 0777 : 0666);
    if (!fd) base::throw_errno(errno, "write", full);
    const auto source = view.open(entry);
    base::drain(*source, [&](base::ConstBytes piece) {
      context.cancel->check();
      base::write_all(fd.get(), piece, full);
      context.progress->advance(piece.size());
    });
    if (sync_each_) base::sync_file(fd.get(), full);
  }

  void empty_folder(const StatePath& path) { enter(path.str() + '/'); }

  /// Everything is durable but for the name of the root folder.
  void finish() {
    while (open_.size() > 1) leave();
    if (sync_each_) {
      base::sync_file(open_.front().fd.get(), shown_);
    } else if (::syncfs(open_.front().fd.get()) != 0) {
      base::throw_errno(errno, "make durable", shown_);
    }
  }

 private:
  struct Open {
    std::string prefix;  // "" or "a/b/"
    base::Fd fd;
  };

  int enter(const std::string& prefix) {
    while (!prefix.starts_with(open_.back().prefix)) leave();
    while (open_.back().prefix.size() < prefix.size()) {
      const std::size_t from = open_.back().prefix.size();
      const std::size_t slash = prefix.find('/', from);
      const std::string name = prefix.substr(from, slash - from);
      const int above = open_.back().fd.get();
      const fs::path full = shown_ / prefix.substr(0, slash);
      if (::mkdirat(above, name.c_str(), 0777) != 0) base::throw_errno(errno, "create", full);
      base::Fd fd = open_in(above, name.c_str(), O_RDONLY | O_DIRECTORY);
      if (!fd) base::throw_errno(errno, "create", full);
      open_.push_back({prefix.substr(0, slash + 1), std::move(fd)});
    }
    return open_.back().fd.get();
  }

  void leave() {
    if (sync_each_) base::sync_file(open_.back().fd.get(), shown_ / open_.back().prefix);
    open_.pop_back();
  }

  std::vector<Open> open_;
  fs::path shown_;
  bool sync_each_;
};

struct Item {
  const StatePath* path;
  const FileEntry* file;  // none: an empty folder
};

}  // namespace

Written checkout_folder(const TreeView& view, const fs::path& target_path, bool replace,
                        const std::function<bool(const FileEntry&)>& wanted, const Context& context) {
  Target target = locate(target_path);
  const base::Fd parent = base::open_file(target.parent, O_RDONLY | O_DIRECTORY);
  recover_left_overs(target.parent, target.name);
  inspect(target, parent.get(), replace);

  std::vector<FileEntry> files = view.files();
  std::vector<StatePath> folders = view.empty_folders();
  if (wanted) {
    std::erase_if(files, [&](const FileEntry& file) { return !wanted(file); });
    std::erase_if(folders, [&](const StatePath& folder) { return !wanted({path_in(folder)}); });
  }
  std::vector<Item> items;
  Written written;
  for (const FileEntry& file : files) {
    items.push_back({&file.path, &file});
    written.bytes += file.size;
  }
  for (const StatePath& folder : folders) items.push_back({&folder, nullptr});
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return *a.path < *b.path; });
  written.files = files.size();

  context.progress->begin("writing", written.bytes);
  const base::TempFolder work(target.parent, work_prefix(target.name));
  const base::Fd work_fd = base::open_file(work.path(), O_RDONLY | O_DIRECTORY);
  // One folder deeper than the private one, so that its mode is what the umask says.
  if (::mkdirat(work_fd.get(), "new", 0777) != 0) base::throw_errno(errno, "create a folder in", target.parent);
  base::Fd fresh = open_in(work_fd.get(), "new", O_RDONLY | O_DIRECTORY);
  if (!fresh) base::throw_errno(errno, "create a folder in", target.parent);

  FolderWriter writer(std::move(fresh), target.path, items.size() <= single_sync_limit);
  for (const Item& item : items) {
    context.cancel->check();
    if (item.file != nullptr) {
      writer.file(view, *item.file, context);
    } else {
      writer.empty_folder(*item.path);
    }
  }
  if (target.exists && ::fchmodat(work_fd.get(), "new", target.mode, 0) != 0)
    base::throw_errno(errno, "write", target.path);
  writer.finish();
  base::sync_file(work_fd.get(), work.path());

  if (target.empty) {
    put_in_free_place(parent.get(), target.name, work_fd.get(), target.path);
  } else {
    put_in_place_of(parent.get(), target.name, work_fd.get(), target.path, Exchange::atomic);
  }
  base::sync_file(parent.get(), target.parent);
  if (!base::remove_tree(work.path()))
    context.progress->warn("could not remove what was replaced: " + quote(work.path().native()));
  context.progress->end();
  return written;
}

}  // namespace pod::snapshot
