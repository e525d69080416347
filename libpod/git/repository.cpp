#include "git/repository.hpp"

#include "base/files.hpp"
#include "git/config_file.hpp"
#include "git/libgit2.hpp"
#include "git/libgit2_refdb.hpp"
#include "git/refs.hpp"

#include <git2/sys/repository.h>

#include <sys/stat.h>
#include <algorithm>
#include <cerrno>
#include <unordered_set>

namespace pod::git {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view first_branch = "refs/heads/main";

// Readable by stock git, safe from its automatic housekeeping, and durable and unaltered where stock git writes. Not
// core.fsyncObjectFiles: stock git warns about it at every command, and nothing here is written by libgit2.
constexpr std::string_view initial_config = R"([core]
	repositoryformatversion = 0
	filemode = true
	bare = true
	autocrlf = false
	logAllRefUpdates = false
	bigFileThreshold = 1m
	fsync = all
[gc]
	auto = 0
[maintenance]
	auto = false
[receive]
	autogc = false
	denyDeletes = true
	denyNonFastForwards = true
[transfer]
	fsckObjects = true
)";

void make_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) base::throw_errno(errno, "create the folder", folder);
}

/// Nothing in it, or only what an init that was interrupted left: it writes HEAD last.
bool is_free(const fs::path& folder) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name != "objects" && name != "refs" && name != "config" && !name.starts_with(".tmp-")) return false;
  }
  return true;
}

}  // namespace

struct Repository::Impl {
  explicit Impl(fs::path folder)
      : path(std::move(folder)), refs(path), objects(ObjectDatabase::open(path / "objects")) {}

  fs::path path;
  RefFiles refs;
  std::shared_ptr<ObjectDatabase> objects;
  RepositoryHandle libgit2;  // made when first asked

  /// A repository without a path: libgit2 sees our objects and our refs, an empty configuration, and no file of its
  /// own choice. Opening it by its path would read the user's configuration.
  git_repository* repository() {
    if (libgit2) return libgit2.get();
    start_libgit2();
    const auto check = [](int result) {
      if (result < 0) throw libgit2_error(result, ErrorCode::internal, "cannot start libgit2 on the store");
    };
    git_repository* raw = nullptr;
    check(git_repository_new(&raw));
    RepositoryHandle repository(raw);
    git_config* config = nullptr;
    check(git_config_new(&config));
    const ConfigHandle config_owner(config);
    check(git_repository_set_config(raw, config));
    const OdbHandle odb(make_libgit2_odb(objects));
    check(git_repository_set_odb(raw, odb.get()));
    const RefdbHandle refdb = make_libgit2_refdb(raw, refs);
    check(git_repository_set_refdb(raw, refdb.get()));
    libgit2 = std::move(repository);
    return libgit2.get();
  }

  /// What a ref may point to.
  void check_target(std::string_view name, const Oid& target) const {
    const std::optional<ObjectHeader> header = objects->header(target);
    if (!header)
      throw Error(ErrorCode::not_found, "the ref " + quote(name) + " cannot point to " + target.hex())
          .because("there is no such object");
    if (name.starts_with("refs/heads/") && header->type != ObjectType::commit)
      throw Error(ErrorCode::invalid_argument, "the branch " + quote(name) + " cannot point to " + target.hex())
          .because("it is a " + std::string(type_name(header->type)));
  }
};

Repository::Repository(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Repository::Repository(Repository&&) noexcept = default;
Repository& Repository::operator=(Repository&&) noexcept = default;
Repository::~Repository() = default;

std::string_view first_config() noexcept { return initial_config; }

std::vector<std::pair<std::string, std::string>> first_settings() {
  // In the form in which it is written here: a section a line, or a key and its value.
  std::vector<std::pair<std::string, std::string>> settings;
  std::string section;
  for (std::string_view rest = initial_config; !rest.empty();) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    if (line.starts_with('[')) {
      section = line.substr(1, line.size() - 2);
      continue;
    }
    line.remove_prefix(1);
    const std::size_t end = line.find(" = ");
    settings.emplace_back(section + "." + std::string(line.substr(0, end)), line.substr(end + 3));
  }
  return settings;
}

