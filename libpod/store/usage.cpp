// What takes the space of a store: every object is owned by the one row that has it, or by several.

#include <libpod/store.hpp>

#include <libpod/error.hpp>

#include "git/history_walk.hpp"
#include "git/object_table.hpp"
#include "snapshot/tree_view.hpp"
#include "store/engine_impl.hpp"
#include "store/gc_roots.hpp"
#include "store/versions.hpp"

#include <sys/stat.h>
#include <algorithm>
#include <functional>
#include <system_error>
#include <unordered_map>

namespace pod::store {
namespace {

namespace fs = std::filesystem;
using git::ObjectNumber;
using By = Usage::By;

constexpr std::uint64_t tree_limit = 256ull << 20;

std::uint64_t bytes_of_files(const fs::path& objects) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(objects, error), end; !error && it != end; it.increment(error)) {
    struct stat status {};
    if (::lstat(it->path().c_str(), &status) == 0 && S_ISREG(status.st_mode))
      bytes += static_cast<std::uint64_t>(status.st_size);
  }
  return bytes;
}

/// The service of a path in a tree; "" above services and beside them.
std::string_view service_in(std::string_view path) {
  const auto part = [&](std::size_t skipped) -> std::string_view {
    std::string_view rest = path;
    for (; skipped > 0; --skipped) {
      const auto slash = rest.find('/');
      if (slash == std::string_view::npos) return {};
      rest.remove_prefix(slash + 1);
    }
    const auto slash = rest.find('/');
    return slash == std::string_view::npos ? std::string_view() : rest.substr(0, slash);
  };
  if (path.starts_with("api_states/")) return part(2);
  if (path.starts_with("assets/")) return part(1);
  return {};
}

class Counting {
 public:
  Counting(git::Repository& repository, const Journal& journal, By by, const Context& context)
      : repository_(repository),
        journal_(journal),
        by_(by),
        context_(context),
        table_(git::ObjectTable::read(repository.objects_folder(), {}, context)),
        owners_(table_.size(), nobody) {}

  Usage count(const std::optional<PodName>& pod) {
    context_.progress->begin("following the history", std::nullopt);
    for (const Version& version : versions_of(pod)) take(version);
    if (!pod) take_undo();
    Usage usage = sum(!pod);
    context_.progress->end();
    return usage;
  }

 private:
  using Owner = std::uint32_t;
  static constexpr Owner nobody = 0, several = 1, of_history = 2, of_undo = 3, first_row = 4;
  struct Open {
    Oid id;
    std::string path;  // "" for the root, else with "/" behind it
    Owner file;        // of the large file that this is a part of; nobody: a folder
  };

  /// Oldest first.
  std::vector<Version> versions_of(const std::optional<PodName>& pod) const {
    std::vector<Version> found;
    for (const PodName& name : pod ? std::vector<PodName>{*pod} : pod_names(repository_)) {
      auto latest = find_latest(repository_, name);
      if (!latest) throw_missing(repository_, PodRef::latest(name));
      walk(repository_, *std::move(latest), [&](const Version& version) {
        context_.cancel->check();
        found.push_back(version);
        return true;
      });
    }
    std::stable_sort(found.begin(), found.end(), [](const Version& a, const Version& b) {
      return a.time.seconds != b.time.seconds ? a.time.seconds < b.time.seconds : a.number < b.number;
    });
    return found;
  }

  Owner row(const std::string& name) {
    const auto [place, fresh] = rows_by_name_.emplace(name, static_cast<Owner>(first_row + rows_.size()));
    if (fresh) rows_.push_back({.name = name});
    return place->second;
  }

  void take(const Version& version) {
    Owner owner = of_history;
    if (by_ == By::pod) owner = row(version.pod->str());
    if (by_ == By::version) {
      if (const auto number = table_.find(version.commit); number && owners_[*number] != nobody) return;
      owner = row(version.str());
    }
    claim(version.commit, owner);
    take_tree(version.tree, owner);
  }

  /// Whether what lies below has to be looked at, too.
  bool claim(const Oid& id, Owner owner) {
    const auto number = table_.find(id);
    if (!number) throw Error(ErrorCode::corrupt, "the object " + id.hex() + " is missing").hint("podgit doctor --deep");
    Owner& now = owners_[*number];
    if (now == nobody) {
      now = owner;
      return true;
    }
    if (now == owner || now == several || by_ == By::version || owner == of_undo) return false;
    now = several;
    return true;
  }

