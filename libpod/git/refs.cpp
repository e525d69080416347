#include "git/refs.hpp"

#include "base/files.hpp"
#include "base/utf8.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <set>
#include <thread>

namespace pod::git {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t loose_limit = 4096;
constexpr std::uint64_t packed_limit = 256u << 20;
constexpr int deepest_symbolic = 5;
constexpr std::size_t deepest_folder = 64;
constexpr auto patience = std::chrono::seconds(1);

Error broken(std::string_view name, std::string_view why) {
  return Error(ErrorCode::corrupt, "the ref " + quote(name) + " is broken").because(std::string(why));
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// `<path>.lock`, as stock git takes it. The caller holds the store's lock, so a lock file is a left-over of a process
/// that died, or a stock git at work for a moment: that one gets a second.
class LockFile {
 public:
  explicit LockFile(const fs::path& path) : target_(path), path_(path.native() + ".lock") {
    const auto start = std::chrono::steady_clock::now();
    for (;;) {
      try {
        fd_ = base::open_file(path_, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        return;
      } catch (const Error& error) {
        if (error.code() != ErrorCode::already_exists) throw;
      }
      if (is_left_over() || std::chrono::steady_clock::now() - start > patience) {
        if (::unlink(path_.c_str()) != 0 && errno != ENOENT) base::throw_errno(errno, "remove the stale lock", path_);
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
    }
  }
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;
  ~LockFile() {
    if (!done_) ::unlink(path_.c_str());
  }
  void commit(std::string_view bytes) {
    base::write_all(fd_.get(), base::bytes_of(bytes), path_);
    base::sync_file(fd_.get(), path_);
    if (::rename(path_.c_str(), target_.c_str()) != 0) base::throw_errno(errno, "write", target_);
    done_ = true;
    base::sync_folder(target_.parent_path());
  }

 private:
  bool is_left_over() const {
    struct stat status {};
    if (::lstat(path_.c_str(), &status) != 0) return false;
    const std::time_t now = ::time(nullptr);
    return status.st_mtime + 1 < now || status.st_mtime > now + 1;
  }
  fs::path target_;
  fs::path path_;
  base::Fd fd_;
  bool done_ = false;
};

/// Makes the folders of a loose ref, durably. A folder's place may be taken by a ref of that name.
void make_folders(const fs::path& root, std::string_view name) {
  fs::path folder = root;
  for (std::size_t start = 0;;) {
    const std::size_t slash = name.find('/', start);
    if (slash == std::string_view::npos) return;
    const fs::path parent = folder;
    folder /= name.substr(start, slash - start);
    start = slash + 1;
    if (::mkdir(folder.c_str(), 0700) == 0) {
      base::sync_folder(parent);
      continue;
    }
    if (errno != EEXIST) base::throw_errno(errno, "create the folder", folder);
    struct stat status {};
    if (::lstat(folder.c_str(), &status) != 0) base::throw_errno(errno, "read", folder);
    if (!S_ISDIR(status.st_mode))
      throw Error(ErrorCode::conflict, "the ref " + quote(name) + " cannot be made")
          .because("there is a ref " + quote(name.substr(0, slash)));
  }
}

/// Empty folders stay behind when refs below them are deleted; one in the way of a ref goes.
void remove_empty_folders(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return;
  std::error_code error;
  std::vector<fs::path> inner;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    inner.push_back(it->path());
  for (const fs::path& folder : inner) remove_empty_folders(folder);
  ::rmdir(path.c_str());
}

}  // namespace

void check_ref_name(std::string_view name) {
  const auto refuse = [&](std::string_view why) {
    throw Error(ErrorCode::invalid_argument, "the ref name " + quote(name) + " is not allowed: " + std::string(why));
  };
  if (name == "HEAD") return;
  if (!name.starts_with("refs/")) refuse("it does not begin with \"refs/\"");
  if (name.size() > 1000) refuse("it is too long");
  if (name.find("..") != std::string_view::npos || name.find("@{") != std::string_view::npos)
    refuse("\"..\" and \"@{\" mean something else to git");
  for (const char c : name)
    if (static_cast<unsigned char>(c) <= 32 || c == 127 ||
        std::string_view("~^:?*[\\").find(c) != std::string_view::npos)
      refuse("it holds a character that git does not allow");
  if (!base::is_utf8(name)) refuse("it is not UTF-8");
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find('/', start), name.size());
    const std::string_view part = name.substr(start, end - start);
    if (part.empty() || part.size() > 250) refuse("a part of it is empty or too long");
    if (part.front() == '.' || part.front() == '-' || part.back() == '.' || part.ends_with(".lock") || part == "@")
      refuse("a part of it begins or ends as git does not allow");
    start = end + 1;
  }
}

std::optional<RefFiles::Value> RefFiles::read(std::string_view name) const {
  check_ref_name(name);
  const fs::path path = root_ / name;
  std::optional<std::string> text;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) base::throw_errno(errno, "read", path);
  } else if (!S_ISDIR(status.st_mode)) {
    if (!S_ISREG(status.st_mode)) throw broken(name, "its file is no regular file");
    if (static_cast<std::uint64_t>(status.st_size) > loose_limit) throw broken(name, "its file is too long");
    text = base::read_file(path, loose_limit);
  }
  if (!text) {
    const auto all = packed();
    const auto found = all->find(name);
    if (found == all->end()) return std::nullopt;
    return found->second;
  }
  std::string_view rest = *text;
  while (!rest.empty() && is_blank(rest.back())) rest.remove_suffix(1);
  if (rest.empty()) throw broken(name, "its file is empty");
  if (rest.starts_with("ref:")) {
    rest.remove_prefix(4);
    while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
    try {
      check_ref_name(rest);
    } catch (const Error& error) {
      throw broken(name, error.message());
    }
    return std::string(rest);
  }
  try {
    const Oid id = Oid::parse(rest);
    if (!id.is_zero()) return id;
  } catch (const Error&) {
  }
  throw broken(name, "its file holds no object id");
}

