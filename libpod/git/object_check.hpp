// Every byte of a repository's object files against their checksums, every object against its id, on all cores.
#pragma once

#include <libpod/context.hpp>
#include <libpod/names.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pod::git {

class ObjectDatabase;
class PackWriter;

struct DamagedObject {
  Oid id;
  std::string why;
};

struct PackCheck {
  std::vector<std::string> pack_problems;   // one line each, without the file's name
  std::vector<std::string> index_problems;  // the same; "it is missing"
  std::vector<DamagedObject> objects;       // that the index names and the pack does not give
  std::uint64_t count = 0;                  // objects read
  bool sound() const noexcept { return pack_problems.empty() && index_problems.empty() && objects.empty(); }
  /// Nothing is wrong with it but the index, which can be made again.
  bool needs_index() const noexcept { return pack_problems.empty() && objects.empty() && !index_problems.empty(); }
};

/// `pack`: the path of the `.pack`. Reads it twice, inflates it once. Throws Error(cancelled) alone: what cannot be
/// read is a problem of it. Memory: 40 MiB a core.
PackCheck check_pack(const std::filesystem::path& pack, const Context& context);

/// The packs of an objects folder, by name, those too that have an index alone.
std::vector<std::filesystem::path> list_packs(const std::filesystem::path& objects);
/// What they have together, those that are there.
std::uint64_t size_of_packs(const std::vector<std::filesystem::path>& packs);

struct LooseProblem {
  std::filesystem::path file;
  Oid id;
  std::string why;
};
/// Every loose object is read. `count`: how many there are. Throws where one cannot be read now, but is no damage.
std::vector<LooseProblem> check_loose_objects(const std::filesystem::path& objects, std::uint64_t& count,
                                              const Context& context);

/// Whether the disk answers EIO somewhere in a file: then it is damaged for good, as far as can be told. Throws what
/// else keeps it from being read, such as too many open files: that says nothing of the file. Cost: reads all of it.
bool has_bad_block(const std::filesystem::path& file);

/// Those objects that cannot be read through the database. One that is not there is no problem of this check.
std::vector<DamagedObject> check_objects(ObjectDatabase& database, const std::vector<Oid>& ids, const Context& context);

/// Whether a file ends in the SHA-1 of all before it, as indexes, their side files and sidecars do. False where it
/// cannot be read.
bool ends_in_its_checksum(const std::filesystem::path& file);

/// Gives every sound object of a damaged pack to `into` (which writes those that its database does not have), by the
/// pack's index where that is sound, else by looking for entries byte after byte; the number of them. Cost: inflates
/// all of it, without an index up to once for each byte that looks like the start of an entry.
std::uint64_t salvage_pack(const std::filesystem::path& pack, PackWriter& into, const Context& context);

}  // namespace pod::git
