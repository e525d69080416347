// What is wrong with a store, and what to do about it.

#include <libpod/store.hpp>

#include <libpod/error.hpp>

#include "base/ascii.hpp"
#include "store/engine_impl.hpp"
#include "store/marker.hpp"
#include "store/model_check.hpp"
#include "store/versions.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <algorithm>
#include <map>
#include <system_error>
#include <unordered_set>

namespace pod::store {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;

constexpr std::size_t detail_limit = 20;
constexpr std::size_t many_packs = 50;
constexpr std::size_t many_loose = 1000;

class Check {
 public:
  Check(Engine& engine, Journal& journal, const Context& context)
      : repository_(engine.repository()), journal_(journal), context_(context) {}

  std::vector<Finding> run(bool deep) {
    add(Level::ok, "format", "format " + std::to_string(store_format()));
    rights();
    configuration();
    packs();
    packing();
    refs();
    head();
    journal();
    left_overs();
    if (deep) {
      objects();
      history();
    }
    return std::move(findings_);
  }

 private:
  void add(Level level, std::string check, std::string detail, std::string fix = {}) {
    findings_.push_back({level, std::move(check), std::move(detail), std::move(fix)});
  }
  /// The lines as findings, or `good` where there are none.
  void add_all(Level level, const std::string& check, const std::vector<std::string>& lines, const std::string& good,
               const std::string& fix) {
    if (lines.empty()) add(Level::ok, check, good);
    for (std::size_t i = 0; i < std::min(lines.size(), detail_limit); ++i) add(level, check, lines[i], fix);
    if (lines.size() > detail_limit)
      add(level, check, std::to_string(lines.size() - detail_limit) + " more of the same kind");
  }

  void rights() {
    add_all(Level::warn, "rights", unusual_rights(repository_.path()), "only its owner may use the store",
            "chmod -R go= " + printable(repository_.path().native()));
  }
  void configuration() {
    try {
      const auto entries = repository_.config_entries();
      add(Level::ok, "config", std::to_string(entries.size()) + " entries");
    } catch (const Error& error) {
      add(Level::fail, "config", error.message(), "mend the file \"config\" in the store");
    }
  }
  void packs() {
    std::vector<std::string> damaged, killed;
    for (std::string& problem : repository_.objects()->problems())
      (problem.ends_with(": it has no index") ? killed : damaged).push_back(std::move(problem));
    // What a writer that was killed leaves between two renames; nothing refers to what is in such a pack.
    if (!killed.empty())
      add_all(Level::warn, "packs", killed, "", "the next change of the store makes the index from the pack");
    if (!damaged.empty() || killed.empty())
      add_all(Level::fail, "packs", damaged, "every pack has a sound index",
              "git index-pack makes an index again from a sound pack");
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
      add(Level::warn, "packing", std::to_string(packs) + " packs and " + std::to_string(loose) + " loose objects",
          "podgit gc packs them tightly");
  }

  std::string way_back(const std::string& ref) const {
    const auto value = journal_.last_value(ref);
    if (!value || value->is_zero()) return "the journal does not know where it was";
    return "the journal says it was " + value->hex() + "; the next change of the store restores it where that is there";
  }

  void refs() {
    std::size_t good = 0;
    std::vector<std::string> broken;
    std::map<std::string, std::string> folded;
    for (const git::Ref& ref :
         repository_.refs("refs/", [&](std::string name) { broken.push_back(std::move(name)); })) {
      try {
        repository_.commit(ref.target);
        ++good;
        roots_.push_back(ref);
      } catch (const Error& error) {
        add(Level::fail, "refs", "ref " + quote(ref.name) + " names no commit: " + error.message(), way_back(ref.name));
      }
      if (!ref.name.starts_with("refs/heads/")) continue;
      const std::string pod = ref.name.substr(11);
      try {
        PodName::parse(pod);
      } catch (const Error&) {
        add(Level::warn, "refs", "branch " + quote(pod) + " is not a pod's name and is not listed",
            "git branch -m gives it another one");
      }
      if (const auto [place, fresh] = folded.emplace(base::lower(pod), pod); !fresh)
        add(Level::warn, "refs", "pods " + quote(place->second) + " and " + quote(pod) + " differ in case alone",
            "copy one to another name and delete it");
    }
    for (const std::string& name : broken)
      add(Level::fail, "refs", "ref " + quote(name) + " cannot be read", way_back(name));
    add(Level::ok, "refs", std::to_string(good) + " refs name commits");
  }

  void head() {
    try {
      const auto head = repository_.head();
      const bool pods = std::any_of(roots_.begin(), roots_.end(),
                                    [](const git::Ref& ref) { return ref.name.starts_with("refs/heads/"); });
      const bool good =
          head && std::any_of(roots_.begin(), roots_.end(), [&](const git::Ref& ref) { return ref.name == *head; });
      if (!head) {
        add(Level::fail, "head", "HEAD names no branch", "the next change of the store sets it");
      } else if (pods && !good) {
        add(Level::warn, "head", "HEAD names " + quote(*head) + ", which is not there",
            "the next change of the store sets it");
      } else {
        add(Level::ok, "head", "HEAD names " + quote(*head));
      }
    } catch (const Error& error) {
      add(Level::fail, "head", error.message(), "write \"ref: refs/heads/<pod>\" into the file HEAD of the store");
    }
  }