  void take_tree(const Oid& root, Owner owner) {
    std::vector<Open> open{{root, {}, nobody}};
    while (!open.empty()) {
      context_.cancel->check();
      const Open here = std::move(open.back());
      open.pop_back();
      const bool by_path = (by_ == By::service || by_ == By::file) && owner != of_undo;
      const bool is_new = claim(here.id, by_path ? here.file != nobody ? here.file : folder_owner(here.path) : owner);
      // The same folder may stand in another place, where it is another one's.
      if (by_path ? !seen_.emplace(*table_.find(here.id), std::hash<std::string>()(here.path)).second &&
                        seen_[*table_.find(here.id)] == std::hash<std::string>()(here.path)
                  : !is_new)
        continue;
      for (const git::TreeEntry& entry :
           git::parse_tree(here.id, repository_.objects()->read(here.id, git::ObjectType::tree, tree_limit))) {
        if (entry.mode == 0160000) continue;
        Owner file = here.file;
        if (by_path && file == nobody && (!entry.is_tree() || snapshot::is_chunked(entry)))
          file = file_owner(here.path, entry);
        if (entry.is_tree())
          open.push_back({entry.id, here.path + entry.name + '/', file});
        else
          claim(entry.id, by_path ? file : owner);
      }
    }
  }

  Owner folder_owner(const std::string& path) {
    const std::string_view service = by_ == By::service ? service_in(path) : std::string_view();
    return service.empty() ? of_history : row(std::string(service));
  }

  Owner file_owner(const std::string& folder, const git::TreeEntry& entry) {
    if (folder.starts_with(".pod/")) return of_history;
    std::string path = folder + entry.name;
    if (by_ == By::service) {
      const std::string_view service = service_in(path);
      return row(service.empty() ? "(none)" : std::string(service));
    }
    if (snapshot::is_chunked(entry)) path.resize(path.size() - snapshot::chunks_suffix.size());
    return row(path);
  }

  /// What the pods do not reach.
  void take_undo() {
    std::unordered_map<Oid, bool> seen;
    for (const GcRoot& root : gc_roots(repository_, journal_, {})) {
      std::vector<Oid> open{root.id};
      while (!open.empty()) {
        context_.cancel->check();
        const Oid id = open.back();
        open.pop_back();
        const auto number = table_.find(id);
        if (!number || owners_[*number] != nobody || !seen.emplace(id, true).second) continue;
        const auto header = repository_.objects()->header(id);
        if (!header) continue;
        if (header->type == git::ObjectType::commit) {
          const git::Commit commit = repository_.commit(id);
          claim(id, of_undo);
          take_tree(commit.tree, of_undo);
          open.insert(open.end(), commit.parents.begin(), commit.parents.end());
        } else if (header->type == git::ObjectType::tree) {
          take_tree(id, of_undo);
        } else {
          claim(id, of_undo);
        }
      }
    }
  }

  void add(Usage::Row& row, ObjectNumber number) {
    row.stored += table_.stored_size(number);
    if (const auto header = repository_.objects()->header(table_.id(number))) row.content += header->size;
    ++row.objects;
  }

  Usage sum(bool all) {
    Usage usage;
    std::uint64_t stored = 0;
    for (ObjectNumber number = 0; number < table_.size(); ++number) {
      context_.cancel->check();
      const Owner owner = owners_[number];
      if (owner == nobody && !all) continue;
      add(owner == nobody       ? usage.stray
          : owner == several    ? usage.shared
          : owner == of_history ? usage.history
          : owner == of_undo    ? usage.undo
                                : rows_[owner - first_row],
          number);
      stored += table_.stored_size(number);
    }
    usage.total = all ? std::max(bytes_of_files(repository_.objects_folder()), stored) : stored;
    usage.indexes = usage.total - stored;
    std::stable_sort(rows_.begin(), rows_.end(), [](const Usage::Row& a, const Usage::Row& b) {
      return a.stored != b.stored ? a.stored > b.stored : a.name < b.name;
    });
    usage.rows = std::move(rows_);
    return usage;
  }

  git::Repository& repository_;
  const Journal& journal_;
  By by_;
  Context context_;
  git::ObjectTable table_;
  std::vector<Owner> owners_;  // by number
  std::vector<Usage::Row> rows_;
  std::unordered_map<std::string, Owner> rows_by_name_;
  std::unordered_map<ObjectNumber, std::size_t> seen_;  // folders, and the hash of the path at which they were met
};

}  // namespace
}  // namespace pod::store

namespace pod {

Usage Store::usage(Usage::By by, const std::optional<PodName>& pod, const Context& context) const {
  for (int tries = 1;; ++tries) {
    try {
      return store::Counting(engine_->repository(), engine_->impl().journal, by, context).count(pod);
    } catch (const git::PackVanished&) {
      if (tries == 4)
        throw Error(ErrorCode::busy, "the packs change faster than they can be read").hint("run the command again");
    }
  }
}

}  // namespace pod
