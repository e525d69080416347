// What is damaged put right as far as it can be: Store::repair.
//
// Each step leaves the store no worse than it found it, so that it can be killed anywhere and run again: what replaces
// something is durable before the old goes, and the old goes to pod/quarantine.

#include "store/mend.hpp"

#include "git/index_rebuild.hpp"
#include "git/object_check.hpp"
#include "git/shallow.hpp"
#include "store/engine_impl.hpp"
#include "store/marker.hpp"
#include "store/numbers.hpp"
#include "store/quarantine.hpp"
#include "store/ref_mend.hpp"
#include "store/settings.hpp"
#include "store/sidecars.hpp"
#include "store/versions.hpp"

#include <libpod/error.hpp>

#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <system_error>

namespace pod::store {
namespace {

namespace fs = std::filesystem;

/// Where it cannot be read, or does not say what a store needs, it is written anew with what else it says.
void mend_configuration(const fs::path& store, const Quarantine& quarantine, std::vector<std::string>& done) {
  const fs::path file = store / "config";
  std::vector<Setting> entries;
  try {
    entries = git::read_config_file(file);
    if (unusual_settings(entries).empty()) return;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt) throw;
  }
  // Of a repository with extensions nothing is known here: opening it refuses it.
  if (std::any_of(entries.begin(), entries.end(),
                  [](const Setting& entry) { return entry.first.starts_with("extensions."); }))
    return;
  quarantine.copy(file);
  const base::TempFolder work(store / "pod" / "tmp");
  const fs::path fresh = work.path() / "config";
  base::write_file_atomically(fresh, git::first_config());
  const auto set = [&](const Setting& entry) { git::write_config_file(fresh, entry.first, entry.second); };
  for (const Setting& entry : needed_settings()) set(entry);
  for (const Setting& entry : entries) {
    if (is_reserved_setting(entry.first)) continue;
    try {
      set(entry);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::invalid_argument) throw;  // no key any more
    }
  }
  base::write_file_atomically(file, base::read_file(fresh, 1 << 24).value_or(std::string(git::first_config())));
  done.emplace_back(
      "the configuration did not say what a store needs, and is written again; the old one is in pod/quarantine");
}

void mend_marker(const fs::path& store, const Quarantine& quarantine, std::vector<std::string>& done) {
  const fs::path file = store / "pod" / "format";
  const auto text = base::read_file(file, 4096);
  if (!text || !is_damaged_marker(*text)) return;
  quarantine.copy(file);
  base::write_file_atomically(file, encode_marker(store_format()));
  done.push_back("the format file was damaged, and is written again");
}

class Mend {
 public:
  Mend(Engine& engine, const Quarantine& quarantine, std::vector<std::string>& done, const Context& context)
      : impl_(engine.impl()),
        repository_(engine.repository()),
        quarantine_(quarantine),
        done_(done),
        context_(context),
        objects_(repository_.objects_folder()) {}

  void run(bool previous_writer_died) {
    mend_objects();
    if (!impl_.journal.problems().empty()) {
      const std::size_t lost = impl_.journal.mend(quarantine_.folder());
      done_.push_back("the journal lost " + std::to_string(lost) + (lost == 1 ? " line" : " lines") +
                      "; what can be read is kept, the old file is in pod/quarantine");
    }
    if (!repository_.packed_refs_problems().empty()) {
      quarantine_.copy(repository_.path() / "packed-refs");
      repository_.drop_bad_packed_refs();
      done_.emplace_back(
          "packed-refs held lines that name no ref; they are left out, the old file is in pod/quarantine");
    }
    if (const git::Shallow shallow = git::read_shallow(repository_.path()); !shallow.problems.empty()) {
      quarantine_.copy(repository_.path() / "shallow");
      git::write_shallow(repository_.path(), shallow.commits);
      repository_.objects()->refresh();
      done_.emplace_back(
          "the file shallow held lines that name no commit; they are left out, the old file is in pod/quarantine");
    }
    RefMend refs(impl_, quarantine_, context_);
    refs.run();
    done_.insert(done_.end(), refs.done().begin(), refs.done().end());
    impl_.repair(previous_writer_died, context_);
    mend_head();
    mend_sidecars();
  }

 private:
  void mend_objects() {
    const std::vector<fs::path> packs = git::list_packs(objects_);
    context_.progress->begin("reading objects", git::size_of_packs(packs));
    std::vector<fs::path> bad;
    for (const fs::path& pack : packs) {
      const git::PackCheck check = git::check_pack(pack, context_);
      if (check.sound()) continue;
      if (check.needs_index() && git::rebuild_index(pack, context_)) {
        done_.push_back("made the index of " + pack.filename().native() + " from the pack");
        continue;
      }
      bad.push_back(pack);
    }
    std::uint64_t count = 0;
    std::vector<fs::path> bad_loose;
    for (const git::LooseProblem& problem : git::check_loose_objects(objects_, count, context_))
      bad_loose.push_back(problem.file);
    if (!bad.empty() || !bad_loose.empty()) salvage(bad, bad_loose);
    std::vector<std::string> side_files = damaged_side_files(objects_);
    // It names packs, and one of them may have gone.
    if (!bad.empty() && fs::exists(objects_ / "pack" / "multi-pack-index"))
      side_files.emplace_back("pack/multi-pack-index");
    for (const std::string& file : side_files)
      if (quarantine_.move(objects_ / file)) done_.push_back("put " + file + " aside; stock git makes it again");
    repository_.objects()->refresh();
    context_.progress->end();
  }