Repository Repository::init(const fs::path& folder) {
  const fs::path absolute = fs::absolute(folder).lexically_normal();
  const bool is_there = fs::exists(fs::symlink_status(absolute));
  if (is_there && !fs::is_directory(absolute))
    throw Error(ErrorCode::already_exists, "a repository cannot be made in " + quote(folder.native()))
        .because("it is no folder");
  if (is_there && !is_free(absolute))
    throw Error(ErrorCode::already_exists, "a repository cannot be made in " + quote(folder.native()))
        .because("it is not empty");
  fs::path missing = absolute;
  std::vector<fs::path> to_make;
  for (; !fs::exists(missing); missing = missing.parent_path()) to_make.push_back(missing);
  for (auto next = to_make.rbegin(); next != to_make.rend(); ++next) make_folder(*next);
  for (const char* inner : {"objects", "objects/pack", "objects/info", "refs", "refs/heads", "refs/tags"})
    make_folder(absolute / inner);
  base::write_file_atomically(absolute / "config", initial_config);
  base::write_file_atomically(absolute / "HEAD", "ref: " + std::string(first_branch) + '\n');
  return open(absolute);
}

Repository Repository::open(const fs::path& folder) {
  const fs::path absolute = fs::absolute(folder).lexically_normal();
  if (!fs::is_directory(absolute))
    throw Error(ErrorCode::not_found, "there is no repository at " + quote(folder.native()));
  const bool has_head = fs::exists(fs::symlink_status(absolute / "HEAD"));
  for (const char* inner : {"objects", "refs"}) {
    const fs::file_status status = fs::symlink_status(absolute / inner);
    if (fs::is_symlink(status))
      throw Error(ErrorCode::refused, "the folder " + quote((absolute / inner).native()) + " is a link")
          .hint("replace it by the folder it points to");
    if (fs::is_directory(status)) continue;
    if (!has_head) throw Error(ErrorCode::not_found, "there is no repository at " + quote(folder.native()));
    throw Error(ErrorCode::corrupt, "the repository at " + quote(folder.native()) + " has no folder " + quote(inner));
  }
  if (!has_head) throw Error(ErrorCode::not_found, "there is no repository at " + quote(folder.native()));

  const ConfigEntries config = read_config(absolute / "config");
  const std::string version = find_config(config, "core.repositoryformatversion").value_or("");
  if (version.empty())
    throw Error(ErrorCode::corrupt, "the configuration " + quote((absolute / "config").native()) + " is damaged")
        .because("it does not say core.repositoryformatversion");
  const bool extended = std::any_of(config.begin(), config.end(),
                                    [](const auto& entry) { return entry.first.starts_with("extensions."); });
  if ((version != "0" && version != "1") || extended)
    throw Error(ErrorCode::incompatible,
                "the repository at " + quote(folder.native()) + " has a format that is not supported")
        .because(extended ? "it uses extensions of git's format" : "its format version is " + quote(version));
  return Repository(std::make_unique<Impl>(absolute));
}

const fs::path& Repository::path() const noexcept { return impl_->path; }
const std::shared_ptr<ObjectDatabase>& Repository::objects() const noexcept { return impl_->objects; }

Commit Repository::commit(const Oid& id) const { return read_commit(*impl_->objects, id); }

std::optional<Oid> Repository::find_ref(std::string_view name) const { return impl_->refs.resolve(name); }

