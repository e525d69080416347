//   "podstat\n"                                   then numbers as this machine has them in memory
//   u32 2                                         format
//   text maker                                    u16 length, bytes
//   u64 device, i64 taken, id state, u64 files, u64 bytes, u8 verdict
//   u32 folders, and for each, in the order of paths:
//     text path, u32 files, and for each, in the order of names:
//       text name, u64 inode, u64 size, i64 modified, i64 changed, u32 mode, u32 mode in the tree, u8 part, u8 verdict,
//       id, u8 1 and id of the model, or u8 0         (verdict 255: not judged)
//   id                                            the SHA-1 of all before
#include "snapshot/stat_cache.hpp"

#include <libpod/error.hpp>

#include "base/files.hpp"
#include "digest/digest.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace pod::snapshot {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view magic = "podstat\n";
constexpr std::uint32_t format = 2;
constexpr std::uint64_t size_limit = 256ull << 20;
constexpr std::size_t folder_limit = 1'000'000;
constexpr std::size_t least_folder = 6;  // bytes that one takes in the file
constexpr std::size_t least_file = 2 + 4 * 8 + 4 + 4 + 1 + 1 + Oid::size + 1;
constexpr std::size_t most_caches = 64;
constexpr std::uint8_t not_judged = 255;  // in place of a verdict

class Writer {
 public:
  template <typename Number>
  void number(Number value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view value) {
    number(static_cast<std::uint16_t>(value.size()));
    out += value;
  }
  void id(const Oid& value) { out.append(reinterpret_cast<const char*>(value.bytes().data()), Oid::size); }
  std::string out;
};

struct Damaged {};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::string_view take(std::size_t count) {
    if (rest_.size() < count) throw Damaged{};
    const std::string_view out = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return out;
  }
  template <typename Number>
  Number number() {
    Number value{};
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  bool skip(std::uint8_t byte) {
    if (rest_.empty() || static_cast<std::uint8_t>(rest_.front()) != byte) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view text() { return take(number<std::uint16_t>()); }
  Oid id() {
    std::array<std::uint8_t, Oid::size> raw{};
    std::memcpy(raw.data(), take(Oid::size).data(), Oid::size);
    return Oid(raw);
  }
  /// How many of at least `least` bytes each are said to follow.
  std::size_t count(std::size_t least) {
    const std::size_t value = number<std::uint32_t>();
    if (value > rest_.size() / least) throw Damaged{};
    return value;
  }
  Verdict verdict() {
    const auto value = number<std::uint8_t>();
    if (value > static_cast<std::uint8_t>(Verdict::refuse)) throw Damaged{};
    return static_cast<Verdict>(value);
  }
  bool at_end() const noexcept { return rest_.empty(); }

 private:
  std::string_view rest_;
};

void write_file(Writer& out, const KnownFile& file) {
  out.text(file.name);
  out.number(file.stat.inode);
  out.number(file.stat.size);
  out.number(file.stat.modified);
  out.number(file.stat.changed);
  out.number(file.stat.mode);
  out.number(static_cast<std::uint32_t>(file.mode));
  out.number(static_cast<std::uint8_t>(file.part));
  out.number(file.judged ? static_cast<std::uint8_t>(file.verdict) : not_judged);
  out.id(file.id);
  out.number(static_cast<std::uint8_t>(file.model.is_zero() ? 0 : 1));
  if (!file.model.is_zero()) out.id(file.model);
}

KnownFile read_file(Reader& in) {
  KnownFile file;
  file.name = in.text();
  file.stat.inode = in.number<std::uint64_t>();
  file.stat.size = in.number<std::uint64_t>();
  file.stat.modified = in.number<std::int64_t>();
  file.stat.changed = in.number<std::int64_t>();
  file.stat.mode = in.number<std::uint32_t>();
  file.mode = in.number<std::uint32_t>();
  if (file.mode != 0100644 && file.mode != 0100755 && file.mode != 040000) throw Damaged{};
  const auto part = in.number<std::uint8_t>();
  if (part > static_cast<std::uint8_t>(KnownFile::Part::log)) throw Damaged{};
  file.part = static_cast<KnownFile::Part>(part);
  file.judged = !in.skip(not_judged);
  if (file.judged) file.verdict = in.verdict();
  file.id = in.id();
  const auto models = in.number<std::uint8_t>();
  if (file.id.is_zero() || models > 1) throw Damaged{};
  if (models == 1) file.model = in.id();
  return file;
}

Oid checksum(std::string_view bytes) { return digest::Sha1().update(bytes).finish(); }

StatCache read_cache(std::string_view bytes, std::string_view maker) {
  if (bytes.size() < magic.size() + Oid::size) throw Damaged{};
  const std::string_view body = bytes.substr(0, bytes.size() - Oid::size);
  if (Reader(bytes.substr(body.size())).id() != checksum(body)) throw Damaged{};
  Reader in(body);
  if (in.take(magic.size()) != magic || in.number<std::uint32_t>() != format || in.text() != maker) throw Damaged{};
  StatCache cache;
  cache.device = in.number<std::uint64_t>();
  cache.taken = in.number<std::int64_t>();
  cache.state = in.id();
  cache.files = in.number<std::uint64_t>();
  cache.bytes = in.number<std::uint64_t>();
  cache.verdict = in.verdict();
  const std::size_t folders = in.count(least_folder);
  if (folders > folder_limit) throw Damaged{};
  cache.folders.reserve(folders);
  for (std::size_t i = 0; i < folders; ++i) {
    auto& files = cache.folders[std::string(in.text())];
    if (!files.empty()) throw Damaged{};
    const std::size_t count = in.count(least_file);
    files.reserve(count);
    for (std::size_t j = 0; j < count; ++j) {
      files.push_back(read_file(in));
      if (j > 0 && files[j].name <= files[j - 1].name) throw Damaged{};
    }
  }
  if (!in.at_end() || cache.folders.size() != folders) throw Damaged{};
  return cache;
}

/// Many folders may be captured once and never again.
void drop_oldest(const fs::path& sidecars) {
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  std::error_code error;
  for (fs::directory_iterator it(sidecars, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;
    const auto time = fs::last_write_time(it->path(), gone);
    if (!gone) found.emplace_back(time, it->path());
  }
  if (found.size() <= most_caches) return;
  std::sort(found.begin(), found.end());
  for (std::size_t i = 0; i < found.size() - most_caches; ++i) fs::remove(found[i].second, error);
}

}  // namespace

FileStat file_stat(const struct stat& status) noexcept {
  const auto nanoseconds = [](const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  };
  return {status.st_ino, static_cast<std::uint64_t>(status.st_size), nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim), status.st_mode};
}

