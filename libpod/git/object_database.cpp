#include "git/object_database.hpp"

#include "base/files.hpp"
#include "digest/digest.hpp"
#include "git/loose.hpp"
#include "git/pack_file.hpp"
#include "git/shallow.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <algorithm>
#include <bitset>
#include <cerrno>
#include <ctime>
#include <list>
#include <map>
#include <mutex>
#include <unordered_set>

namespace pod::git {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_open_packs = 64;
constexpr int most_tries = 4;

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

std::int64_t modified(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? nanoseconds(status.st_mtim) : 0;
}

bool is_hex_pair(std::string_view name) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return name.size() == 2 && is_hex(name[0]) && is_hex(name[1]);
}

/// What tells one file from another under the same name.
struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified = 0;
  bool operator==(const FileStamp&) const = default;
};

FileStamp stamp_of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim)};
}

/// The files there were at one moment. Immutable; readers hold it while they look.
struct Listing {
  struct Pack {
    std::shared_ptr<PackFile> file;
    FileStamp stamp;
  };
  std::vector<Pack> packs;  // newest first
  std::vector<std::string> problems;
  std::vector<fs::path> lone_indexes;  // of packs that are not there
  std::bitset<256> loose_folders;
  std::unordered_set<Oid> cut;  // commits without parents here
  std::int64_t objects_modified = 0;
  std::int64_t packs_modified = 0;
  std::int64_t taken = 0;
};

/// Verifies the id at the end of the stream.
class VerifiedStream final : public base::ByteSource {
 public:
  VerifiedStream(const Oid& id, const ObjectHeader& header, std::unique_ptr<base::ByteSource> inner)
      : id_(id), inner_(std::move(inner)) {
    sha_.update(object_head(header.type, header.size));
  }
  std::size_t read(std::span<std::byte> buffer) override {
    const std::size_t got = inner_->read(buffer);
    if (got > 0) {
      sha_.update(buffer.first(got));
    } else if (!buffer.empty() && !finished_) {
      finished_ = true;
      if (sha_.finish() != id_)
        throw Error(ErrorCode::corrupt, "the object " + id_.hex() + " is damaged")
            .because("its content does not match its id");
    }
    return got;
  }

 private:
  Oid id_;
  std::unique_ptr<base::ByteSource> inner_;
  digest::Sha1 sha_;
  bool finished_ = false;
};

class HeldText final : public base::ByteSource {
 public:
  explicit HeldText(std::string text) : text_(std::move(text)), source_(text_) {}
  std::size_t read(std::span<std::byte> buffer) override { return source_.read(buffer); }

 private:
  std::string text_;
  base::MemorySource source_;
};

class Database final : public ObjectDatabase {
 public:
  Database(fs::path objects, std::vector<fs::path> without)
      : objects_(std::move(objects)), without_(std::move(without)) {
    std::sort(without_.begin(), without_.end());
    refresh();
  }

  bool contains(const Oid& id) override {
    return with_object<bool>(
        id, [](PackFile&, std::uint32_t) { return true; }, [](const fs::path&) { return true; }, [] { return false; });
  }

  bool knows(const Oid& id) override {
    const std::shared_ptr<const Listing> listing = current();
    try {
      return find_packed(*listing, id).has_value() || loose_file(*listing, id).has_value();
    } catch (const PackVanished&) {
      return contains(id);
    }
  }

  std::optional<ObjectHeader> header(const Oid& id) override {
    return with_object<std::optional<ObjectHeader>>(
        id, [](PackFile& pack, std::uint32_t position) { return pack.header(position); },
        [](const fs::path& file) {
          const auto stream = LooseStream::open(file);
          if (!stream) throw PackVanished{};
          return stream->header();
        },
        [] { return std::nullopt; });
  }

  std::optional<std::uint64_t> place(const Oid& id) override {
    const std::shared_ptr<const Listing> listing = current();
    try {
      const std::optional<Found> found = find_packed(*listing, id);
      if (!found) return std::nullopt;
      // Packs are far smaller than 2^48 bytes; where one is not, the order is a slower one.
      return std::uint64_t{found->rank} << 48 | found->pack->place(found->position);
    } catch (const PackVanished&) {
      return std::nullopt;
    }
  }

  std::string read(const Oid& id, ObjectType expected, std::uint64_t limit) override {
    Object found = read_any(id, limit);
    if (found.type != expected)
      throw Error(ErrorCode::corrupt, "the object " + id.hex() + " is a " + std::string(type_name(found.type)) +
                                          ", not a " + std::string(type_name(expected)));
    return std::move(found.content);
  }

