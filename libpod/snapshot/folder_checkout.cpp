#include "snapshot/folder.hpp"

#include <libpod/error.hpp>

#include "snapshot/beneath.hpp"
#include "snapshot/exchange.hpp"
#include "snapshot/folder_writer.hpp"
#include "snapshot/in_place.hpp"

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
  bool in_place = false;  // no other folder can take its place
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

/// The mount points at and below `folder`.
std::vector<std::string> mounted_in(const fs::path& folder) {
  std::vector<std::string> points;
  std::error_code error;
  const fs::path real = fs::canonical(folder, error);
  if (error) return points;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::string_view rest = line;
    for (int field = 0; field < 4 && rest.find(' ') != std::string_view::npos; ++field)
      rest.remove_prefix(rest.find(' ') + 1);
    const std::string point = unescape_octal(rest.substr(0, rest.find(' ')));
    if (point == real.native() || point.starts_with(real.native() + "/")) points.push_back(point);
  }
  return points;
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
  target.in_place = above.st_dev != status.st_dev;
  for (const std::string& point : mounted_in(target.path)) {
    // Replacing would move it away, and clearing up would empty it.
    if (point.size() > fs::canonical(target.path).native().size()) refuse("something is mounted at " + quote(point));
    target.in_place = true;
  }
  const base::Fd folder = open_in(parent, target.name.c_str(), O_RDONLY | O_DIRECTORY);
  if (!folder) base::throw_errno(errno, "read", target.path);
  for (const fs::directory_entry& entry : fs::directory_iterator(target.path))
    if (!stays_in_place(folder.get(), entry.path().filename().c_str())) target.empty = false;
  if (!target.empty && !replace)
    throw Error(ErrorCode::already_exists, "folder " + quote(target.path.native()) + " is not empty")
        .hint("choose another folder, or use --force to replace what it holds");
}

/// What a version is made of, for one folder.
struct Plan {
  std::vector<FileEntry> files;    // sorted by path
  std::vector<StatePath> folders;  // the empty ones
  std::uint64_t bytes = 0;
};

Plan plan_of(const TreeView& view, const std::function<bool(const FileEntry&)>& wanted) {
  Plan plan{view.files(), view.empty_folders(), 0};
  if (wanted) {
    std::erase_if(plan.files, [&](const FileEntry& file) { return !wanted(file); });
    std::erase_if(plan.folders, [&](const StatePath& folder) { return !wanted({path_in(folder)}); });
  }
  for (const FileEntry& file : plan.files) plan.bytes += file.size;
  return plan;
}

std::string folder_of(const StatePath& path) {
  const auto slash = path.str().rfind('/');
  return slash == std::string::npos ? std::string() : path.str().substr(0, slash);
}

void make_folders(FolderWriter& writer, const Plan& plan) {
  std::vector<std::string> folders;
  for (const FileEntry& file : plan.files) {
    std::string folder = folder_of(file.path);
    if (folders.empty() || folders.back() != folder) folders.push_back(std::move(folder));
  }
  for (const StatePath& folder : plan.folders) folders.push_back(folder.str());
  // As the paths below them sort, so that what lies in a folder follows it.
  for (std::string& folder : folders) folder += '/';
  std::sort(folders.begin(), folders.end());
  for (std::string& folder : folders) {
    folder.pop_back();
    writer.make_folder(folder);
  }
}

/// What is known of the folder before, where its times tell a change.
class Before {
 public:
  Before(StatCache* cache, int folder) : cache_(cache) {
    struct stat status {};
    if (cache_ != nullptr &&
        (folder < 0 || !has_exact_times(folder) || ::fstat(folder, &status) != 0 || cache_->device != status.st_dev))
      cache_ = nullptr;
  }
  explicit operator bool() const noexcept { return cache_ != nullptr; }
  const KnownFile* find(const StatePath& path) {
    const KnownFile* file = cache_ != nullptr ? cache_->find(path) : nullptr;
    return file != nullptr && cache_->settled(file->stat) ? file : nullptr;
  }

 private:
  StatCache* cache_;
};

/// Waits until a change from now on gives a later time than these have; not for ever, as clocks can be set back.
void wait_for_a_later_time(const std::vector<MadeFile>& files) {
  std::int64_t latest = 0;
  for (const MadeFile& file : files) latest = std::max({latest, file.stat.modified, file.stat.changed});
  for (int tries = 0; file_clock() <= latest && tries < 100; ++tries) ::usleep(500);
}