  void journal() {
    std::error_code error;
    if (!fs::exists(repository_.path() / "pod" / "journal", error))
      return add(Level::warn, "journal", "there is no journal; undo knows nothing of what was done",
                 "the next change of the store begins a new one");
    add_all(Level::fail, "journal", journal_.problems(), "every line follows from the one before",
            "new versions are not affected; undo refuses until the file pod/journal is put aside");
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
    add_all(Level::warn, "left-overs", found, "no temporary files", "the next change of the store removes it");
  }

  /// Every object, read whole against its id.
  void objects() {
    std::vector<Oid> ids;
    repository_.objects()->for_each([&](const Oid& id) { ids.push_back(id); });
    context_.progress->begin("reading objects", std::nullopt);
    std::vector<std::string> lines;
    for (const Oid& id : ids) {
      context_.cancel->check();
      try {
        read(id);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) throw;
        bad_.insert(id);
        lines.push_back("object " + id.hex() + ": " + error.message());
      }
    }
    context_.progress->end();
    add_all(Level::fail, "objects", lines, std::to_string(ids.size()) + " objects are sound",
            "fetch it from a remote or a copy that has it");
  }

  void read(const Oid& id) {
    git::ObjectDatabase& database = *repository_.objects();
    const auto header = database.header(id);
    if (!header) throw Error(ErrorCode::corrupt, "it is missing");
    switch (header->type) {
      case git::ObjectType::commit: git::parse_commit(id, database.read(id, header->type)); break;
      case git::ObjectType::tree: git::parse_tree(id, database.read(id, header->type)); break;
      case git::ObjectType::tag: database.read(id, header->type); break;
      case git::ObjectType::blob:
        base::drain(*database.stream(id), [&](base::ConstBytes piece) {
          context_.cancel->check();
          context_.progress->advance(piece.size());
        });
    }
  }

  /// Every version: whether all it holds is there and sound.
  void history() {
    std::vector<std::string> lines;
    std::unordered_set<Oid> seen;
    std::size_t versions = 0;
    for (const git::Ref& root : roots_) {
      std::vector<Oid> open{root.target};
      while (!open.empty()) {
        context_.cancel->check();
        const Oid id = open.back();
        open.pop_back();
        if (!seen.insert(id).second) continue;
        ++versions;
        try {
          const Version version = load_version(repository_, pod_of(root.name), id);
          open.insert(open.end(), version.parents.begin(), version.parents.end());
          if (const auto missing = missing_below(version.tree))
            lines.push_back(version.str() + " lacks " + *missing);
          else
            check_models(version);
        } catch (const Error& error) {
          if (error.code() == ErrorCode::cancelled) throw;
          lines.push_back("a version behind " + quote(root.name) + " cannot be read: " + error.message());
        }
      }
    }
    add_all(Level::warn, "models", model_lines_, std::to_string(models_.checked()) + " models say what their files say",
            "the state itself is sound; a commit of it as a new version makes its model again");
    add_all(Level::fail, "history", lines, std::to_string(versions) + " versions are whole",
            "fetch it from a remote or a copy that has it");
  }

  /// Whether what it says of its state files is true.
  void check_models(const Version& version) {
    const snapshot::TreeView view(repository_.objects(), version.tree);
    for (std::string& line : models_.problems(view, context_))
      model_lines_.push_back(version.str() + ": " + std::move(line));
  }

  static std::optional<PodName> pod_of(const std::string& ref) {
    if (!ref.starts_with("refs/heads/")) return std::nullopt;
    try {
      return PodName::parse(ref.substr(11));
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  /// The first thing below a tree that is missing or damaged. Sound trees are remembered.
  std::optional<std::string> missing_below(const Oid& root) {
    struct Open {
      Oid id;
      std::string file;  // the large one that it is a part of
    };
    std::vector<Open> open{{root, {}}};
    std::vector<Oid> trees;
    while (!open.empty()) {
      context_.cancel->check();
      const Open tree = std::move(open.back());
      open.pop_back();
      const Oid& id = tree.id;
      const auto is_lost = [&](const Oid& object) {
        return bad_.contains(object) || !repository_.objects()->contains(object);
      };
      const auto in_file = [](const std::string& name) { return ", file name " + quote(name); };
      if (sound_.contains(id)) continue;
      if (is_lost(id)) return "tree " + id.hex() + (tree.file.empty() ? std::string() : in_file(tree.file));
      for (const git::TreeEntry& entry : git::parse_tree(id, repository_.objects()->read(id, git::ObjectType::tree))) {
        if (entry.is_tree()) {
          open.push_back({entry.id, tree.file});
          if (snapshot::is_chunked(entry))
            open.back().file = entry.name.substr(0, entry.name.size() - snapshot::chunks_suffix.size());
        } else if (is_lost(entry.id)) {
          return "blob " + entry.id.hex() + in_file(tree.file.empty() ? entry.name : tree.file);
        }
      }
      trees.push_back(id);
    }
    sound_.insert(trees.begin(), trees.end());
    return std::nullopt;
  }

  git::Repository& repository_;
  Journal& journal_;
  const Context& context_;
  std::vector<Finding> findings_;
  std::vector<git::Ref> roots_;
  ModelCheck models_;
  std::vector<std::string> model_lines_;
  std::unordered_set<Oid> bad_;
  std::unordered_set<Oid> sound_;
};

}  // namespace
}  // namespace pod::store

namespace pod {

std::vector<Finding> Store::check(bool deep, const Context& context) const {
  return store::Check(*engine_, engine_->impl().journal, context).run(deep);
}

}  // namespace pod
