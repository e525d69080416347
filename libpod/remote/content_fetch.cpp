#include "remote/content_fetch.hpp"

#include "git/object_table.hpp"
#include "git/pack_scan.hpp"
#include "git/repository.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <ctime>

namespace pod::remote {
namespace {

namespace fs = std::filesystem;
using git::ObjectType;

constexpr std::uint64_t frame = 12;          // before the first entry
constexpr std::uint64_t near = 64ull << 10;  // a gap that is fetched along
constexpr std::size_t most_rounds = 12;      // before packs are fetched whole
constexpr std::uint64_t tree_limit = 64ull << 20;
constexpr std::string_view chunks_suffix = ".chunks";

}  // namespace

ContentFetch::ContentFetch(fs::path folder, std::shared_ptr<git::ObjectDatabase> have, std::vector<Oid> commits,
                           const Context& context)
    : folder_(std::move(folder)), have_(std::move(have)), commits_(std::move(commits)), context_(context) {
  fs::create_directories(folder_ / "pack");
  ::clock_gettime(CLOCK_REALTIME, &age_);
}

std::size_t ContentFetch::add_pack(const PackInfo& info, const fs::path& index, const fs::path& file) {
  const auto damaged = [&](std::string_view why) {
    return Error(ErrorCode::corrupt, "the index of the pack " + quote(digest::hex(info.pack.sha256)) + " is not taken")
        .because(std::string(why));
  };
  Pack pack;
  pack.size = info.pack.size;
  pack.index = git::PackIndex::open(index);
  pack.index->verify();
  if (pack.index->count() != info.objects) throw damaged("it has another number of objects than the manifest says");
  if (pack.size < frame + Oid::size) throw damaged("its pack is too short");
  const std::uint64_t end = pack.size - Oid::size;
  for (std::uint32_t i = 0; i < pack.index->count(); ++i) {
    const auto offset = pack.index->offset(i);
    if (!offset || *offset < frame || *offset >= end) throw damaged("an entry lies outside of its pack");
    pack.starts.push_back(*offset);
  }
  std::sort(pack.starts.begin(), pack.starts.end());
  if (std::adjacent_find(pack.starts.begin(), pack.starts.end()) != pack.starts.end())
    throw damaged("two entries lie at one place");
  pack.starts.push_back(end);

  const std::string name = "pack-" + pack.index->pack_checksum().hex();
  pack.file = folder_ / "pack" / (name + ".pack");
  if (by_name_.contains(name)) throw damaged("another pack has the same checksum");
  fs::copy_file(index, fs::path(pack.file).replace_extension(".idx"));
  {
    const base::Fd fd = base::open_file(file, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (::ftruncate(fd.get(), static_cast<off_t>(pack.size)) != 0) base::throw_errno(errno, "write", file);
  }
  if (::link(file.c_str(), pack.file.c_str()) != 0) base::throw_errno(errno, "link", pack.file);
  by_name_[name] = packs_.size();
  packs_.push_back(std::move(pack));
  open_.emplace_back();
  return packs_.size() - 1;
}

/// Of an object that several packs hold, readers take the one in the newest, then by name: all are of one age.
void ContentFetch::make_one_age() const {
  const timespec times[2] = {age_, age_};
  for (const Pack& pack : packs_)
    if (::utimensat(AT_FDCWD, pack.file.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0 ||
        ::utimensat(AT_FDCWD, fs::path(pack.file).replace_extension(".idx").c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
      base::throw_errno(errno, "write", pack.file);
}

std::optional<ContentFetch::Place> ContentFetch::find(const Oid& id) const {
  for (const auto& [name, pack] : by_name_)
    if (const auto position = packs_[pack].index->find(id))
      return entry_at(pack, *packs_[pack].index->offset(*position));
  return std::nullopt;
}

ContentFetch::Place ContentFetch::entry_at(std::size_t pack, std::uint64_t offset) const {
  const std::vector<std::uint64_t>& starts = packs_[pack].starts;
  const auto start = std::lower_bound(starts.begin(), starts.end(), offset);
  if (start == starts.end() || *start != offset || start + 1 == starts.end())
    throw Error(ErrorCode::corrupt, "the base of a delta is nowhere in its pack")
        .because("the pack is " + quote(packs_[pack].file.filename().native()));
  return {pack, *start, *(start + 1)};
}

bool ContentFetch::is_there(const Place& place) const {
  const auto& there = packs_[place.pack].there;
  const auto after = there.upper_bound(place.begin);
  return after != there.begin() && std::prev(after)->second >= place.end;
}

const git::OpenPack& ContentFetch::open(std::size_t pack) {
  if (!open_[pack]) open_[pack] = git::open_pack(packs_[pack].file);
  return *open_[pack];
}

bool ContentFetch::is_whole(const Place& place, std::vector<Place>& wanted) {
  Place at = place;
  for (;;) {
    if (!is_there(at)) {
      wanted.push_back(at);
      return false;
    }
    const git::PackEntry entry = git::read_entry(open(at.pack), at.begin);
    if (entry.kind == git::EntryKind::whole) return true;
    if (entry.kind == git::EntryKind::offset_delta) {
      at = entry_at(at.pack, entry.base_offset);
    } else {
      const auto position = packs_[at.pack].index->find(entry.base_id);
      const Place base = position ? entry_at(at.pack, *packs_[at.pack].index->offset(*position)) : at;
      // Our packs name bases by offset; others may lead round in a circle.
      if (base.begin >= at.begin)
        throw Error(ErrorCode::corrupt, "a delta has no base before it")
            .because("it is in the pack " + quote(packs_[at.pack].file.native()));
      at = base;
    }
  }
}

/// Files of the commit that are not there yet, in the order of their paths.
void ContentFetch::look_into(const Oid& commit) {
  struct Step {
    Oid id;
    bool tree = true;
    bool content = false;
  };
  std::vector<Step> open{{git::parse_commit(commit, have_->read(commit, ObjectType::commit)).tree, true, false}};
  while (!open.empty()) {
    context_.cancel->check();
    const Step step = open.back();
    open.pop_back();
    if (!met_.insert(step.id).second) continue;
    if (step.content || !step.tree) {
      // A tree of chunks that is here may lack chunks.
      if (step.tree || !have_->knows(step.id)) waiting_.emplace_back(step.id, step.tree);
      continue;
    }
    const auto entries = git::parse_tree(step.id, have_->read(step.id, ObjectType::tree, tree_limit));
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
      open.push_back({entry->id, entry->is_tree(), entry->is_tree() && entry->name.ends_with(chunks_suffix)});
  }
}

std::vector<Stretch> ContentFetch::next() {
  if (rounds_++ == 0) {
    for (const Oid& commit : commits_) look_into(commit);
    std::reverse(waiting_.begin(), waiting_.end());  // the next one stands last
  }
  make_one_age();
  const auto upper = git::ObjectDatabase::open(folder_);
  std::vector<Place> wanted;
  std::vector<std::pair<Oid, bool>> later;
  while (!waiting_.empty()) {
    context_.cancel->check();
    const auto [id, tree] = waiting_.back();
    waiting_.pop_back();
    const bool have = have_->knows(id);
    if (!have) {
      const auto place = find(id);
      if (!place) throw Error(ErrorCode::corrupt, "the object " + id.hex() + " is in none of the remote's packs");
      if (!is_whole(*place, wanted)) {
        later.emplace_back(id, tree);
        continue;
      }
      (tree ? trees_ : blobs_).push_back(id);
    }
    if (!tree) continue;
    const auto entries = git::parse_tree(id, (have ? *have_ : *upper).read(id, ObjectType::tree, tree_limit));
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
      if (met_.insert(entry->id).second && (entry->is_tree() || !have_->knows(entry->id)))
        waiting_.emplace_back(entry->id, entry->is_tree());
  }
  waiting_.assign(later.rbegin(), later.rend());
  return stretches(std::move(wanted));
}

std::vector<Stretch> ContentFetch::stretches(std::vector<Place> wanted) {
  std::sort(wanted.begin(), wanted.end(),
            [](const Place& a, const Place& b) { return a.pack != b.pack ? a.pack < b.pack : a.begin < b.begin; });
  std::vector<std::uint64_t> bytes(packs_.size(), 0);
  for (const Place& place : wanted) bytes[place.pack] += place.end - place.begin;
  std::vector<Stretch> out;
  for (const Place& place : wanted) {
    Pack& pack = packs_[place.pack];
    const bool whole = rounds_ > most_rounds || (pack.given + bytes[place.pack]) * 2 > pack.size;
    if (whole) {
      if (!is_there({place.pack, 0, pack.size})) {
        out.push_back({place.pack, 0, pack.size});
        pack.there.clear();
        pack.there[0] = pack.size;
      }
      continue;
    }
    // Head and trailer come along: without them it is no pack.
    if (pack.there.empty()) {
      out.push_back({place.pack, 0, frame});
      out.push_back({place.pack, pack.size - Oid::size, pack.size});
      pack.there[0] = frame;
      pack.there[pack.size - Oid::size] = pack.size;
    }
    if (is_there(place)) continue;
    auto before = std::prev(pack.there.upper_bound(place.begin));
    const bool extends = !out.empty() && out.back().pack == place.pack && out.back().end == before->second &&
                         place.begin - before->second <= near;
    if (extends) {
      before->second = place.end;
      out.back().end = place.end;
    } else {
      pack.there[place.begin] = place.end;
      out.push_back({place.pack, place.begin, place.end});
    }
  }
  for (const Stretch& stretch : out) {
    packs_[stretch.pack].given += stretch.end - stretch.begin;
    bytes_ += stretch.end - stretch.begin;
  }
  return out;
}

std::vector<OutgoingPack> ContentFetch::finish(const PackingOptions& options) {
  make_one_age();
  const git::ObjectTable table = git::ObjectTable::read(folder_, "", context_);
  const auto objects = git::ObjectDatabase::open(folder_);
  MissingObjects needed;
  for (const auto* list : {&trees_, &blobs_})
    for (const Oid& id : *list) {
      const auto number = table.find(id);
      if (!number) throw Error(ErrorCode::corrupt, "the object " + id.hex() + " cannot be read");
      needed.content.push_back(*number);
      needed.stored_bytes += table.stored_size(*number);
    }
  return write_packs(table, *objects, needed, options, context_);
}

}  // namespace pod::remote
