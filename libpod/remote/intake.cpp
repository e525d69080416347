#include "remote/intake.hpp"

#include "git/object_table.hpp"
#include "remote/layered_objects.hpp"
#include "remote/pack_plan.hpp"
#include "remote/parallel.hpp"
#include "remote/tree_extent.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <unordered_set>

namespace pod::remote {
namespace {

namespace fs = std::filesystem;
using git::ObjectType;
using git::TreeEntry;

constexpr unsigned most_syncs = 8;

fs::path index_beside(const fs::path& pack) { return fs::path(pack).replace_extension(".idx"); }

/// A pack in quarantine, with what was met of it.
struct Quarantined {
  fs::path pack;
  std::unique_ptr<git::PackIndex> index;
  std::vector<ObjectType> types;  // by the place in the index
  std::vector<bool> met;
  std::vector<bool> needed;
  std::uint32_t needed_count = 0;
};

void link_or_copy(const fs::path& from, const fs::path& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return;
  if (errno != EPERM && errno != EXDEV && errno != EMLINK && errno != ENOTSUP) base::throw_errno(errno, "link", to);
  std::error_code error;
  if (!fs::copy_file(from, to, error)) base::throw_errno(error.value(), "copy", to);
}

void seal(const fs::path& file) {
  const base::Fd fd = base::open_file(file, O_RDONLY | O_NOFOLLOW);
  if (::fchmod(fd.get(), 0444) != 0) base::throw_errno(errno, "write", file);
  base::sync_file(fd.get(), file);
}

void rename_to(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) base::throw_errno(errno, "write", to);
}

}  // namespace

struct Intake::Impl {
  Impl(fs::path objects_folder, std::shared_ptr<git::ObjectDatabase> store, const fs::path& spool, const Context& given,
       const IntakeLimits& limits_given)
      : objects(std::move(objects_folder)),
        database(std::move(store)),
        context(given),
        limits(limits_given),
        quarantine(spool, "tmp-intake-") {
    fs::create_directory(quarantine.path() / "pack");
  }

  fs::path objects;
  std::shared_ptr<git::ObjectDatabase> database;
  Context context;
  IntakeLimits limits;
  base::TempFolder quarantine;
  std::vector<Quarantined> packs;
  std::shared_ptr<git::ObjectDatabase> both;
  std::unordered_set<Oid> met_in_store;
  std::vector<GapCommit> commits;
  std::uint64_t dropped = 0;

  const git::PackIndex& add(const fs::path& file, std::string_view name, std::optional<std::uint32_t> count) {
    const fs::path folder = quarantine.path() / "pack";
    const fs::path copy = folder / ("incoming-" + std::to_string(packs.size()));
    link_or_copy(file, copy);
    const git::ForeignPack found = git::check_foreign_pack(copy, name, limits.pack, context);
    if (count && *count != found.objects.size())
      throw Error(ErrorCode::corrupt, "the pack " + quote(name) + " is not taken")
          .because("it has another number of objects than the manifest says");
    const fs::path pack = folder / ("pack-" + found.checksum.hex() + ".pack");
    const std::string index = git::index_of(found);
    if (::access(pack.c_str(), F_OK) == 0) {
      ::unlink(copy.c_str());
      return *std::find_if(packs.begin(), packs.end(), [&](const Quarantined& one) { return one.pack == pack; })->index;
    }
    rename_to(copy, pack);
    add_quarantined(pack, index, found);
    return *packs.back().index;
  }

  void add_quarantined(const fs::path& pack, const std::string& index, const git::ForeignPack& found) {
    {
      const base::Fd fd = base::open_file(index_beside(pack), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
      base::write_all(fd.get(), base::bytes_of(index), index_beside(pack));
    }
    Quarantined added{pack, git::PackIndex::open(index_beside(pack)), {}, {}, {}, 0};
    added.types.reserve(found.objects.size());
    for (const git::ForeignObject& object : found.objects) added.types.push_back(object.type);
    added.met.resize(added.index->count());
    added.needed.resize(added.index->count());
    packs.push_back(std::move(added));
  }

  bool mark(const Oid& id) {
    for (Quarantined& pack : packs)
      if (const auto position = pack.index->find(id)) {
        const bool first = !pack.met[*position];
        pack.met[*position] = true;
        return first;
      }
    return met_in_store.insert(id).second;
  }

  std::shared_ptr<git::ObjectDatabase> preview() const {
    return layered(git::ObjectDatabase::open(quarantine.path()), database);
  }

  void check(const Offer& offer) {
    both = preview();
    GapWalk walk(
        *both, [this](const Oid& id) { return mark(id); }, context);
    walk.cut_at(offer.cut);
    try {
      commits = walk.commits(offer.tips, offer.known_tips);
      if (offer.depth) walk.need_content_of(*offer.depth);
      walk.objects([this](const GapObject& object) { take(object); });
      TreeExtent extent(
          *both, [this](const Oid& id) { return quarantined_type(id); }, limits.entries, limits.depth, context);
      for (const GapCommit& commit : commits) extent.measure(commit.tree);
    } catch (Error& error) {
      if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::corrupt &&
          error.code() != ErrorCode::refused)
        throw;
      const ErrorCode code = error.code() == ErrorCode::refused ? ErrorCode::refused : ErrorCode::corrupt;
      Error out(code, "what the remote offers is not taken");
      out.because(error.message());
      for (const std::string& cause : error.causes()) out.because(cause);
      throw out.keeping("nothing of it was used");
    }
    leave_out_extras();
  }

