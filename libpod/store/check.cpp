// What is wrong with a store, and what to do about it.

#include <libpod/store.hpp>

#include <libpod/error.hpp>

#include "base/ascii.hpp"
#include "git/object_check.hpp"
#include "git/shallow.hpp"
#include "store/engine_impl.hpp"
#include "store/findings.hpp"
#include "store/history_check.hpp"
#include "store/marker.hpp"
#include "store/ref_mend.hpp"
#include "store/settings.hpp"
#include "store/sidecars.hpp"
#include "store/versions.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <algorithm>
#include <map>
#include <system_error>

namespace pod::store {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;

constexpr std::size_t many_packs = 50;
constexpr std::size_t many_loose = 1000;
const std::string mends = "podgit fsck --repair ";
constexpr int most_tags = 64;  // of tags

/// What stock git's annotated tags, one of another, lead to.
Oid peeled(git::ObjectDatabase& objects, Oid id) {
  constexpr std::string_view start = "object ";
  for (int tags = 0; tags < most_tags; ++tags) {
    const auto header = objects.header(id);
    if (!header || header->type != git::ObjectType::tag) return id;
    const std::string tag = objects.read(id, git::ObjectType::tag);
    if (!tag.starts_with(start) || tag.size() < start.size() + 2 * Oid::size) return id;
    id = Oid::parse(std::string_view(tag).substr(start.size(), 2 * Oid::size));
  }
  return id;
}

class Check {
 public:
  Check(Engine& engine, Journal& journal, const std::vector<PodName>& pods, const Context& context)
      : repository_(engine.repository()), journal_(journal), pods_(pods), context_(context) {}

  std::vector<Finding> run(bool deep) {
    findings_.add(Level::ok, "format", "format " + std::to_string(store_format()));
    rights();
    configuration();
    if (!deep || !pods_.empty()) packs();
    packing();
    refs();
    shallow();
    head();
    journal();
    sidecars();
    left_overs();
    if (deep) {
      if (pods_.empty())
        all_objects();
      else
        objects_of_pods();
      history();
    }
    return findings_.take();
  }

 private:
  void rights() {
    findings_.add_lines(Level::warn, "rights", unusual_rights(repository_.path()), "only its owner may use the store",
                        "chmod -R go= " + printable(repository_.path().native()));
  }
  void configuration() {
    try {
      const auto entries = repository_.config_entries();
      findings_.add_lines(Level::warn, "config", unusual_settings(entries), std::to_string(entries.size()) + " entries",
                          mends + "sets what a store needs");
    } catch (const Error& error) {
      findings_.add(Level::fail, "config", error.message(), "mend the file \"config\" in the store");
    }
  }

  /// Packs and indexes by their shape and checksums of indexes: what every reader checks.
  void packs() {
    std::vector<std::string> damaged, killed;
    for (std::string& problem : repository_.objects()->problems())
      (problem.ends_with(": it has no index") ? killed : damaged).push_back(std::move(problem));
    // What a writer that was killed leaves between two renames; nothing refers to what is in such a pack.
    if (!killed.empty())
      findings_.add_lines(Level::warn, "packs", killed, "",
                          "the next change of the store makes the index from the pack");
    if (!damaged.empty() || killed.empty())
      findings_.add_lines(Level::fail, "packs", damaged, "every pack has a sound index",
                          mends + "makes indexes again, and saves what is sound in a pack");
  }

  /// Only where a gc is worth its while.
  void packing() {
    std::size_t packs = 0;
    std::size_t loose = 0;
    std::error_code error;
    for (fs::recursive_directory_iterator entry(repository_.objects_folder(), error), end; !error && entry != end;
         entry.increment(error)) {
      if (entry->path().extension() == ".pack") ++packs;
      if (entry->path().filename().native().size() == 2 * Oid::size - 2) ++loose;
    }
    if (packs >= many_packs || loose >= many_loose)
      findings_.add(Level::warn, "packing",
                    std::to_string(packs) + " packs and " + std::to_string(loose) + " loose objects",
                    "podgit gc packs them tightly");
  }

  std::string way_back(const std::string& ref) const {
    const auto value = journal_.last_value(ref);
    if (!value || value->is_zero()) return mends + "restores it where the journal or a reflog knows where it was";
    return "the journal says it was " + value->hex() + "; " + mends + "restores it where that is there";
  }

