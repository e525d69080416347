#include "remote/compaction.hpp"

#include "base/files.hpp"
#include "git/repository.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <algorithm>
#include <cerrno>
#include <numeric>

namespace pod::remote {
namespace {

namespace fs = std::filesystem;
using git::ObjectNumber;
using git::ObjectType;

constexpr std::size_t few = 32;
constexpr std::size_t untouched = 12;
constexpr std::uint64_t most_bytes = 256ull << 20;
constexpr std::size_t nearly_full = 48;
constexpr std::uint64_t tree_limit = 256ull << 20;
constexpr std::string_view chunks_suffix = ".chunks";

/// What each object is for, by the trees that name it.
class Kinds {
 public:
  Kinds(const git::ObjectTable& table, git::ObjectDatabase& objects) : table_(table), objects_(objects) {
    types_.reserve(table.size());
    for (ObjectNumber i = 0; i < table.size(); ++i) {
      const auto header = objects.header(table.id(i));
      types_.push_back(header ? header->type : ObjectType::blob);
      // What no version here names: by its type alone.
      kinds_.push_back(types_[i] == ObjectType::blob ? PackKind::content : PackKind::skeleton);
    }
    seen_.resize(table.size());
    for (ObjectNumber i = 0; i < table.size(); ++i)
      if (types_[i] == ObjectType::commit)
        walk(git::parse_commit(table.id(i), objects.read(table.id(i), ObjectType::commit, tree_limit)).tree);
  }

  PackKind kind(ObjectNumber number) const { return kinds_[number]; }
  bool is_tree(ObjectNumber number) const { return types_[number] == ObjectType::tree; }

 private:
  struct Step {
    Oid id;
    bool in_pod = false;
    bool in_chunks = false;
    bool at_root = false;
  };
  void walk(const Oid& root) {
    std::vector<Step> open{{root, false, false, true}};
    while (!open.empty()) {
      const Step step = open.back();
      open.pop_back();
      const auto number = table_.find(step.id);
      if (!number || (seen_[*number] && !step.in_pod)) continue;
      const bool first = !seen_[*number];
      seen_[*number] = true;
      const bool tree = types_[*number] == ObjectType::tree;
      const bool skeleton = step.in_pod || (tree && !step.in_chunks);
      if (!first && kinds_[*number] == PackKind::skeleton) continue;
      kinds_[*number] = skeleton ? PackKind::skeleton : PackKind::content;
      if (!tree) continue;
      for (const git::TreeEntry& entry :
           git::parse_tree(step.id, objects_.read(step.id, ObjectType::tree, tree_limit))) {
        const bool pod = step.in_pod || (step.at_root && entry.name == ".pod");
        const bool chunks = step.in_chunks || (!pod && entry.is_tree() && entry.name.ends_with(chunks_suffix));
        open.push_back({entry.id, pod, chunks, false});
      }
    }
  }

  const git::ObjectTable& table_;
  git::ObjectDatabase& objects_;
  std::vector<ObjectType> types_;
  std::vector<PackKind> kinds_;
  std::vector<bool> seen_;
};

}  // namespace

std::vector<std::size_t> packs_to_compact(const std::vector<PackInfo>& packs) {
  if (packs.size() <= few) return {};
  std::vector<std::size_t> order(packs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return packs[a].pack.size < packs[b].pack.size; });
  std::vector<std::size_t> chosen;
  std::uint64_t bytes = 0;
  for (const std::size_t place : order) {
    if (packs.size() - chosen.size() <= untouched) break;
    bytes += packs[place].pack.size;
    if (bytes > most_bytes && packs.size() - chosen.size() < nearly_full) break;
    chosen.push_back(place);
  }
  if (chosen.size() < 2) return {};
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

std::vector<OutgoingPack> compact(const std::vector<RemotePackFile>& packs, const fs::path& spool,
                                  const PackingOptions& options, const Context& context) {
  const base::TempFolder folder(spool, "tmp-compaction-");
  fs::create_directory(folder.path() / "pack");
  std::vector<std::string> names;  // in the order of the manifest
  for (const RemotePackFile& pack : packs) {
    const git::ForeignPack found = git::check_foreign_pack(pack.file, digest::hex(pack.info.pack.sha256), {}, context);
    const fs::path place = folder.path() / "pack" / ("pack-" + found.checksum.hex() + ".pack");
    names.push_back(place.stem().string());
    std::error_code error;
    fs::create_hard_link(pack.file, place, error);
    if (error && !fs::exists(place)) fs::copy_file(pack.file, place);
    // Of an object that several have, the newest file's entry would be taken: by age they are all the same.
    const timespec times[2] = {{1, 0}, {1, 0}};
    if (::utimensat(AT_FDCWD, place.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) base::throw_errno(errno, "write", place);
    base::write_file_atomically(fs::path(place).replace_extension(".idx"), git::index_of(found));
  }

  const git::ObjectTable table = git::ObjectTable::read(folder.path(), "", context);
  const auto objects = git::ObjectDatabase::open(folder.path());
  const Kinds kinds(table, *objects);
  MissingObjects joined;
  std::vector<ObjectNumber> blobs;
  std::vector<bool> added(table.size());
  // What came last is read first.
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    const auto pack = std::find_if(table.packs().begin(), table.packs().end(), [&](const git::ObjectTable::Pack& one) {
      return one.file->index_path().stem().string() == *name;
    });
    if (pack == table.packs().end()) throw Error(ErrorCode::corrupt, "the pack " + quote(*name) + " cannot be read");
    for (const std::uint32_t position : pack->by_offset) {
      const auto number = table.find(pack->file->index()->id(position));
      if (!number || added[*number]) continue;
      added[*number] = true;
      joined.stored_bytes += table.stored_size(*number);
      if (kinds.kind(*number) == PackKind::skeleton)
        joined.skeleton.push_back(*number);
      else
        (kinds.is_tree(*number) ? joined.content : blobs).push_back(*number);
    }
  }
  joined.content.insert(joined.content.end(), blobs.begin(), blobs.end());
  return write_packs(table, *objects, joined, options, context);
}

}  // namespace pod::remote