  std::optional<ObjectType> quarantined_type(const Oid& id) const {
    for (const Quarantined& pack : packs)
      if (const auto position = pack.index->find(id)) return pack.types[*position];
    return std::nullopt;
  }

  void take(const GapObject& object) {
    context.cancel->check();
    std::optional<ObjectType> type;
    for (Quarantined& pack : packs) {
      const auto position = pack.index->find(object.id);
      if (!position) continue;
      type = pack.types[*position];
      pack.needed[*position] = true;
      ++pack.needed_count;
      break;  // of two packs that have it, one keeps it
    }
    if (!type) {
      if (!object.needed && !database->knows(object.id)) return;
      const auto header = database->header(object.id);
      if (!header) throw Error(ErrorCode::not_found, "the object " + object.id.hex() + " is missing");
      type = header->type;
    }
    if (*type != object.type)
      throw Error(ErrorCode::corrupt, "the object " + object.id.hex() + " is a " + std::string(git::type_name(*type)) +
                                          ", and is named as a " + std::string(git::type_name(object.type)));
  }

  /// Writes those packs anew of which not all is needed.
  void leave_out_extras() {
    std::vector<std::size_t> wanting;
    for (std::size_t i = 0; i < packs.size(); ++i)
      if (packs[i].needed_count < packs[i].index->count()) wanting.push_back(i);
    if (wanting.empty()) return;
    const git::ObjectTable table = git::ObjectTable::read(quarantine.path(), "", context);
    PackPlanner planner(table, *both, UINT64_MAX / 2, context);
    std::vector<PackPlan> plans;
    for (const std::size_t i : wanting) {
      const Quarantined& pack = packs[i];
      dropped += pack.index->count() - pack.needed_count;
      std::vector<std::pair<std::uint64_t, git::ObjectNumber>> kept;  // as they lay
      for (std::uint32_t position = 0; position < pack.index->count(); ++position)
        if (pack.needed[position])
          if (const auto number = table.find(pack.index->id(position)))
            kept.emplace_back(pack.index->offset(position).value_or(0), *number);
      std::sort(kept.begin(), kept.end());
      std::vector<git::ObjectNumber> numbers;
      for (const auto& [offset, number] : kept) numbers.push_back(number);
      planner.add(numbers, PackKind::content, plans);
    }
    std::vector<OutgoingPack> written;
    for (const PackPlan& plan : plans) written.push_back(planner.write(plan, quarantine.path()));
    for (auto i = wanting.rbegin(); i != wanting.rend(); ++i)
      packs.erase(packs.begin() + static_cast<std::ptrdiff_t>(*i));
    for (const OutgoingPack& pack : written) {
      auto index = git::PackIndex::open(*pack.index);
      const fs::path place = quarantine.path() / ("pack-" + index->pack_checksum().hex() + ".pack");
      rename_to(pack.pack, place);
      rename_to(*pack.index, index_beside(place));
      packs.push_back({place, std::move(index), {}, {}, {}, 0});
    }
  }

  Installed install() {
    Installed out;
    out.dropped = dropped;
    const fs::path folder = objects / "pack";
    // Side by side: most of it is waiting for the disk.
    in_parallel(2 * packs.size(), most_syncs, [&](std::size_t i) {
      const fs::path& pack = packs[i / 2].pack;
      seal(i % 2 == 0 ? pack : index_beside(pack));
    });
    context.cancel->check();
    std::vector<std::pair<fs::path, fs::path>> indexes;
    for (const Quarantined& pack : packs) {
      const fs::path place = folder / pack.pack.filename();
      out.objects += pack.index->count();
      out.packs.push_back(place);
      // The same bytes are there already.
      if (::access(index_beside(place).c_str(), F_OK) == 0 && ::access(place.c_str(), F_OK) == 0) continue;
      rename_to(pack.pack, place);
      indexes.emplace_back(index_beside(pack.pack), index_beside(place));
    }
    for (const auto& [from, to] : indexes) rename_to(from, to);
    base::sync_folder(folder);
    packs.clear();
    both.reset();
    database->refresh();
    return out;
  }

  void for_each_change(const ChangeVisitor& visit) {
    std::uint64_t budget = limits.entries;
    for (const GapCommit& commit : commits) {
      std::optional<Oid> before;
      if (!commit.parents.empty() && both->contains(commit.parents[0]))
        before = git::parse_commit(commit.parents[0], both->read(commit.parents[0], ObjectType::commit)).tree;
      compare_trees(*both, before, commit.tree, budget, context,
                    [&](std::string_view path, const TreeEntry& entry) { visit(commit, path, entry); });
    }
  }
};

Intake::Intake(fs::path objects, std::shared_ptr<git::ObjectDatabase> database, const fs::path& spool,
               const Context& context, const IntakeLimits& limits)
    : impl_(std::make_unique<Impl>(std::move(objects), std::move(database), spool, context, limits)) {}
Intake::~Intake() = default;
const git::PackIndex& Intake::add(const fs::path& file, std::string_view name, std::optional<std::uint32_t> count) {
  return impl_->add(file, name, count);
}
std::shared_ptr<git::ObjectDatabase> Intake::preview() const { return impl_->preview(); }
void Intake::check(const Offer& offer) { impl_->check(offer); }
const std::vector<GapCommit>& Intake::new_commits() const noexcept { return impl_->commits; }
void Intake::for_each_change(const ChangeVisitor& visit) { impl_->for_each_change(visit); }
git::ObjectDatabase& Intake::objects() { return *impl_->both; }
Intake::Installed Intake::install() { return impl_->install(); }

}  // namespace pod::remote