KnownFile* StatCache::find(const StatePath& path) {
  const std::string& text = path.str();
  const auto slash = text.rfind('/');
  const auto folder = folders.find(slash == std::string::npos ? std::string() : text.substr(0, slash));
  if (folder == folders.end()) return nullptr;
  const std::string_view name = std::string_view(text).substr(slash == std::string::npos ? 0 : slash + 1);
  const auto place =
      std::lower_bound(folder->second.begin(), folder->second.end(), name,
                       [](const KnownFile& file, std::string_view wanted) { return file.name < wanted; });
  return place != folder->second.end() && place->name == name ? &*place : nullptr;
}

std::string encode_stat_cache(const StatCache& cache, std::string_view maker) {
  std::vector<const std::pair<const std::string, std::vector<KnownFile>>*> folders;
  folders.reserve(cache.folders.size());
  for (const auto& folder : cache.folders) folders.push_back(&folder);
  std::sort(folders.begin(), folders.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
  Writer out;
  out.out.reserve(static_cast<std::size_t>(cache.files) * (least_file + 32) + 4096);
  out.out += magic;
  out.number(format);
  out.text(maker);
  out.number(cache.device);
  out.number(cache.taken);
  out.id(cache.state);
  out.number(cache.files);
  out.number(cache.bytes);
  out.number(static_cast<std::uint8_t>(cache.verdict));
  out.number(static_cast<std::uint32_t>(folders.size()));
  for (const auto* folder : folders) {
    out.text(folder->first);
    out.number(static_cast<std::uint32_t>(folder->second.size()));
    for (const KnownFile& file : folder->second) write_file(out, file);
  }
  out.id(checksum(out.out));
  return std::move(out.out);
}

std::optional<StatCache> decode_stat_cache(std::string_view bytes, std::string_view maker) {
  try {
    return read_cache(bytes, maker);
  } catch (const Damaged&) {
    return std::nullopt;
  }
}

fs::path StatCaches::file_of(const fs::path& folder) const {
  return sidecars_ / digest::hex(digest::sha256(fs::canonical(folder).native())).substr(0, 32);
}

std::optional<StatCache> StatCaches::load(const fs::path& folder) const noexcept try {
  const auto bytes = base::read_file(file_of(folder), size_limit);
  return bytes ? decode_stat_cache(*bytes, maker_) : std::nullopt;
} catch (const std::exception&) {
  return std::nullopt;
}

void StatCaches::save(const fs::path& folder, const StatCache& cache) const noexcept {
  try {
    const fs::path file = file_of(folder);
    const std::string bytes = encode_stat_cache(cache, maker_);
    if (bytes.size() > size_limit) return forget(folder);
    if (::mkdir(sidecars_.c_str(), 0700) != 0 && errno != EEXIST) return;
    // Not synced: a file that is cut by a power failure has a wrong checksum.
    // Readers of the store save, too, and a killed one must not need a writer to clear up after it.
    base::sweep_temp_folders(sidecars_.parent_path() / "tmp");
    const base::TempFolder work(sidecars_.parent_path() / "tmp");
    const base::Fd fd = base::open_file(work.path() / "stat", O_WRONLY | O_CREAT | O_EXCL, 0600);
    base::write_all(fd.get(), base::bytes_of(bytes), file);
    fs::rename(work.path() / "stat", file);
    drop_oldest(sidecars_);
  } catch (const std::exception&) {
    forget(folder);
  }
}

void StatCaches::forget(const fs::path& folder) const noexcept {
  try {
    fs::remove(file_of(folder));
  } catch (const std::exception&) {
    // An old one is a true one, as far as it goes.
  }
}

bool has_exact_times(int fd) noexcept {
  constexpr std::array<unsigned long, 7> exact{EXT4_SUPER_MAGIC, 0x58465342 /* XFS */,  BTRFS_SUPER_MAGIC,
                                               TMPFS_MAGIC,      OVERLAYFS_SUPER_MAGIC, F2FS_SUPER_MAGIC,
                                               0x2fc12fc1 /* ZFS */};
  struct statfs status {};
  return ::fstatfs(fd, &status) == 0 &&
         std::find(exact.begin(), exact.end(), static_cast<unsigned long>(status.f_type)) != exact.end();
}

std::int64_t file_clock() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace pod::snapshot