std::optional<Oid> RefFiles::resolve(std::string_view name) const {
  std::string at(name);
  for (int depth = 0; depth < deepest_symbolic; ++depth) {
    std::optional<Value> value = read(at);
    if (!value) return std::nullopt;
    if (const Oid* id = std::get_if<Oid>(&*value)) return *id;
    at = std::get<std::string>(*value);
  }
  throw broken(name, "it points to itself, or through too many refs");
}

std::vector<std::string> RefFiles::names(std::string_view prefix) const {
  std::set<std::string, std::less<>> found;
  const auto all = packed();
  for (const auto& [name, id] : *all)
    if (name.starts_with(prefix)) found.insert(name);

  std::vector<std::pair<std::string, std::size_t>> folders{{"refs", 1}};
  while (!folders.empty()) {
    const auto [folder, depth] = folders.back();
    folders.pop_back();
    std::error_code error;
    for (fs::directory_iterator it(root_ / folder, error), end; !error && it != end; it.increment(error)) {
      const std::string name = folder + '/' + it->path().filename().string();
      struct stat status {};
      if (::lstat(it->path().c_str(), &status) != 0) {
        if (errno == ENOENT) continue;
        base::throw_errno(errno, "read", it->path());
      }
      if (S_ISDIR(status.st_mode)) {
        const std::string inside = name + '/';
        if (depth < deepest_folder && (inside.starts_with(prefix) || prefix.starts_with(inside)))
          folders.emplace_back(name, depth + 1);
      } else if (name.starts_with(prefix) && !name.ends_with(".lock")) {
        found.insert(name);
      }
    }
    if (error && error != std::errc::no_such_file_or_directory)
      base::throw_errno(error.value(), "read the folder", root_ / folder);
  }
  return {found.begin(), found.end()};
}

RefUpdate RefFiles::update(std::string_view name, const Oid& expected, const Oid& target) {
  check_ref_name(name);
  const auto current = [&] { return resolve(name).value_or(Oid{}); };
  if (target.is_zero()) {
    if (current() != expected) return RefUpdate::stale;
    if (!expected.is_zero()) remove(name);
    return RefUpdate::updated;
  }
  if (current() != expected) return RefUpdate::stale;
  if (expected.is_zero()) {
    const std::string inside = std::string(name) + '/';
    if (const std::vector<std::string> others = names(inside); !others.empty())
      throw Error(ErrorCode::conflict, "the ref " + quote(name) + " cannot be made")
          .because("there is a ref " + quote(others.front()));
    for (std::size_t slash = name.find('/', 5); slash != std::string_view::npos; slash = name.find('/', slash + 1)) {
      const std::string_view outer = name.substr(0, slash);
      if (const auto all = packed(); all->contains(outer))
        throw Error(ErrorCode::conflict, "the ref " + quote(name) + " cannot be made")
            .because("there is a ref " + quote(outer));
    }
  }
  make_folders(root_, name);
  remove_empty_folders(root_ / name);
  LockFile lock(root_ / name);
  // Again, now that stock git cannot change it.
  if (current() != expected) return RefUpdate::stale;
  lock.commit(target.hex() + '\n');
  return RefUpdate::updated;
}

void RefFiles::restore(std::string_view name, const Oid& target) {
  check_ref_name(name);
  make_folders(root_, name);
  remove_empty_folders(root_ / name);
  LockFile(root_ / name).commit(target.hex() + '\n');
}