  Object read_any(const Oid& id, std::uint64_t limit) override {
    Object found = with_object<Object>(
        id, [&](PackFile& pack, std::uint32_t position) { return pack.read(position, limit); },
        [&](const fs::path& file) {
          const auto stream = LooseStream::open(file);
          if (!stream) throw PackVanished{};
          if (stream->header().size > limit) refuse_size(stream->header().size, limit);
          return Object{stream->header().type, base::read_all(*stream, limit)};
        },
        [&]() -> Object { throw missing(id); });
    digest::Sha1 sha;
    sha.update(object_head(found.type, found.content.size()));
    if (sha.update(found.content).finish() != id)
      throw Error(ErrorCode::corrupt, "the object " + id.hex() + " is damaged")
          .because("its content does not match its id");
    return found;
  }

  std::unique_ptr<base::ByteSource> stream(const Oid& id) override {
    using Source = std::unique_ptr<base::ByteSource>;
    return with_object<Source>(
        id,
        [&](PackFile& pack, std::uint32_t position) -> Source {
          if (auto whole = pack.stream(position))
            return std::make_unique<VerifiedStream>(id, whole->first, std::move(whole->second));
          Object found = pack.read(position, UINT64_MAX);
          const ObjectHeader header{found.type, found.content.size()};
          return std::make_unique<VerifiedStream>(id, header, std::make_unique<HeldText>(std::move(found.content)));
        },
        [&](const fs::path& file) -> Source {
          auto stream = LooseStream::open(file);
          if (!stream) throw PackVanished{};
          const ObjectHeader header = stream->header();
          return std::make_unique<VerifiedStream>(id, header, std::move(stream));
        },
        [&]() -> Source { throw missing(id); });
  }

  void refresh() override {
    const std::lock_guard lock(refresh_mutex_);
    const std::shared_ptr<const Listing> before = current();
    auto listing = list(before.get());
    const std::lock_guard guard(mutex_);
    listing_ = std::move(listing);
  }

  void for_each(const std::function<void(const Oid&)>& visit) override {
    std::unordered_set<Oid> seen;
    const auto once = [&](const Oid& id) {
      if (seen.insert(id).second) visit(id);
    };
    looking_again([&](const Listing& listing) {
      for (const auto& pack : listing.packs) {
        if (!pack.file->sound()) continue;
        const PackIndex* index = pack.file->index();
        for (std::uint32_t i = 0; index != nullptr && i < index->count(); ++i) once(index->id(i));
      }
      for (unsigned folder = 0; folder < 256; ++folder)
        if (listing.loose_folders[folder])
          for (const Oid& id : loose_in(folder)) once(id);
    });
  }

  std::vector<Oid> with_prefix(const Oid& prefix, std::size_t digits, std::size_t limit) override {
    digits = std::min(digits, 2 * Oid::size);
    if (digits < 2) return {};
    std::vector<Oid> found;
    const auto once = [&](const Oid& id) {
      if (found.size() < limit && std::find(found.begin(), found.end(), id) == found.end()) found.push_back(id);
    };
    looking_again([&](const Listing& listing) {
      for (const auto& pack : listing.packs) {
        if (!pack.file->sound()) continue;
        const PackIndex* index = pack.file->index();
        if (index == nullptr) continue;
        const auto [first, last] = index->range(prefix, digits);
        for (std::uint32_t i = first; i < last && found.size() < limit; ++i) once(index->id(i));
      }
      const std::string start = prefix.hex().substr(0, digits);
      if (const unsigned folder = prefix.bytes()[0]; listing.loose_folders[folder])
        for (const Oid& id : loose_in(folder))
          if (id.hex().starts_with(start)) once(id);
    });
    return found;
  }

  bool is_cut(const Oid& commit) override { return current()->cut.contains(commit); }