std::vector<Ref> Repository::refs(std::string_view prefix, const std::function<void(std::string)>& broken) const {
  std::vector<Ref> found;
  for (const std::string& name : impl_->refs.names(prefix)) {
    try {
      const std::optional<Oid> target = impl_->refs.resolve(name);
      if (!target)
        throw Error(ErrorCode::corrupt, "the ref " + quote(name) + " is broken")
            .because("it points to a ref that does not exist");
      found.push_back({name, *target});
    } catch (const Error& error) {
      // One that the disk does not give now is not broken: nobody may put another value in its place.
      if (!broken || error.code() != ErrorCode::corrupt) throw;
      broken(name);
    }
  }
  return found;
}

// No reflogs: the store's journal says who moved what, and keeps old tips alive. The message is for a store that will.
RefUpdate Repository::update_ref(std::string_view name, const Oid& expected, const Oid& target, std::string_view) {
  if (!target.is_zero()) impl_->check_target(name, target);
  return impl_->refs.update(name, expected, target);
}

void Repository::restore_ref(std::string_view name, const Oid& target) {
  impl_->check_target(name, target);
  impl_->refs.restore(name, target);
}

std::vector<std::string> Repository::packed_refs_problems() const { return impl_->refs.packed_problems(); }
void Repository::drop_bad_packed_refs() { impl_->refs.drop_bad_packed_lines(); }

void Repository::set_head(std::string_view branch) {
  if (!branch.starts_with("refs/heads/"))
    throw Error(ErrorCode::invalid_argument, "HEAD cannot point to " + quote(branch)).because("it is no branch");
  impl_->refs.point("HEAD", branch);
}

std::optional<std::string> Repository::head() const {
  const std::optional<RefFiles::Value> value = impl_->refs.read("HEAD");
  if (!value || !std::holds_alternative<std::string>(*value)) return std::nullopt;
  return std::get<std::string>(*value);
}

std::optional<Oid> Repository::find_revision(std::string_view text) const {
  const std::string asked(text);
  if (asked.empty() || asked.size() > 4096 || asked.find('\0') != std::string::npos)
    throw Error(ErrorCode::invalid_argument, "the revision " + quote(asked) + " is not one that git understands");
  git_repository* repository = impl_->repository();
  git_object* raw = nullptr;
  const int result = git_revparse_single(&raw, repository, asked.c_str());
  if (result == GIT_ENOTFOUND) return std::nullopt;
  if (result == GIT_EAMBIGUOUS || result == GIT_EINVALIDSPEC)
    throw libgit2_error(
        result, ErrorCode::invalid_argument,
        "the revision " + quote(asked) +
            (result == GIT_EAMBIGUOUS ? " could mean several objects" : " is not one that git understands"));
  if (result < 0) throw libgit2_error(result, ErrorCode::corrupt, "the revision " + quote(asked) + " cannot be read");
  const ObjectHandle object(raw);
  git_object* peeled = nullptr;
  if (const int peel = git_object_peel(&peeled, object.get(), GIT_OBJECT_COMMIT); peel < 0)
    throw libgit2_error(peel, ErrorCode::invalid_argument, "the revision " + quote(asked) + " is no commit");
  const ObjectHandle commit(peeled);
  return from_git(*git_object_id(commit.get()));
}

bool Repository::is_ancestor(const Oid& ancestor, const Oid& of) const {
  std::vector<Oid> next{of};
  std::unordered_set<Oid> seen{of};
  for (std::size_t at = 0; at < next.size(); ++at) {
    if (next[at] == ancestor) return true;
    for (const Oid& parent : commit(next[at]).parents)
      if (seen.insert(parent).second) next.push_back(parent);
  }
  return false;
}

std::optional<std::string> Repository::config(std::string_view key) const {
  check_config_key(key);
  return find_config(config_entries(), key);
}
std::vector<std::pair<std::string, std::string>> Repository::config_entries() const {
  return read_config(impl_->path / "config");
}
void Repository::set_config(std::string_view key, std::optional<std::string_view> value) {
  write_config(impl_->path / "config", {{std::string(key), value ? std::optional<std::string>(*value) : std::nullopt}});
}

}  // namespace pod::git
