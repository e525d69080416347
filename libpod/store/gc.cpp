// One pack for all that is referred to, one for what is not and is young, and the others go.
//
// The work is done without a lock, on the objects that there were at its start; whoever commits meanwhile writes packs
// that this gc does not touch. Then, under the writer's lock, it is looked again: an old pack goes only where each of
// its objects lies durably in another one, or is of no use to any ref of that moment and older than the grace time.
// For the second, nobody may rely on objects without a ref (ObjectHold): else such packs stay for the next gc.
#include "git/history_pack.hpp"
#include "git/history_walk.hpp"
#include "git/index_rebuild.hpp"
#include "git/pack_join.hpp"
#include "store/engine_impl.hpp"
#include "store/gc_note.hpp"
#include "store/gc_roots.hpp"
#include "store/undo_refs.hpp"
#include "store/versions.hpp"

#include <libpod/error.hpp>

#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <system_error>
#include <thread>
#include <unordered_set>

namespace pod::store {
namespace {

namespace fs = std::filesystem;
using git::ObjectNumber;

constexpr std::time_t stock_git_seconds = 60;
constexpr int most_tries = 3;  // where packs vanish meanwhile

struct Stored {
  std::uint64_t bytes = 0;
  std::uint64_t packs = 0;
  std::uint64_t loose = 0;
};

Stored measure(const fs::path& objects) {
  Stored found;
  std::error_code error;
  for (fs::recursive_directory_iterator it(objects, error), end; !error && it != end; it.increment(error)) {
    struct stat status {};
    if (::lstat(it->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    const fs::path& path = it->path();
    if (path.filename().native().starts_with("tmp_")) continue;
    found.bytes += static_cast<std::uint64_t>(status.st_size);
    if (path.extension() == ".pack") ++found.packs;
    if (path.filename().native().size() == 2 * Oid::size - 2 && path.parent_path().filename().native().size() == 2)
      ++found.loose;
  }
  return found;
}

/// Above the objects, what stock git made of packs and commits that are no longer there.
void remove_derived(const fs::path& objects, bool commits) {
  std::error_code ignored;
  for (fs::directory_iterator it(objects / "pack", ignored), end; !ignored && it != end; it.increment(ignored))
    if (it->path().filename().native().starts_with("multi-pack-index")) fs::remove(it->path(), ignored);
  fs::remove(objects / "info" / "packs", ignored);
  if (!commits) return;
  fs::remove(objects / "info" / "commit-graph", ignored);
  fs::remove_all(objects / "info" / "commit-graphs", ignored);
}

class Collection {
 public:
  Collection(Engine& engine, const GcOptions& options, const Context& context)
      : engine_(engine),
        repository_(engine.repository()),
        objects_(repository_.objects_folder()),
        options_(options),
        context_(context),
        now_(context.clock->now().seconds) {}

  GcResult run() {
    const Stored before = measure(objects_);
    result_.bytes_before = before.bytes;
    result_.packs_before = before.packs;
    result_.loose_objects = before.loose;
    find_undo();
    const auto note = load_gc_note(repository_.path());
    if (note && before.loose == 0 && nothing_new(*note)) {
      result_.nothing_new = true;
      result_.bytes_after = before.bytes;
      result_.packs_after = before.packs;
      return result_;
    }
    for (int tries = 1;; ++tries) {
      try {
        // Others may pack at the same time; in the end it is our turn.
        std::optional<WriterLock> lock;
        if (tries == most_tries && !options_.dry_run) lock.emplace(engine_.lock(context_));
        collect(note ? note->history : std::string(), std::move(lock));
        return result_;
      } catch (const git::PackVanished&) {
        if (tries == most_tries)
          throw Error(ErrorCode::busy, "the packs change faster than they can be read").hint("run the command again");
      }
    }
  }

 private:
  enum class State : std::uint8_t { reachable, young, due };

  void find_undo() {
    const std::int64_t keep = options_.keep_undo.count();
    if (options_.dry_run) {
      undo_ = due_undo_refs(repository_, journal(), keep, context_);
    } else {
      const WriterLock lock = engine_.lock(context_);
      undo_ = due_undo_refs(repository_, journal(), keep, context_);
      for (const git::Ref& ref : undo_) repository_.update_ref(ref.name, ref.target, Oid(), "too old for undo");
    }
    result_.undo_removed = undo_.size();
  }
  const Journal& journal() { return engine_.impl().journal; }

  bool nothing_new(const GcNote& note) const {
    return (note.oldest == 0 || note.oldest + options_.grace.count() > now_) && undo_.empty() &&
           note.packs == digest_of_packs(objects_) && note.refs == digest_of_refs(repository_);
  }

  void collect(const std::string& history, std::optional<WriterLock> lock) {
    repository_.objects()->refresh();
    const git::ObjectTable table = git::ObjectTable::read(objects_, history, context_);
    context_.progress->begin("following the history", std::nullopt);
    git::HistoryWalk walk(table, *repository_.objects(), context_);
    roots_ = gc_roots(repository_, journal(), undo_);
    add_roots(walk);
    git::HistoryWalk::Lines lines = walk.lines();
    sort_objects(table, walk);
    leave_kept_packs(table, lines);
    pack(table, lines);
    if (!options_.dry_run) replace(table, std::move(lock));
    context_.progress->end();
  }

  void add_roots(git::HistoryWalk& walk) {
    try {
      for (const GcRoot& root : roots_) {
        if (root.must_exist)
          walk.add(root.id, root.name);
        else
          walk.add_loosely(root.id);
      }
    } catch (Error& error) {
      throw damaged(error);
    }
  }

  static Error& damaged(Error& error) {
    if (error.code() == ErrorCode::corrupt)
      error.keeping("nothing was packed or removed").hint("podgit fsck says what is lost and what can be restored");
    return error;
  }

  /// Which objects nothing refers to, and which of them are too old to be kept. What a young one needs is kept with it.
  void sort_objects(const git::ObjectTable& table, git::HistoryWalk& walk) {
    states_.assign(table.size(), State::reachable);
    std::vector<ObjectNumber> young;
    bool strays = false;
    for (ObjectNumber number = 0; number < table.size(); ++number) {
      if (walk.reached(number)) continue;
      strays = true;
      states_[number] = State::due;
      if (table.time_of(number) + options_.grace.count() > now_) young.push_back(number);
    }
    result_.objects = walk.count();
    result_.young = result_.due = {};
    result_.next_due.reset();
    cruft_.clear();
    due_ = 0;
    oldest_ = 0;
    if (!strays) return;
    for (const ObjectNumber number : young) walk.add_loosely(table.id(number));
    for (ObjectNumber number = 0; number < table.size(); ++number) {
      if (states_[number] == State::reachable) continue;
      if (const auto* pack = table.pack_of(number); pack != nullptr && pack->kept) continue;
      const std::uint64_t bytes = table.stored_size(number);
      if (walk.reached(number)) {
        states_[number] = State::young;
        cruft_.push_back(number);
        const std::int64_t time = table.time_of(number);
        if (time + options_.grace.count() > now_) oldest_ = oldest_ == 0 ? time : std::min(oldest_, time);
        ++result_.young.objects;
        result_.young.bytes += bytes;
      } else {
        ++due_;
        ++result_.due.objects;
        result_.due.bytes += bytes;
      }
    }
    if (oldest_ != 0) result_.next_due = Time{oldest_ + options_.grace.count(), 0};
  }

  /// Objects of packs that somebody marked with a `.keep` are not packed again.
  static void leave_kept_packs(const git::ObjectTable& table, git::HistoryWalk::Lines& lines) {
    std::vector<bool> kept(table.size(), false);
    bool any = false;
    for (const auto& pack : table.packs()) {
      if (!pack.kept) continue;
      const git::PackIndex& index = *pack.file->index();
      for (std::uint32_t i = 0; i < index.count(); ++i)
        if (const auto number = table.find(index.id(i))) any = kept[*number] = true;
    }
    if (!any) return;
    git::HistoryWalk::Lines left;
    std::size_t begin = 0;
    for (const std::size_t end : lines.ends) {
      for (std::size_t at = begin; at < end; ++at) {
        if (kept[lines.objects[at]]) continue;
        left.objects.push_back(lines.objects[at]);
        if (at < lines.commits) ++left.commits;
      }
      if (left.ends.empty() ? !left.objects.empty() : left.ends.back() != left.objects.size())
        left.ends.push_back(left.objects.size());
      begin = end;
    }
    lines = std::move(left);
  }

  /// A pack that holds these objects and no others, so that it stays as it is.
  template <typename Belongs>
  static const git::ObjectTable::Pack* pack_of_exactly(const git::ObjectTable& table, std::size_t count,
                                                       const Belongs& belongs) {
    for (const auto& pack : table.packs()) {
      const git::PackIndex& index = *pack.file->index();
      if (index.count() != count || !belongs(pack)) continue;
      return &pack;
    }
    return nullptr;
  }

  bool all_in(const git::ObjectTable& table, const git::ObjectTable::Pack& pack, State state) const {
    const git::PackIndex& index = *pack.file->index();
    for (std::uint32_t i = 0; i < index.count(); ++i)
      if (const auto number = table.find(index.id(i)); !number || states_[*number] != state) return false;
    return true;
  }

  void pack(const git::ObjectTable& table, const git::HistoryWalk::Lines& lines) {
    const auto mode = options_.dry_run ? git::HistoryPack::Mode::measure : git::HistoryPack::Mode::write;
    stay_.clear();
    history_.reset();
    young_.reset();
    packed_ = young_packed_ = {};
    const auto* history = pack_of_exactly(table, lines.objects.size(), [&](const auto& one) {
      return one.preferred && !lines.objects.empty() && all_in(table, one, State::reachable);
    });
    const auto* cruft = pack_of_exactly(table, cruft_.size(), [&](const auto& one) {
      return !one.times.empty() && !cruft_.empty() && all_in(table, one, State::young);
    });
    std::uint64_t bytes = 0;
    for (const ObjectNumber number : lines.objects) bytes += history ? 0 : table.stored_size(number);
    context_.progress->begin("packing", bytes);
    try {
      if (history) {
        stay_.push_back(history->file->index_path());
        history_name_ = history->file->index_path().stem().native();
      } else if (!lines.objects.empty()) {
        history_.emplace(table, *repository_.objects(), objects_, mode, context_);
        history_->add(lines);
        packed_ = history_->seal();
      }
      if (cruft) {
        stay_.push_back(cruft->file->index_path());
      } else if (!cruft_.empty()) {
        young_.emplace(table, *repository_.objects(), objects_, mode, context_);
        young_->add_cruft(cruft_);
        young_packed_ = young_->seal();
      }
    } catch (Error& error) {
      throw damaged(error);
    }
    result_.deltas = packed_.deltas;
    for (const auto& pack : table.packs())
      if (pack.kept) stay_.push_back(pack.file->index_path());
    if (!options_.dry_run) return;
    result_.packs_after = stay_.size() + (history_ ? 1 : 0) + (young_ ? 1 : 0);
    result_.bytes_after = packed_.bytes + young_packed_.bytes;
    for (const fs::path& index : stay_)
      for (const char* extension : {".pack", ".idx", ".mtimes", ".rev"}) {
        std::error_code none;
        if (const auto size = fs::file_size(fs::path(index).replace_extension(extension), none); !none)
          result_.bytes_after += size;
      }
  }

  /// The holder of all objects, where it can be had, and then the lock. Whoever holds objects waits for the lock, so we
  /// do not wait for it while we hold them all.
  std::pair<std::optional<ObjectHold>, WriterLock> take_over(std::optional<WriterLock> lock) {
    Engine::Impl& impl = engine_.impl();
    if (lock) return {due_ > 0 ? impl.hold(true, context_) : std::nullopt, *std::move(lock)};
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (due_ > 0 && std::chrono::steady_clock::now() < deadline) {
      context_.cancel->check();
      if (auto all = impl.hold(true, context_)) {
        try {
          return {std::move(all), impl.lock(context_, std::chrono::milliseconds(100))};
        } catch (const Error& error) {
          if (error.code() != ErrorCode::busy) throw;
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return {std::nullopt, engine_.lock(context_)};
  }

  void replace(const git::ObjectTable& table, std::optional<WriterLock> given) {
    const auto taken = take_over(std::move(given));
    const bool held = taken.first.has_value();
    const std::unordered_set<Oid> wanted = wanted_since(table);
    context_.cancel->check();
    // Before the lock was ours another process may have joined with others a pack that was to stay.
    for (const fs::path& index : stay_)
      if (!fs::exists(index)) throw git::PackVanished{};
    if (history_) {
      const fs::path path = history_->publish();
      history_name_ = path.stem().native();
      stay_.push_back(fs::path(path).replace_extension(".idx"));
    }
    if (young_) stay_.push_back(young_->publish().replace_extension(".idx"));

    // What is safe: in a pack that stays, read again from the disk.
    std::vector<std::unique_ptr<git::PackIndex>> safe;
    for (const fs::path& index : stay_) {
      safe.push_back(git::PackIndex::open(index));
      safe.back()->verify();
    }
    const auto is_free = [&](const Oid& id) {
      if (std::any_of(safe.begin(), safe.end(), [&](const auto& index) { return index->find(id).has_value(); }))
        return true;
      const auto number = table.find(id);
      return held && number && states_[*number] == State::due && !wanted.contains(id);
    };
    std::vector<fs::path> packs;
    std::vector<fs::path> loose;
    for (const auto& pack : table.packs()) {
      const fs::path& path = pack.file->index_path();
      if (pack.kept || std::find(stay_.begin(), stay_.end(), path) != stay_.end()) continue;
      const git::PackIndex& index = *pack.file->index();
      bool free = true;
      for (std::uint32_t i = 0; free && i < index.count(); ++i) free = is_free(index.id(i));
      if (free) packs.push_back(path);
    }
    for (const fs::path& file : table.loose_files())
      if (is_free(Oid::parse(file.parent_path().filename().native() + file.filename().native()))) loose.push_back(file);

    result_.held_back = due_ > 0 && !held;
    const bool takes_away = due_ > 0 && held;
    if (takes_away) engine_.impl().count_removal();
    if (!packs.empty() || takes_away) remove_derived(objects_, takes_away);
    for (const fs::path& index : packs) git::remove_pack(index);
    for (const fs::path& file : loose) {
      if (::unlink(file.c_str()) != 0 && errno != ENOENT) base::throw_errno(errno, "remove", file);
      ::rmdir(file.parent_path().c_str());  // where it was the last one
    }
    remove_halves(is_free);
    base::sync_folder(objects_ / "pack");
    repository_.objects()->refresh();

    const Stored after = measure(objects_);
    result_.bytes_after = after.bytes;
    result_.packs_after = after.packs;
    const bool complete = after.loose == 0 && !result_.held_back;
    save_gc_note(repository_.path(),
                 {.history = history_name_,
                  .packs = complete ? digest_of_packs(objects_) : std::string(),
                  .refs = wanted.empty() && same_roots_ ? digest_of_refs(repository_) : std::string(),
                  .oldest = oldest_});
  }

  /// What a kill between two renames or two removals left: a pack without its index, an index without its pack. What
  /// refs need was found elsewhere; a pack that has more than that is given its index and stays.
  template <typename IsFree>
  void remove_halves(const IsFree& is_free) {
    std::vector<fs::path> left;
    std::error_code error;
    for (fs::directory_iterator it(objects_ / "pack", error), end; !error && it != end; it.increment(error)) {
      const fs::path& path = it->path();
      if (!path.filename().native().starts_with("pack-")) continue;
      const bool is_pack = path.extension() == ".pack";
      if (!is_pack && path.extension() != ".idx") continue;
      std::error_code none;
      if (fs::exists(fs::path(path).replace_extension(is_pack ? ".idx" : ".pack"), none)) continue;
      if (is_pack ? is_left_pack(path, is_free) : is_left_index(path, is_free)) left.push_back(path);
    }
    for (const fs::path& path : left) git::remove_pack(fs::path(path).replace_extension(".idx"));
  }

  /// Stock git, which does not know our lock, may be about to name the index of a young one. One that is damaged stays:
  /// a check names it.
  template <typename IsFree>
  bool is_left_pack(const fs::path& pack, const IsFree& is_free) const {
    struct stat status {};
    if (::lstat(pack.c_str(), &status) != 0 ||
        std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()) - status.st_mtime <= stock_git_seconds)
      return false;
    return !fs::exists(fs::path(pack).replace_extension(".keep")) && git::rebuild_index(pack, context_) &&
           is_left_index(fs::path(pack).replace_extension(".idx"), is_free);
  }

  template <typename IsFree>
  static bool is_left_index(const fs::path& file, const IsFree& is_free) {
    try {
      const auto index = git::PackIndex::open(file);
      index->verify();
      for (std::uint32_t i = 0; i < index->count(); ++i)
        if (!is_free(index->id(i))) return false;
      return true;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::not_found) throw;
      return false;  // a check names it
    }
  }

  /// What refs need that were made or moved since the walk, of objects that seemed to be of no use.
  std::unordered_set<Oid> wanted_since(const git::ObjectTable& table) {
    std::unordered_set<Oid> seen;
    std::unordered_set<Oid> wanted;
    std::vector<Oid> open;
    const auto reached = [&](const Oid& id) {
      const auto number = table.find(id);
      return number && states_[*number] == State::reachable;
    };
    // Not those that were roots before: what an old note named and was gone may have been made again.
    for (const GcRoot& root : gc_roots(repository_, journal(), {}))
      if (!reached(root.id) && (root.must_exist || repository_.objects()->contains(root.id))) open.push_back(root.id);
    same_roots_ = open.empty();
    git::ObjectDatabase& objects = *repository_.objects();
    while (!open.empty()) {
      const Oid id = open.back();
      open.pop_back();
      if (reached(id) || !seen.insert(id).second) continue;
      if (table.find(id)) wanted.insert(id);
      const auto header = objects.header(id);
      if (!header) throw Error(ErrorCode::corrupt, "the object " + id.hex() + " is missing");
      if (header->type == git::ObjectType::commit) {
        const git::Commit commit = repository_.commit(id);
        open.push_back(commit.tree);
        open.insert(open.end(), commit.parents.begin(), commit.parents.end());
      } else if (header->type == git::ObjectType::tree) {
        for (const git::TreeEntry& entry : git::parse_tree(id, objects.read(id, header->type)))
          if (entry.mode != 0160000) open.push_back(entry.id);
      } else if (header->type == git::ObjectType::tag) {
        const std::string tag = objects.read(id, header->type);
        if (tag.starts_with("object ") && tag.size() > 46)
          open.push_back(Oid::parse(std::string_view(tag).substr(7, 40)));
      }
    }
    return wanted;
  }

  Engine& engine_;
  git::Repository& repository_;
  fs::path objects_;
  GcOptions options_;
  const Context& context_;
  std::int64_t now_;
  GcResult result_;
  std::vector<git::Ref> undo_;  // no longer needed
  std::vector<GcRoot> roots_;
  bool same_roots_ = true;
  std::vector<State> states_;
  std::vector<ObjectNumber> cruft_;
  std::uint64_t due_ = 0;
  std::int64_t oldest_ = 0;
  std::optional<git::HistoryPack> history_;
  std::optional<git::HistoryPack> young_;
  git::HistoryPackResult packed_;
  git::HistoryPackResult young_packed_;
  std::string history_name_;
  std::vector<fs::path> stay_;  // indexes of packs
};

}  // namespace
}  // namespace pod::store

namespace pod {

GcResult Store::gc(const GcOptions& options, const Context& context) {
  GcResult result = store::Collection(*engine_, options, context).run();
  if (!options.dry_run)
    for (const PodName& pod : store::pod_names(engine_->repository()))
      if (const auto latest = engine_->latest(pod)) store::note_numbers(engine_->repository(), *latest);
  return result;
}

}  // namespace pod
