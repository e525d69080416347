// Of the content packs only what a version needs: stretches of them, by their indexes.
//
//   ContentFetch fetch(folder, have, {tip}, context);        `have`: the skeletons, in quarantine or in the store
//   for (…) fetch.add_pack(info, index_file, file);          every content pack of the manifest, its index fetched
//   while (!(stretches = fetch.next()).empty())
//     for (const Stretch& stretch : stretches) …             write the bytes to file(stretch.pack), at their offset
//   for (const OutgoingPack& pack : fetch.finish(out)) …     packs that an Intake takes
//
// An index from outside is believed in nothing but where to read: its offsets are checked against the pack's size, what
// lies there against CRC-32 and id, and the packs that come out go through an Intake like any others. Files are sparse:
// what was not fetched takes no space. A pack of which most is needed, or whose deltas lead from one stretch to the
// next without an end, is fetched whole.
#pragma once

#include "base/files.hpp"
#include "git/object_database.hpp"
#include "git/pack_file.hpp"
#include "git/pack_index.hpp"
#include "remote/outgoing.hpp"

#include <libpod/context.hpp>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace pod::remote {

/// Bytes [begin, end) of a content pack.
struct Stretch {
  std::size_t pack = 0;  // as add_pack() numbered it
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  friend bool operator==(const Stretch&, const Stretch&) = default;
};

/// One thread at a time.
class ContentFetch {
 public:
  /// `folder`: the caller's, on the file system of the store. `commits`: whose content is needed.
  ContentFetch(std::filesystem::path folder, std::shared_ptr<git::ObjectDatabase> have, std::vector<Oid> commits,
               const Context& context);

  /// Its number, from 0. `index` is copied. `file`: where the stretches are to be, or some are already; it is given a
  /// second name. Error(corrupt) where it is no index of a pack of that size and that many objects, or one of two packs
  /// of one checksum.
  std::size_t add_pack(const PackInfo& info, const std::filesystem::path& index, const std::filesystem::path& file);
  const std::filesystem::path& file(std::size_t pack) const { return packs_.at(pack).file; }

  /// What is to be fetched now, what was given before being written; empty: all is there. Error(corrupt) where an
  /// object is in no pack, or what was fetched is not what the index says.
  std::vector<Stretch> next();
  /// Bytes that next() gave so far.
  std::uint64_t bytes() const noexcept { return bytes_; }
  /// The needed objects in packs of their own. Throws as write_packs().
  std::vector<OutgoingPack> finish(const PackingOptions& options);

 private:
  struct Pack {
    std::filesystem::path file;
    std::uint64_t size = 0;
    std::unique_ptr<git::PackIndex> index;
    std::vector<std::uint64_t> starts;             // of its entries, and where the last one ends
    std::map<std::uint64_t, std::uint64_t> there;  // stretches that were given, begin to end, apart from one another
    std::uint64_t given = 0;
  };
  struct Place {
    std::size_t pack = 0;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };

  void make_one_age() const;
  std::optional<Place> find(const Oid& id) const;
  Place entry_at(std::size_t pack, std::uint64_t offset) const;
  bool is_there(const Place& place) const;
  /// Whether the object can be read; else what is lacking is added to `wanted`.
  bool is_whole(const Place& place, std::vector<Place>& wanted);
  std::vector<Stretch> stretches(std::vector<Place> wanted);
  void look_into(const Oid& commit);
  const git::OpenPack& open(std::size_t pack);

  std::filesystem::path folder_;
  std::shared_ptr<git::ObjectDatabase> have_;
  std::vector<Oid> commits_;
  Context context_;
  std::vector<Pack> packs_;
  timespec age_{};
  std::map<std::string, std::size_t> by_name_;
  std::vector<std::shared_ptr<git::OpenPack>> open_;
  std::vector<std::pair<Oid, bool>> waiting_;  // objects, and whether they are trees
  std::vector<Oid> trees_;                     // that are needed, in the order in which they were met
  std::vector<Oid> blobs_;
  std::unordered_set<Oid> met_;
  std::size_t rounds_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace pod::remote
