#include "git/object_table.hpp"

#include "base/files.hpp"

#include <libpod/error.hpp>

#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace pod::git {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t times_head = 12;
constexpr std::size_t most_open = 256;

bool has(const fs::path& index, const char* extension) {
  const fs::path file = fs::path(index).replace_extension(extension);
  if (::access(file.c_str(), F_OK) == 0) return true;
  if (errno != ENOENT) base::throw_errno(errno, "read", file);
  return false;
}

std::int64_t modified(const fs::path& file) {
  struct stat status {};
  if (::lstat(file.c_str(), &status) != 0) {
    if (errno == ENOENT) throw PackVanished{};
    base::throw_errno(errno, "read", file);
  }
  return status.st_mtim.tv_sec;
}

/// What a cruft pack says of its objects' ages; empty for what it cannot be.
std::vector<std::uint32_t> read_times(const fs::path& index, std::size_t count) {
  const fs::path file = fs::path(index).replace_extension(".mtimes");
  const std::uint64_t size = times_head + 4 * std::uint64_t{count} + 2 * Oid::size;
  const auto text = base::read_file(file, size);
  if (!text || text->size() != size || !text->starts_with(std::string_view("MTME\0\0\0\1", 8))) return {};
  std::vector<std::uint32_t> times(count);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t byte = 0; byte < 4; ++byte)
      times[i] = times[i] << 8 | static_cast<unsigned char>((*text)[times_head + 4 * i + byte]);
  return times;
}

std::uint32_t clamped(std::int64_t seconds) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, UINT32_MAX));
}

/// Positions in the order in which the entries lie. The offsets are taken out first: a lookup in the index is more than
/// a comparison.
std::vector<std::uint32_t> by_offset(const PackIndex& index) {
  std::vector<std::pair<std::optional<std::uint64_t>, std::uint32_t>> places;
  places.reserve(index.count());
  for (std::uint32_t i = 0; i < index.count(); ++i) places.emplace_back(index.offset(i), i);
  std::sort(places.begin(), places.end());
  std::vector<std::uint32_t> positions;
  positions.reserve(places.size());
  for (const auto& [offset, position] : places) positions.push_back(position);
  return positions;
}

}  // namespace

void ObjectTable::add_packs(const fs::path& folder, std::string_view preferred) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const fs::path& path = it->path();
    if (path.extension() != ".idx" || !path.filename().native().starts_with("pack-") || !has(path, ".pack")) continue;
    Pack pack;
    pack.file = std::make_shared<PackFile>(path);
    if (!pack.file->sound()) continue;
    // Open from here on, so that it can be read to its end whoever removes it meanwhile.
    if (packs_.size() < most_open) static_cast<void>(pack.file->open());
    pack.modified = modified(fs::path(path).replace_extension(".pack"));
    pack.kept = has(path, ".keep") || has(path, ".promisor");
    pack.preferred = path.stem().native() == preferred;
    const PackIndex& index = *pack.file->index();
    pack.by_offset = by_offset(index);
    if (has(path, ".mtimes")) pack.times = read_times(path, index.count());
    packs_.push_back(std::move(pack));
  }
  if (error && error != std::errc::no_such_file_or_directory)
    base::throw_errno(error.value(), "read the folder", folder);
  std::sort(packs_.begin(), packs_.end(), [](const Pack& a, const Pack& b) {
    if (a.preferred != b.preferred) return a.preferred;
    if (a.modified != b.modified) return a.modified > b.modified;
    return a.file->index_path() < b.file->index_path();
  });
}

void ObjectTable::add_loose(const fs::path& objects) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (unsigned folder = 0; folder < 256; ++folder) {
    const std::string pair{digits[folder >> 4], digits[folder & 15]};
    std::error_code error;
    for (fs::directory_iterator it(objects / pair, error), end; !error && it != end; it.increment(error)) {
      const std::string name = pair + it->path().filename().string();
      if (name.size() == 2 * Oid::size && name.find_first_not_of(digits) == std::string::npos)
        loose_files_.push_back(it->path());
    }
    if (error && error != std::errc::no_such_file_or_directory)
      base::throw_errno(error.value(), "read the folder", objects / pair);
  }
}

