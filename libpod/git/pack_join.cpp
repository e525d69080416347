#include "git/pack_join.hpp"

#include "git/deflate.hpp"
#include "git/pack_file.hpp"
#include "git/pack_output.hpp"

#include <libpod/error.hpp>

#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <unordered_map>

namespace pod::git {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t least_to_join = 8;
constexpr std::uint64_t most_bytes = 512ull << 20;  // of one join
constexpr std::size_t piece_size = 1 << 20;

struct Candidate {
  fs::path index;
  std::uint64_t bytes = 0;
};

bool exists(const fs::path& index, const char* extension) {
  return ::access(fs::path(index).replace_extension(extension).c_str(), F_OK) == 0;
}

std::vector<Candidate> candidates(const fs::path& folder) {
  std::vector<Candidate> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const fs::path& path = it->path();
    if (path.extension() != ".idx" || !path.filename().native().starts_with("pack-")) continue;
    struct stat status {};
    if (::lstat(fs::path(path).replace_extension(".pack").c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    if (exists(path, ".keep") || exists(path, ".mtimes") || exists(path, ".promisor")) continue;
    found.push_back({path, static_cast<std::uint64_t>(status.st_size)});
  }
  std::sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
    return a.bytes != b.bytes ? a.bytes < b.bytes : a.index < b.index;
  });
  return found;
}

/// Why a join cannot be made; the packs stay as they are, and a check names what is wrong with them.
struct Unsuitable {};

/// One pack after the other into the new one.
class Join {
 public:
  explicit Join(PackOutput& out) : out_(out) {}

  void take(PackFile& file) {
    if (!file.sound()) throw Unsuitable{};
    const PackIndex& index = *file.index();
    const std::shared_ptr<const OpenPack> pack = file.open();
    std::vector<Place> places;
    places.reserve(index.count());
    bool all_new = true;
    for (std::uint32_t i = 0; i < index.count(); ++i) {
      const auto offset = index.offset(i);
      if (!offset || *offset < pack_head_size || *offset >= pack->end) throw Unsuitable{};
      places.push_back({*offset, i});
      all_new = all_new && !placed_.contains(index.id(i));
    }
    std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.offset < b.offset; });
    // Without a gap the distances between deltas and their bases stay as they are.
    if (!places.empty() && places.front().offset != pack_head_size) all_new = false;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const std::uint64_t end = i + 1 < places.size() ? places[i + 1].offset : pack->end;
      if (end == places[i].offset) throw Unsuitable{};
      const Oid id = index.id(places[i].position);
      if (placed_.contains(id)) continue;
      const std::uint64_t start = out_.position();
      if (all_new || !move_delta(index, pack, places, places[i], end, id)) {
        copy(*pack, places[i].offset, end, index.crc(places[i].position));
        out_.add_entry(id, index.crc(places[i].position), start);
      }
      placed_.emplace(id, start);
    }
  }

 private:
  struct Place {
    std::uint64_t offset = 0;
    std::uint32_t position = 0;
  };

  /// An entry byte by byte.
  void copy(const OpenPack& pack, std::uint64_t from, std::uint64_t to, std::uint32_t crc) {
    std::uint32_t seen = 0;
    for (std::uint64_t at = from; at < to;) {
      const std::string_view piece = read(pack, at, to);
      seen = crc32_of(seen, base::bytes_of(piece));
      out_.append(piece);
      at += piece.size();
    }
    if (seen != crc) throw Unsuitable{};
  }

  /// A delta by offset whose base lies elsewhere now: the head is written anew, the stream copied. False: it is none.
  bool move_delta(const PackIndex& index, const std::shared_ptr<const OpenPack>& pack, const std::vector<Place>& places,
                  const Place& place, std::uint64_t end, const Oid& id) {
    const PackEntry entry = read_entry(*pack, place.offset);
    if (entry.kind != EntryKind::offset_delta) return false;
    const auto base = std::lower_bound(places.begin(), places.end(), entry.base_offset,
                                       [](const Place& a, std::uint64_t offset) { return a.offset < offset; });
    if (base == places.end() || base->offset != entry.base_offset || entry.data > end) throw Unsuitable{};
    std::uint32_t old_crc = 0;
    for (std::uint64_t at = place.offset; at < end;) {
      const std::string_view piece = read(*pack, at, end);
      old_crc = crc32_of(old_crc, base::bytes_of(piece));
      at += piece.size();
    }
    if (old_crc != index.crc(place.position)) throw Unsuitable{};

    const std::uint64_t start = out_.position();
    std::string head;
    append_entry_head(head, offset_delta_type, entry.size);
    append_base_distance(head, start - placed_.at(index.id(base->position)));
    std::uint32_t crc = crc32_of(0, base::bytes_of(head));
    out_.append(head);
    for (std::uint64_t at = entry.data; at < end;) {
      const std::string_view piece = read(*pack, at, end);
      crc = crc32_of(crc, base::bytes_of(piece));
      out_.append(piece);
      at += piece.size();
    }
    out_.add_entry(id, crc, start);
    return true;
  }

  /// Up to the next megabyte of the pack; small entries come out of one read.
  std::string_view read(const OpenPack& pack, std::uint64_t from, std::uint64_t to) {
    if (&pack != buffered_ || from < buffer_at_ || from >= buffer_at_ + buffer_.size()) {
      ssize_t got = 0;
      const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(piece_size, pack.end - from));
      buffer_.resize(want);
      do got = ::pread(pack.fd.get(), buffer_.data(), want, static_cast<off_t>(from));
      while (got < 0 && errno == EINTR);
      if (got < 0) base::throw_errno(errno, "read", pack.path);
      buffer_.resize(static_cast<std::size_t>(got));
      buffered_ = &pack;
      buffer_at_ = from;
      if (got == 0) throw Unsuitable{};
    }
    return std::string_view(buffer_).substr(static_cast<std::size_t>(from - buffer_at_),
                                            static_cast<std::size_t>(to - from));
  }

  PackOutput& out_;
  std::unordered_map<Oid, std::uint64_t> placed_;
  const OpenPack* buffered_ = nullptr;
  std::string buffer_;
  std::uint64_t buffer_at_ = 0;
};

}  // namespace