  void refs() {
    std::size_t good = 0;
    std::vector<std::string> broken;
    std::vector<git::Ref> found;
    try {
      found = repository_.refs("refs/", [&](std::string name) { broken.push_back(std::move(name)); });
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corrupt) throw;
      findings_.add(Level::fail, "refs",
                    error.message() + (error.causes().empty() ? "" : ": " + error.causes().front()),
                    mends + "leaves out the lines that say nothing, and restores what they said from the journal");
      refs_readable_ = false;
      return;
    }
    for (const std::string& problem : repository_.packed_refs_problems())
      findings_.add(Level::fail, "refs", "packed-refs: " + problem, mends + "leaves it out");
    std::map<std::string, std::string> folded;
    for (const git::Ref& ref : found) {
      try {
        const Oid commit = peeled(*repository_.objects(), ref.target);
        repository_.commit(commit);
        ++good;
        roots_.push_back({ref.name, commit});
      } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) throw;
        findings_.add({Level::fail,
                       "refs",
                       "ref " + quote(ref.name) + " names no commit: " + error.message(),
                       way_back(ref.name),
                       ref.target.hex(),
                       {ref.name},
                       1});
        lost_roots_.push_back(ref);
      }
      if (!ref.name.starts_with("refs/heads/")) {
        if (ref.name.starts_with("refs/pod/") && !is_own_ref(ref.name))
          findings_.add(Level::warn, "refs", "ref " + quote(ref.name) + " is none that podgit makes",
                        "git update-ref -d removes it");
        continue;
      }
      const std::string pod = ref.name.substr(11);
      try {
        PodName::parse(pod);
      } catch (const Error&) {
        findings_.add(Level::warn, "refs", "branch " + quote(pod) + " is not a pod's name and is not listed",
                      "git branch -m gives it another one");
      }
      if (const auto [place, fresh] = folded.emplace(base::lower(pod), pod); !fresh)
        findings_.add(Level::warn, "refs",
                      "pods " + quote(place->second) + " and " + quote(pod) + " differ in case alone",
                      "copy one to another name and delete it");
    }
    for (const std::string& name : broken)
      findings_.add({Level::fail, "refs", "ref " + quote(name) + " cannot be read", way_back(name), name, {name}, 1});
    compare_with_journal(found, broken);
    if (journal_.problems().empty()) {
      std::vector<std::string> strays;
      for (const git::Ref& ref : stray_kept_refs(found, journal_.readable()))
        strays.push_back("ref " + quote(ref.name) + " keeps " + ref.target.hex() +
                         ", which the journal does not say of that operation");
      for (const std::string& line : strays)
        findings_.add(Level::warn, "refs", line, mends + "gives it its right name");
    }
    findings_.add(Level::ok, "refs", std::to_string(good) + " refs name commits");
  }

  /// Where the history is cut off on purpose.
  void shallow() {
    const git::Shallow found = git::read_shallow(repository_.path());
    findings_.add_lines(Level::fail, "shallow", found.problems,
                        found.commits.empty() ? "no history is cut off"
                                              : "histories are cut off at " + std::to_string(found.commits.size()) +
                                                    " versions; podgit fetch --unshallow brings what lies behind",
                        mends + "leaves it out; podgit fetch --unshallow brings what it cut off");
  }

  static bool is_own_ref(std::string_view name) {
    const auto consists_of = [](std::string_view text, std::string_view characters) {
      return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
    };
    constexpr std::string_view undo = "refs/pod/undo/", kept = "refs/pod/journal/";
    return (name.starts_with(undo) && name.size() == undo.size() + 16 &&
            consists_of(name.substr(undo.size()), "0123456789abcdef")) ||
           (name.starts_with(kept) && consists_of(name.substr(kept.size()), "0123456789"));
  }

  /// A branch that was lost, set back or moved without a word in the journal. Stock git may have done it.
  void compare_with_journal(const std::vector<git::Ref>& found, const std::vector<std::string>& broken) {
    const std::vector<Operation> operations = journal_.readable();
    std::map<std::string, Oid> said;
    for (const Operation& operation : operations)
      if (operation.ref.starts_with("refs/heads/")) said[operation.ref] = operation.after;
    std::error_code error;
    const bool has_journal = fs::exists(repository_.path() / "pod" / "journal", error);
    // The last one may be under way.
    const bool open = !operations.empty() && !operations.back().ref.empty();
    std::map<std::string, Oid> is;
    for (const git::Ref& ref : found)
      if (ref.name.starts_with("refs/heads/")) is.emplace(ref.name, ref.target);
    for (const auto& [name, value] : said) {
      const auto now = is.find(name);
      const Oid target = now == is.end() ? Oid() : now->second;
      if (target == value || std::find(broken.begin(), broken.end(), name) != broken.end()) continue;
      if (open && operations.back().ref == name && target == operations.back().before) {
        if (is_abandoned(repository_.path() / "pod" / "lock"))
          findings_.add(Level::warn, "refs",
                        "operation " + std::to_string(operations.back().id) + " (" + printable(operations.back().what) +
                            ") was announced, and ref " + quote(name) + " does not show it",
                        "its writer was killed, and the next change of the store drops it; where the ref was lost, " +
                            mends + "restores it");
        continue;
      }
      const std::string was = value.is_zero() ? "it was deleted" : "it was at " + value.hex();
      findings_.add({now == is.end() ? Level::fail : Level::warn,
                     "refs",
                     "ref " + quote(name) + (now == is.end() ? " is not there" : " is at " + target.hex()) +
                         ", the journal says that " + was,
                     now == is.end()
                         ? mends + "restores it; git branch -d is not how a pod is deleted, podgit delete is"
                         : "where nobody moved it with stock git: git update-ref " + name + " " + value.hex() + "; " +
                               mends + "takes note of where it is",
                     name,
                     {name.substr(11)},
                     1});
    }
    for (const auto& [name, target] : is)
      if (!said.contains(name) && has_journal)
        findings_.add(Level::warn, "refs", "the journal does not know how " + quote(name) + " came here",
                      mends + "takes note of it; without a note it cannot be restored");
  }

  void head() {
    try {
      const auto head = repository_.head();
      const bool pods = std::any_of(roots_.begin(), roots_.end(),
                                    [](const git::Ref& ref) { return ref.name.starts_with("refs/heads/"); });
      const bool good =
          head && std::any_of(roots_.begin(), roots_.end(), [&](const git::Ref& ref) { return ref.name == *head; });
      if (!head) {
        findings_.add(Level::fail, "head", "HEAD names no branch", mends + "sets it");
      } else if (pods && !good) {
        findings_.add(Level::warn, "head", "HEAD names " + quote(*head) + ", which is not there",
                      "the next change of the store sets it");
      } else {
        findings_.add(Level::ok, "head", "HEAD names " + quote(*head));
      }
    } catch (const Error& error) {
      findings_.add(Level::fail, "head", error.message(), mends + "sets it");
    }
  }

  void journal() {
    std::error_code error;
    if (!fs::exists(repository_.path() / "pod" / "journal", error))
      return findings_.add(Level::warn, "journal", "there is no journal; undo knows nothing of what was done",
                           "the next change of the store begins a new one");
    findings_.add_lines(Level::fail, "journal", journal_.problems(), "every line follows from the one before",
                        "versions are not affected, undo refuses; " + mends + "makes a journal of what can be read");
  }

  void sidecars() {
    findings_.add_lines(Level::warn, "sidecars", damaged_sidecars(repository_.path()),
                        "what is noted beside the versions is sound",
                        "it is not used; " + mends + "removes it, and it comes again");
  }

  /// Whether the lock on a file or folder is free, so that whoever used it is gone.
  static bool is_abandoned(const fs::path& path) {
    const base::Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    return fd && ::flock(fd.get(), LOCK_SH | LOCK_NB) == 0;
  }

  void left_overs() {
    std::vector<std::string> found;
    const auto look = [&](const char* folder, const auto& is_one) {
      std::error_code error;
      for (fs::directory_iterator entry(repository_.path() / folder, error), end; !error && entry != end;
           entry.increment(error))
        if (is_one(entry->path().filename().native()) && is_abandoned(entry->path()))
          found.push_back(quote((fs::path(folder) / entry->path().filename()).native()) + " was left over");
    };
    look("pod/tmp", [](const std::string&) { return true; });
    look("objects/pack", [](const std::string& name) { return name.starts_with("tmp_"); });
    for (const char* folder : {"", "refs/heads", "refs/pod/journal", "refs/pod/undo"})
      look(folder, [](const std::string& name) { return name.ends_with(".lock"); });
    findings_.add_lines(Level::warn, "left-overs", found, "no temporary files",
                        "the next change of the store removes it");
  }

  /// Every pack, index and loose object, read whole.
  void all_objects() {
    const fs::path folder = repository_.objects_folder();
    repository_.objects()->refresh();
    const std::vector<fs::path> packs = git::list_packs(folder);
    context_.progress->begin("reading objects", git::size_of_packs(packs));
    std::vector<Finding> found;
    std::uint64_t count = 0;
    std::unordered_set<Oid> suspects;
    for (const fs::path& pack : packs) {
      git::PackCheck result = git::check_pack(pack, context_);
      count += result.count;
      if (result.sound()) continue;
      std::error_code error;
      const bool is_there = fs::exists(pack, error);
      const bool has_index = fs::exists(fs::path(pack).replace_extension(".idx"), error);
      if (!is_there && (!has_index || all_elsewhere(pack))) continue;  // joined with others meanwhile
      for (const git::DamagedObject& object : result.objects) suspects.insert(object.id);
      const std::string name = pack.filename().native();
      for (const std::string& problem : result.pack_problems)
        found.push_back({Level::fail,
                         {},
                         name + ": " + problem,
                         mends + "saves what is sound in it and puts the rest aside",
                         name,
                         {},
                         0});
      for (const std::string& problem : result.index_problems) {
        // What a writer that was killed leaves between two renames; nothing refers to what is in such a pack.
        const bool killed = !has_index && result.pack_problems.empty();
        found.push_back(
            {killed ? Level::warn : Level::fail,
             {},
             killed ? name + ": it has no index" : fs::path(name).replace_extension(".idx").native() + ": " + problem,
             mends + "makes the index from the pack",
             name,
             {},
             0});
      }
      if (result.pack_problems.empty() && !result.objects.empty())
        found.push_back(
            {Level::fail,
             {},
             name + ": " + std::to_string(result.objects.size()) + " objects in it are not what its index says",
             mends + "saves what is sound in it and puts the rest aside",
             name,
             {},
             0});
    }
    for (const std::string& file : damaged_side_files(folder))
      found.push_back({Level::warn,
                       {},
                       file + ": its bytes do not have its checksum",
                       mends + "puts it aside; stock git makes it again",
                       file,
                       {},
                       0});
    std::uint64_t loose = 0;
    for (const git::LooseProblem& problem : git::check_loose_objects(folder, loose, context_)) {
      suspects.insert(problem.id);
      const std::string name = problem.file.lexically_relative(repository_.path()).native();
      found.push_back({Level::fail, {}, name + ": " + problem.why, mends + "puts it aside", name, {}, 0});
    }
    count_ = count + loose;
    findings_.add_all("packs", std::move(found), std::to_string(packs.size()) + " packs are sound");
    // A second copy of an object may be what readers get.
    judge({suspects.begin(), suspects.end()});
    context_.progress->end();
  }

  bool all_elsewhere(const fs::path& pack) const {
    const auto problems = repository_.objects()->problems();
    const std::string name = fs::path(pack.filename()).replace_extension(".idx").native();
    return std::none_of(problems.begin(), problems.end(),
                        [&](const std::string& problem) { return problem.starts_with(name); });
  }

  void objects_of_pods() {
    context_.progress->begin("reading objects", std::nullopt);
    const std::vector<Oid> ids = reachable_objects(repository_, roots_of_pods(), context_);
    count_ = ids.size();
    judge(ids);
    context_.progress->end();
  }

  void judge(const std::vector<Oid>& ids) {
    for (git::DamagedObject& object : git::check_objects(*repository_.objects(), ids, context_))
      damaged_.emplace(object.id, std::move(object.why));
  }

  /// Those of the pods that were asked for; all where none was.
  std::vector<git::Ref> roots_of_pods() const {
    std::vector<git::Ref> all = roots_;
    all.insert(all.end(), lost_roots_.begin(), lost_roots_.end());
    if (pods_.empty()) return all;
    std::erase_if(all, [&](const git::Ref& ref) {
      return std::none_of(pods_.begin(), pods_.end(), [&](const PodName& pod) { return pod.branch() == ref.name; });
    });
    return all;
  }

  void history() {
    HistoryCheck check(repository_, journal_, damaged_, context_);
    if (refs_readable_) check.run(roots_of_pods(), !pods_.empty(), findings_);
    std::vector<Finding> found;
    for (const auto& [id, why] : damaged_) {
      Finding finding{Level::fail,
                      {},
                      "object " + id.hex() + ": " + why,
                      mends + "uses another copy of it where there is one",
                      id.hex(),
                      {},
                      0};
      if (const auto place = check.affected().find(id); place != check.affected().end()) {
        finding.affects = place->second;
        finding.affected = place->second.size();
      } else {
        finding.detail += "; no version needs it";
      }
      found.push_back(std::move(finding));
    }
    findings_.add_all("objects", std::move(found), std::to_string(count_) + " objects are sound");
  }

  git::Repository& repository_;
  Journal& journal_;
  const std::vector<PodName>& pods_;
  const Context& context_;
  Findings findings_;
  std::vector<git::Ref> roots_;       // that name commits
  std::vector<git::Ref> lost_roots_;  // that name what is not there
  bool refs_readable_ = true;
  std::uint64_t count_ = 0;
  std::unordered_map<Oid, std::string> damaged_;  // what readers get is not sound
};

}  // namespace
}  // namespace pod::store

namespace pod {

std::vector<Finding> Store::check(bool deep, const Context& context, const std::vector<PodName>& pods) const {
  for (const PodName& pod : pods) {
    bool known = true;
    try {
      known = engine_->repository().find_ref(pod.branch()).has_value();
    } catch (const Error&) {
      // Broken, which is for the check to say.
    }
    if (!known) store::throw_missing(engine_->repository(), PodRef::latest(pod));
  }
  return store::Check(*engine_, engine_->impl().journal, pods, context).run(deep);
}

}  // namespace pod