ObjectTable ObjectTable::read(const fs::path& objects, std::string_view preferred, const Context& context) {
  ObjectTable table;
  table.add_packs(objects / "pack", preferred);
  table.add_loose(objects);
  std::size_t all = table.loose_files_.size();
  for (const Pack& pack : table.packs_) all += pack.by_offset.size();
  if (all >= no_object) throw Error(ErrorCode::refused, "the repository holds too many objects");

  struct Place {
    Oid id;
    std::uint32_t pack;
    std::uint32_t position;
    std::uint32_t time;
  };
  std::vector<Place> places;
  places.reserve(all);
  for (std::uint32_t number = 0; number < table.packs_.size(); ++number) {
    context.cancel->check();
    const Pack& pack = table.packs_[number];
    const PackIndex& index = *pack.file->index();
    for (std::uint32_t i = 0; i < index.count(); ++i)
      places.push_back({index.id(i), number, i, pack.times.empty() ? clamped(pack.modified) : pack.times[i]});
  }
  const auto loose = static_cast<std::uint32_t>(table.packs_.size());
  for (std::uint32_t i = 0; i < table.loose_files_.size(); ++i) {
    const fs::path& file = table.loose_files_[i];
    struct stat status {};
    if (::lstat(file.c_str(), &status) != 0) continue;
    places.push_back({Oid::parse(file.parent_path().filename().native() + file.filename().native()), loose, i,
                      clamped(status.st_mtim.tv_sec)});
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    if (const auto order = a.id <=> b.id; order != 0) return order < 0;
    return a.pack < b.pack;
  });
  std::size_t different = 0;
  for (std::size_t i = 0; i < places.size(); ++i) different += i == 0 || places[i].id != places[i - 1].id;
  table.ids_.reserve(different);
  table.pack_numbers_.reserve(different);
  table.positions_.reserve(different);
  table.times_.reserve(different);
  for (const Place& place : places) {
    if (!table.ids_.empty() && table.ids_.back() == place.id) {
      table.times_.back() = std::max(table.times_.back(), place.time);
      continue;
    }
    table.ids_.push_back(place.id);
    table.pack_numbers_.push_back(place.pack);
    table.positions_.push_back(place.position);
    table.times_.push_back(place.time);
  }
  return table;
}

std::optional<ObjectNumber> ObjectTable::find(const Oid& id) const {
  const auto found = std::lower_bound(ids_.begin(), ids_.end(), id);
  if (found == ids_.end() || *found != id) return std::nullopt;
  return static_cast<ObjectNumber>(found - ids_.begin());
}

const ObjectTable::Pack* ObjectTable::pack_of(ObjectNumber number) const {
  const std::uint32_t pack = pack_numbers_[number];
  return pack < packs_.size() ? &packs_[pack] : nullptr;
}

std::pair<std::uint64_t, std::uint64_t> ObjectTable::range_of(ObjectNumber number) const {
  const Pack& pack = packs_[pack_numbers_[number]];
  const std::optional<std::uint64_t> start = pack.file->index()->offset(positions_[number]);
  if (!start)
    throw Error(ErrorCode::corrupt, "the pack index " + quote(pack.file->index_path().native()) + " is damaged");
  const PackIndex& index = *pack.file->index();
  const auto next =
      std::upper_bound(pack.by_offset.begin(), pack.by_offset.end(), *start,
                       [&](std::uint64_t offset, std::uint32_t other) { return offset < index.offset(other); });
  return {*start, next != pack.by_offset.end() ? index.offset(*next).value_or(0) : pack.file->open()->end};
}

std::optional<ObjectNumber> ObjectTable::at(const Pack& pack, std::uint64_t offset) const {
  const PackIndex& index = *pack.file->index();
  const auto found =
      std::lower_bound(pack.by_offset.begin(), pack.by_offset.end(), offset,
                       [&](std::uint32_t other, std::uint64_t wanted) { return index.offset(other) < wanted; });
  if (found == pack.by_offset.end() || index.offset(*found) != offset) return std::nullopt;
  return find(index.id(*found));
}

std::uint64_t ObjectTable::stored_size(ObjectNumber number) const {
  if (pack_of(number) != nullptr) {
    const auto [start, end] = range_of(number);
    return end - std::min(start, end);
  }
  struct stat status {};
  return ::lstat(loose_file_of(number).c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

}  // namespace pod::git