  std::vector<std::string> problems() override {
    refresh();
    const std::shared_ptr<const Listing> listing = current();
    std::vector<std::string> found = listing->problems;
    for (const fs::path& index : listing->lone_indexes)
      if (!is_elsewhere(index)) found.push_back(printable(index.filename().native()) + ": its pack is missing");
    for (const auto& pack : listing->packs) {
      try {
        if (!pack.file->sound()) found.push_back(printable(pack.file->problem()));
      } catch (const PackVanished&) {
      } catch (const Error& error) {
        found.push_back(printable(pack.file->index_path().filename().native()) + ": " + error.message());
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }

 private:
  /// Finds the object and does with it what is asked; looks again where the files changed underneath.
  template <typename Out, typename InPack, typename InFile, typename Nowhere>
  Out with_object(const Oid& id, InPack in_pack, InFile in_file, Nowhere nowhere) {
    for (int tries = 0;; ++tries) {
      const std::shared_ptr<const Listing> listing = current();
      try {
        if (const std::optional<Found> found = find_packed(*listing, id)) {
          note_use(found->pack);
          return in_pack(*found->pack, found->position);
        }
        if (const std::optional<fs::path> file = loose_file(*listing, id)) return in_file(*file);
        if (tries == 0 && stale(*listing)) {
          refresh();
          continue;
        }
        return nowhere();
      } catch (const PackVanished&) {
        if (tries >= most_tries) throw too_fast();
        refresh();
      }
    }
  }

  /// Goes through a fresh listing, and again through a fresher one where a pack vanishes: what it held lies elsewhere.
  template <typename Look>
  void looking_again(Look look) {
    for (int tries = 0;; ++tries) {
      refresh();
      try {
        return look(*current());
      } catch (const PackVanished&) {
        if (tries >= most_tries) throw too_fast();
      }
    }
  }

  /// Whether all objects of an index are in packs that are there: its own was joined with others, or is no loss.
  bool is_elsewhere(const fs::path& file) {
    try {
      const auto index = PackIndex::open(file);
      index->verify();
      for (std::uint32_t i = 0; i < index->count(); ++i)
        if (!knows(index->id(i))) return false;
      return true;
    } catch (const Error& error) {
      return error.code() == ErrorCode::not_found;
    }
  }

  static Error too_fast() {
    return Error(ErrorCode::busy, "the packs change faster than they can be read").hint("run the command again");
  }

  std::shared_ptr<const Listing> current() const {
    const std::lock_guard lock(mutex_);
    return listing_;
  }

  std::shared_ptr<const Listing> list(const Listing* before) const {
    auto listing = std::make_shared<Listing>();
    const fs::path folder = objects_ / "pack";
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    listing->taken = nanoseconds(now);
    listing->cut = read_shallow(objects_.parent_path()).commits;
    // The times come first: what changes while the folders are read changes them again.
    listing->objects_modified = modified(objects_);
    listing->packs_modified = modified(folder);

    std::error_code error;
    for (fs::directory_iterator it(objects_, error), end; !error && it != end; it.increment(error)) {
      const std::string name = it->path().filename().string();
      if (is_hex_pair(name)) listing->loose_folders.set(std::stoul(name, nullptr, 16));
    }
    if (error) base::throw_errno(error.value(), "read the folder", objects_);

    std::vector<std::pair<fs::path, FileStamp>> indexes;
    std::map<std::string, unsigned> halves;  // stem to: 1 a pack, 2 an index
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      const fs::path& path = it->path();
      if (!path.filename().native().starts_with("pack-")) continue;
      struct stat status {};
      if (path.extension() == ".pack") {
        halves[path.stem().string()] |= 1;
      } else if (path.extension() == ".idx") {
        if (::lstat(path.c_str(), &status) != 0) {
          if (errno == ENOENT) continue;
          base::throw_errno(errno, "read", path);
        }
        halves[path.stem().string()] |= 2;
        indexes.emplace_back(path, stamp_of(status));
      }
    }
    if (error && error != std::errc::no_such_file_or_directory)
      base::throw_errno(error.value(), "read the folder", folder);
    for (const auto& [stem, which] : halves) {
      if (which == 1) listing->problems.push_back(printable(stem) + ".pack: it has no index");
      if (which == 2) listing->lone_indexes.push_back(folder / (stem + ".idx"));
    }
    for (auto& [path, stamp] : indexes) {
      if (halves[path.stem().string()] != 3 || left_out(fs::path(path).replace_extension(".pack"))) continue;
      std::shared_ptr<PackFile> file;
      if (before != nullptr)
        for (const auto& old : before->packs)
          if (old.stamp == stamp && old.file->index_path() == path) file = old.file;
      if (!file) file = std::make_shared<PackFile>(path);
      listing->packs.push_back({std::move(file), stamp});
    }
    std::sort(listing->packs.begin(), listing->packs.end(), [](const Listing::Pack& a, const Listing::Pack& b) {
      if (a.stamp.modified != b.stamp.modified) return a.stamp.modified > b.stamp.modified;
      return a.file->index_path() < b.file->index_path();
    });
    return listing;
  }

  /// Whether the folders may hold what the listing does not. A change within the grain of the clock before the listing
  /// was taken cannot be told from none.
  bool stale(const Listing& listing) const {
    constexpr std::int64_t grain = 50'000'000;
    const auto changed = [&](std::int64_t then, std::int64_t now) {
      return now != then || now + grain > listing.taken;
    };
    return changed(listing.objects_modified, modified(objects_)) ||
           changed(listing.packs_modified, modified(objects_ / "pack"));
  }

  struct Found {
    std::shared_ptr<PackFile> pack;
    std::uint32_t position = 0;
    std::uint16_t rank = 0;  // of the pack among the others
  };
  std::optional<Found> find_packed(const Listing& listing, const Oid& id) {
    std::uint16_t rank = 0;
    for (const auto& pack : listing.packs) {
      ++rank;
      const PackIndex* index = pack.file->index();
      if (index == nullptr) continue;
      const std::optional<std::uint32_t> position = index->find(id);
      if (position && pack.file->sound()) return Found{pack.file, *position, rank};
    }
    return std::nullopt;
  }

  std::optional<fs::path> loose_file(const Listing& listing, const Oid& id) const {
    if (!listing.loose_folders[id.bytes()[0]]) return std::nullopt;
    const std::string hex = id.hex();
    fs::path file = objects_ / hex.substr(0, 2) / hex.substr(2);
    struct stat status {};
    if (left_out(file)) return std::nullopt;
    if (::lstat(file.c_str(), &status) == 0) return file;
    if (errno != ENOENT && errno != ENOTDIR) base::throw_errno(errno, "read", file);
    return std::nullopt;
  }

  /// Why an object is not there: a damaged pack may have held it.
  Error missing(const Oid& id) {
    std::vector<std::string> wrong = problems();
    if (wrong.empty()) return Error(ErrorCode::not_found, "there is no object " + id.hex());
    Error error(ErrorCode::corrupt, "the object " + id.hex() + " cannot be found");
    for (std::string& line : wrong) error.because(std::move(line));
    return error;
  }

  [[noreturn]] static void refuse_size(std::uint64_t size, std::uint64_t limit) {
    throw Error(ErrorCode::refused,
                "an object of " + std::to_string(size) + " bytes is larger than the limit of " + std::to_string(limit));
  }

  std::vector<Oid> loose_in(unsigned folder) const {
    constexpr std::string_view digits = "0123456789abcdef";
    const std::string pair{digits[folder >> 4], digits[folder & 15]};
    std::vector<Oid> ids;
    std::error_code error;
    for (fs::directory_iterator it(objects_ / pair, error), end; !error && it != end; it.increment(error)) {
      const std::string name = pair + it->path().filename().string();
      if (name.size() == 2 * Oid::size && name.find_first_not_of(digits) == std::string::npos)
        ids.push_back(Oid::parse(name));
    }
    return ids;
  }

  /// Keeps the packs used last open, the others closed: a store may have more packs than a process may open files.
  void note_use(const std::shared_ptr<PackFile>& pack) {
    const std::lock_guard lock(open_mutex_);
    if (!open_.empty() && open_.front() == pack) return;
    const auto known = std::find(open_.begin(), open_.end(), pack);
    if (known != open_.end())
      open_.splice(open_.begin(), open_, known);
    else
      open_.push_front(pack);
    while (open_.size() > most_open_packs) {
      open_.back()->close();
      open_.pop_back();
    }
  }

  bool left_out(const fs::path& file) const { return std::binary_search(without_.begin(), without_.end(), file); }

  fs::path objects_;
  std::vector<fs::path> without_;  // sorted
  mutable std::mutex mutex_;       // of listing_
  std::shared_ptr<const Listing> listing_;
  std::mutex refresh_mutex_;
  std::mutex open_mutex_;
  std::list<std::shared_ptr<PackFile>> open_;
};

}  // namespace

bool ObjectDatabase::is_cut(const Oid&) { return false; }

std::string_view type_name(ObjectType type) noexcept {
  switch (type) {
    case ObjectType::commit: return "commit";
    case ObjectType::tree: return "tree";
    case ObjectType::blob: return "blob";
    case ObjectType::tag: return "tag";
  }
  return "";
}

std::shared_ptr<ObjectDatabase> ObjectDatabase::open(const fs::path& objects, std::vector<fs::path> without) {
  struct stat status {};
  if (::lstat(objects.c_str(), &status) != 0) base::throw_errno(errno, "read the folder", objects);
  if (!S_ISDIR(status.st_mode))
    throw Error(ErrorCode::corrupt, "the objects folder " + quote(objects.native()) + " is no folder");
  return std::make_shared<Database>(objects, std::move(without));
}

}  // namespace pod::git