StatCache notes_of(const FolderWriter& writer, const std::vector<WantedFile>& files, std::uint64_t device) {
  StatCache notes;
  notes.device = device;
  notes.taken = file_clock();
  for (const std::string& folder : writer.folders()) notes.folders[folder];
  for (std::size_t i = 0; i < files.size(); ++i) {
    const MadeFile& made = writer.made()[i];
    const FileEntry& entry = *files[i].entry;
    ++notes.files;
    notes.bytes += entry.size;
    if (!made.certain) continue;
    KnownFile note;
    if (made.kept) note = *files[i].known;
    note.name = entry.path.str().substr(entry.path.str().rfind('/') + 1);
    note.stat = made.stat;
    note.id = entry.id;
    note.mode = tree_mode(entry);
    if (!made.kept) note.judged = false;
    notes.folders[folder_of(entry.path)].push_back(std::move(note));
  }
  return notes;
}

/// nullopt where no other folder can take the place of the target.
std::optional<Written> write_version(const TreeView& view, const Target& target, int parent, const Plan& plan,
                                     const Context& context, StatCache* before) {
  context.progress->begin("writing", plan.bytes);
  const base::Fd replaced = target.exists ? open_in(parent, target.name.c_str(), O_RDONLY | O_DIRECTORY) : base::Fd();
  base::TempFolder work(target.in_place ? target.path : target.parent,
                        target.in_place ? std::string(in_place_prefix) : work_prefix(target.name));
  const fs::path work_path = work.path();
  const base::Fd work_fd = base::open_file(work_path, O_RDONLY | O_DIRECTORY);
  // One folder deeper than the private one, so that its mode is what the umask says.
  if (::mkdirat(work_fd.get(), "new", 0777) != 0) base::throw_errno(errno, "create a folder in", target.parent);
  const base::Fd fresh = open_in(work_fd.get(), "new", O_RDONLY | O_DIRECTORY);
  if (!fresh) base::throw_errno(errno, "create a folder in", target.parent);

  Before known(before, target.empty ? -1 : replaced.get());
  std::vector<WantedFile> files;
  files.reserve(plan.files.size());
  for (const FileEntry& file : plan.files) files.push_back({&file, known.find(file.path)});
  FolderWriter writer(view, fresh.get(), known ? replaced.get() : -1, target.path,
                      plan.files.size() + plan.folders.size() <= single_sync_limit, context);
  make_folders(writer, plan);
  writer.write(files);
  if (target.exists && ::fchmodat(work_fd.get(), "new", target.mode, 0) != 0)
    base::throw_errno(errno, "write", target.path);
  writer.finish();
  base::sync_file(work_fd.get(), work_path);
  context.cancel->check();

  const bool exact = has_exact_times(fresh.get());
  if (exact) wait_for_a_later_time(writer.made());
  base::Fd old;
  if (target.in_place) {
    base::sync_folder(target.path);
    replace_entries(replaced.get(), work, target.path);
    old = open_in(work_fd.get(), "old", O_RDONLY | O_DIRECTORY);
  } else if (target.empty ? !put_in_free_place(parent, target.name, work_fd.get(), target.path)
                          : !put_in_place_of(parent, target.name, work_fd.get(), target.path, Exchange::atomic)) {
    return std::nullopt;
  }

  Written written{plan.files.size(), plan.bytes, 0, std::nullopt};
  const int placed = target.in_place ? replaced.get() : fresh.get();
  try {
    if (!target.in_place) base::sync_file(parent, target.parent);
    writer.let_go_of_before(placed, target.in_place ? old.get() : replaced.get());
  } catch (Error& error) {
    throw error.keeping("the folder holds the version already, though a power cut now might take it back");
  }
  for (const MadeFile& file : writer.made()) written.kept += file.kept;
  if (exact) {
    struct stat status {};
    if (written.kept > 0) wait_for_a_later_time(writer.made());
    if (::fstat(placed, &status) == 0) written.known = notes_of(writer, files, status.st_dev);
  }
  if (!(target.in_place ? remove_in_place(work_path) : base::remove_tree(work_path)))
    context.progress->warn("could not remove what was replaced: " + quote(work_path.native()));
  context.progress->end();
  return written;
}

}  // namespace

Written checkout_folder(const TreeView& view, const fs::path& target_path, bool replace,
                        const std::function<bool(const FileEntry&)>& wanted, const Context& context,
                        StatCache* before) {
  Target target = locate(target_path);
  const base::Fd parent = base::open_file(target.parent, O_RDONLY | O_DIRECTORY);
  recover_left_overs(target.parent, target.name);
  settle_in_place(target.path);
  inspect(target, parent.get(), replace);
  const Plan plan = plan_of(view, wanted);
  auto written = write_version(view, target, parent.get(), plan, context, before);
  if (!written) {
    target.in_place = true;
    written = write_version(view, target, parent.get(), plan, context, before);
  }
  return *std::move(written);
}

}  // namespace pod::snapshot