void RefFiles::point(std::string_view name, std::string_view target) {
  check_ref_name(name);
  check_ref_name(target);
  LockFile(root_ / name).commit("ref: " + std::string(target) + '\n');
}

std::shared_ptr<const RefFiles::Packed> RefFiles::packed() const {
  const auto stamp = [&]() -> std::optional<PackedStamp> {
    struct stat status {};
    if (::stat((root_ / "packed-refs").c_str(), &status) != 0) return std::nullopt;
    return PackedStamp{status.st_ino, static_cast<std::uint64_t>(status.st_size),
                       std::int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec};
  };
  const auto now = stamp();
  if (packed_ && packed_stamp_ && now == packed_stamp_) return packed_;
  timespec clock{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &clock);
  packed_ = std::make_shared<const Packed>(parse_packed());
  // A file that was put in its place in the same tick of the clock could look the same.
  const bool settled = now && now->changed < std::int64_t{clock.tv_sec} * 1'000'000'000 + clock.tv_nsec;
  packed_stamp_ = settled && stamp() == now ? now : std::nullopt;
  return packed_;
}

/// The file, line by line.
struct RefFiles::PackedText {
  Packed refs;
  std::string sound;                  // without the lines that say nothing
  std::vector<std::string> problems;  // of refs that are lost
  std::vector<std::string> oddities;  // what stock git alone trips over
};

RefFiles::PackedText RefFiles::sort_packed_lines() const {
  PackedText found;
  const std::optional<std::string> text = base::read_file(root_ / "packed-refs", packed_limit);
  if (!text) return found;
  const auto is_id = [](std::string_view hex) {
    return hex.size() == 2 * Oid::size && hex.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  };
  std::string_view rest = *text;
  bool behind_ref = false;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    const bool ended = end != std::string_view::npos;
    const std::string_view whole = rest.substr(0, ended ? end + 1 : rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(whole.size());
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const std::string place = "line " + std::to_string(number);
    if (line.empty() || line.front() == '#' || line.front() == '^') {
      const bool is_head = number == 1 && line.starts_with("# pack-refs with:");
      const bool is_peeled = behind_ref && line.starts_with('^') && is_id(line.substr(1));
      behind_ref = false;
      if (ended && (is_head || is_peeled))
        found.sound += whole;
      else
        found.oddities.push_back(place + " is none that git writes");
      continue;
    }
    behind_ref = false;
    try {
      if (!ended || line.size() < 42 || line[40] != ' ') throw Error(ErrorCode::corrupt, "cut");
      const std::string_view name = line.substr(41);
      check_ref_name(name);
      found.refs.insert_or_assign(std::string(name), Oid::parse(line.substr(0, 40)));
      found.sound += whole;
      behind_ref = true;
    } catch (const Error&) {
      found.problems.push_back(place + " names no ref");
    }
  }
  return found;
}

RefFiles::Packed RefFiles::parse_packed() const {
  PackedText text = sort_packed_lines();
  if (!text.problems.empty())
    throw Error(ErrorCode::corrupt, "the file " + quote((root_ / "packed-refs").native()) + " is damaged")
        .because(text.problems.front());
  return std::move(text.refs);
}

std::vector<std::string> RefFiles::packed_problems() const {
  PackedText text = sort_packed_lines();
  text.problems.insert(text.problems.end(), text.oddities.begin(), text.oddities.end());
  return std::move(text.problems);
}

void RefFiles::drop_bad_packed_lines() {
  LockFile lock(root_ / "packed-refs");
  lock.commit(sort_packed_lines().sound);
}

/// First from packed-refs, or a crash in between would bring back an old value.
void RefFiles::remove(std::string_view name) {
  const fs::path path = root_ / name;
  if (fs::exists(path.parent_path())) {
    LockFile lock(path);
    remove_packed(name);
    if (::unlink(path.c_str()) == 0)
      base::sync_folder(path.parent_path());
    else if (errno != ENOENT && errno != EISDIR)
      base::throw_errno(errno, "delete", path);
  } else {
    remove_packed(name);
  }
}

void RefFiles::remove_packed(std::string_view name) {
  if (!packed()->contains(name)) return;
  const fs::path path = root_ / "packed-refs";
  LockFile lock(path);
  std::string_view rest;
  const std::string text = base::read_file(path, packed_limit).value_or("");
  rest = text;
  std::string out;
  bool dropping = false;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end);
    if (line.front() == '^' && dropping) continue;
    dropping = line.front() != '#' && line.size() > 42 && line.substr(41, line.size() - 42) == name;
    if (!dropping) out += line;
  }
  lock.commit(out);
}

}  // namespace pod::git
