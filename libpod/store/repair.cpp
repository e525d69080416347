// What a killed writer left, put in order by the next one.

#include "git/index_rebuild.hpp"
#include "store/engine_impl.hpp"

#include <libpod/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <system_error>

namespace pod::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view branches = "refs/heads/";
const std::string kept = "refs/pod/journal/";

/// Younger ones may be stock git's, which knows nothing of our lock.
bool is_stale(const fs::path& lock_file) {
  struct stat status {};
  if (::lstat(lock_file.c_str(), &status) != 0) return false;
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return S_ISREG(status.st_mode) && now - status.st_mtime > 60;
}

/// The names in a folder; none where it cannot be read.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    out.push_back(entry->path());
  return out;
}

void sweep_locks(const fs::path& folder, bool all) {
  for (const fs::path& path : entries_of(folder))
    if (path.extension() == ".lock" && (all || is_stale(path))) ::unlink(path.c_str());
}

/// What a killed process was about to put in another file's place.
void sweep_temp_files(const fs::path& root) {
  const fs::path own = root / "pod";
  for (const fs::path& folder :
       {root, root / "objects" / "pack", own, own / "buckets", own / "uploads", own / "quarantine"})
    base::sweep_temp_files(folder);
  for (const fs::path& remote : entries_of(own / "remotes")) base::sweep_temp_files(remote);
}

/// Pack files that nobody writes any more: their writer held a flock.
void sweep_packs(const fs::path& folder) {
  for (const fs::path& path : entries_of(folder)) {
    const std::string name = path.filename().native();
    if (!name.starts_with("tmp_pack_") && !name.starts_with("tmp_idx_") && !name.starts_with("tmp_mtimes_")) continue;
    const base::Fd fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    // Stock git holds no flock; what it writes is young.
    if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0 && is_stale(path)) ::unlink(path.c_str());
  }
}

/// A writer that was killed between its pack's name and its index's name leaves a pack that nobody reads.
void index_packs(const fs::path& folder) {
  for (const fs::path& path : entries_of(folder)) {
    if (!path.filename().native().starts_with("pack-") || path.extension() != ".pack") continue;
    if (::access(fs::path(path).replace_extension(".idx").c_str(), F_OK) == 0) continue;
    try {
      git::rebuild_index(path);
    } catch (const Error&) {
      // It stays as it is; a check names it.
    }
  }
}

}  // namespace

void Engine::Impl::keep(std::int64_t id, const Oid& commit) {
  const std::string name = kept + std::to_string(id);
  if (repository.update_ref(name, Oid(), commit, "kept for undo") == git::RefUpdate::stale)
    repository.restore_ref(name, commit);
}

std::optional<Oid> Engine::Impl::kept_commit(std::int64_t id) const {
  return repository.find_ref(kept + std::to_string(id));
}

void Engine::Impl::forget(std::int64_t id) {
  if (const auto commit = kept_commit(id))
    repository.update_ref(kept + std::to_string(id), *commit, Oid(), "not needed");
}

std::int64_t Engine::Impl::least_id() const {
  std::int64_t highest = 0;
  const auto take = [&](std::string_view name) {
    std::int64_t id = 0;
    name.remove_prefix(std::min(name.size(), kept.size()));
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (error == std::errc() && end == name.data() + name.size()) highest = std::max(highest, id);
  };
  for (const git::Ref& ref : repository.refs(kept, [&](const std::string& broken) { take(broken); })) take(ref.name);
  return highest + 1;
}

void Engine::Impl::settle_head(const std::string& branch) {
  const auto exists = [&](const std::string& name) {
    try {
      return repository.find_ref(name).has_value();
    } catch (const Error&) {
      return true;  // broken, which is no reason to point elsewhere
    }
  };
  std::optional<std::string> head;
  try {
    head = repository.head();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt) throw;
  }
  if (head && exists(*head)) return;
  if (exists(branch)) return repository.set_head(branch);
  const auto refs = repository.refs(branches, [](const std::string&) {});
  if (!refs.empty()) repository.set_head(refs.front().name);
}

void Engine::Impl::repair(bool previous_writer_died, const Context& context) {
  const fs::path root = repository.path();
  for (const char* folder : {"", "refs", "refs/heads", "refs/pod", "refs/pod/journal", "refs/pod/undo"})
    sweep_locks(root / folder, previous_writer_died);
  std::error_code error;
  fs::create_directory(own("tmp"), error);
  base::sweep_temp_folders(own("tmp"));
  base::sweep_temp_folders(root, ".tmp-config-");
  sweep_temp_files(root);
  sweep_packs(root / "objects" / "pack");
  if (previous_writer_died) index_packs(root / "objects" / "pack");
  if (journal.trim())
    context.progress->warn("the end of the store's journal was damaged; it was put aside as \"pod/journal.cut-*\"");
  restore_broken_refs(context);
  settle_open_operation();
}

void Engine::Impl::restore_broken_refs(const Context& context) {
  std::vector<std::string> broken;
  repository.refs(branches, [&](std::string name) { broken.push_back(std::move(name)); });
  for (const std::string& name : broken) {
    const auto value = journal.last_value(name);
    if (!value || value->is_zero() || !repository.objects()->contains(*value)) continue;
    repository.restore_ref(name, *value);
    context.progress->warn("ref " + quote(name) + " was damaged; it was restored from the journal to " + value->hex());
  }
}

void Engine::Impl::settle_open_operation() {
  const auto open = journal.tail().open;
  if (!open || open->ref.empty() || open->before == open->after) return;
  std::optional<Oid> now;
  try {
    now = repository.find_ref(open->ref);
  } catch (const Error&) {
    return;  // broken, and not in the journal's power
  }
  if (now.value_or(Oid()) == open->before) {
    journal.drop(open->id);
    forget(open->id);
  } else if (now.value_or(Oid()) == open->after) {
    settle_head(open->ref);
  }
}

}  // namespace pod::store