  /// The sound objects of damaged files, as far as they are nowhere else, into a pack of their own.
  void salvage(const std::vector<fs::path>& packs, const std::vector<fs::path>& loose) {
    std::vector<fs::path> without = packs;
    without.insert(without.end(), loose.begin(), loose.end());
    git::PackWriter writer(git::ObjectDatabase::open(objects_, std::move(without)), objects_, context_);
    std::vector<std::uint64_t> saved;
    for (const fs::path& pack : packs) saved.push_back(git::salvage_pack(pack, writer, context_));
    // Before the new pack has its name: where all was saved it may be the old one's.
    for (const fs::path& pack : packs)
      for (const fs::path& file : files_of(pack)) quarantine_.link(file);
    const auto fresh = writer.finish().pack;
    // Notes of folders and captures tell of objects that go now, parts of large files too.
    impl_.count_removal();
    for (std::size_t i = 0; i < packs.size(); ++i) {
      if (packs[i] != fresh)
        for (const fs::path& file : files_of(packs[i])) quarantine_.move(file);
      done_.push_back("put " + packs[i].filename().native() + " aside, which is damaged; " + std::to_string(saved[i]) +
                      " of its objects were sound and are kept");
    }
    for (const fs::path& file : loose)
      if (quarantine_.move(file))
        done_.push_back("put the loose object " + file.lexically_relative(objects_).native() +
                        " aside, which is damaged");
  }

  /// In the order in which they go: what a kill leaves is an index without a pack, which nobody reads.
  static std::vector<fs::path> files_of(const fs::path& pack) {
    std::vector<fs::path> files;
    for (const char* extension : {".pack", ".mtimes", ".rev", ".bitmap", ".keep", ".promisor", ".idx"}) {
      fs::path file = fs::path(pack).replace_extension(extension);
      std::error_code error;
      if (fs::exists(fs::symlink_status(file, error))) files.push_back(std::move(file));
    }
    return files;
  }

  void mend_head() {
    std::optional<std::string> head;
    try {
      head = repository_.head();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corrupt) throw;
    }
    if (!head) {
      const auto pods = pod_names(repository_);
      const std::string branch = pods.empty() ? "refs/heads/main" : pods.front().branch();
      quarantine_.copy(repository_.path() / "HEAD");
      repository_.set_head(branch);
      done_.push_back("HEAD named no branch; it names " + branch);
    } else {
      impl_.settle_head(*head);
    }
  }

  void mend_sidecars() {
    for (const std::string& file : damaged_sidecars(repository_.path()))
      if (::unlink((repository_.path() / file).c_str()) == 0)
        done_.push_back("removed " + file + ", which comes again");
    for (const PodName& pod : pod_names(repository_)) {
      const NumberIndex index(repository_.path(), pod.branch());
      const bool lies = std::any_of(index.commits().begin(), index.commits().end(), [&](const NumberedCommit& entry) {
        try {
          return load_version(repository_, pod, entry.commit).number != entry.number;
        } catch (const Error& error) {
          if (error.code() == ErrorCode::cancelled) throw;
          return true;
        }
      });
      if (lies && ::unlink(index.file().c_str()) == 0)
        done_.push_back("removed what was noted of the numbers of " + quote(pod.str()) + ", which comes again");
    }
  }

  Engine::Impl& impl_;
  git::Repository& repository_;
  const Quarantine& quarantine_;
  std::vector<std::string>& done_;
  const Context& context_;
  fs::path objects_;
};

}  // namespace

std::unique_ptr<Engine> mend_store(const fs::path& folder, const StoreOptions& options, std::vector<std::string>& done,
                                   const Context& context) {
  std::error_code error;
  const fs::path store = fs::canonical(folder, error);
  if (error) throw Error(ErrorCode::not_found, "no store at " + quote(folder.native()));
  check_place(store);
  const TakenLock taken = take_writer_lock(store, options, options.lock_wait, context);
  const Quarantine quarantine(store);
  mend_marker(store, quarantine, done);
  check_marker(store);
  mend_configuration(store, quarantine, done);
  if (!fs::exists(fs::symlink_status(store / "HEAD"))) {
    base::write_file_atomically(store / "HEAD", "ref: refs/heads/main\n");
    done.emplace_back("HEAD was missing");
  }
  auto engine = Engine::open(store, options);
  Mend(*engine, quarantine, done, context).run(taken.previous_writer_died);
  return engine;
}

}  // namespace pod::store

namespace pod {

RepairReport Store::repair(const std::filesystem::path& folder, const StoreOptions& options, const Context& context) {
  RepairReport report;
  const Store store(store::mend_store(folder, options, report.done, context));
  report.remaining = store.check(true, context);
  return report;
}

}  // namespace pod