std::vector<fs::path> packs_to_join(const fs::path& objects) {
  const std::vector<Candidate> packs = candidates(objects / "pack");
  if (packs.size() < least_to_join) return {};
  // From the largest down, as long as each is twice the next one.
  std::size_t count = packs.size() - 1;
  while (count > 0 && packs[count].bytes >= 2 * packs[count - 1].bytes) --count;
  if (count > 0) ++count;  // the pair that broke the row
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += packs[i].bytes;
  while (count < packs.size() && count > 0 && packs[count].bytes < 2 * sum) sum += packs[count++].bytes;
  while (count > 0 && sum > most_bytes) sum -= packs[--count].bytes;
  if (count < least_to_join) return {};
  std::vector<fs::path> chosen;
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(packs[i].index);
  return chosen;
}

std::optional<JoinedPacks> join_packs(const fs::path& objects, const std::vector<fs::path>& indexes,
                                      const Context& context) {
  if (indexes.size() < 2) return std::nullopt;
  PackOutput out(objects, context);
  Join join(out);
  try {
    // Every pack stays open meanwhile: a reader's cache knows them by address.
    std::vector<std::unique_ptr<PackFile>> files;
    for (const fs::path& index : indexes) join.take(*files.emplace_back(std::make_unique<PackFile>(index)));
  } catch (const Unsuitable&) {
    return std::nullopt;
  } catch (const PackVanished&) {
    return std::nullopt;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt) throw;
    return std::nullopt;
  }
  out.seal();
  return JoinedPacks{out.publish(), out.count(), out.bytes()};
}

void remove_pack(const fs::path& index) {
  for (const char* extension : {".pack", ".mtimes", ".rev", ".bitmap", ".idx"})
    if (const fs::path file = fs::path(index).replace_extension(extension);
        ::unlink(file.c_str()) != 0 && errno != ENOENT)
      base::throw_errno(errno, "remove", file);
}

}  // namespace pod::git
