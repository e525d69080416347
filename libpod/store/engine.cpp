#include "store/engine_impl.hpp"

#include <libpod/error.hpp>

#include "digest/digest.hpp"
#include "store/marker.hpp"
#include "store/message.hpp"
#include "store/versions.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace pod::store {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t versions_a_note = 256;

/// What git can write: not before 1970, an offset of at most 14 hours.
Time checked(Time time) {
  time.seconds = std::clamp<std::int64_t>(time.seconds, 0, std::int64_t{1} << 40);
  time.offset_minutes = std::clamp(time.offset_minutes, -14 * 60, 14 * 60);
  return time;
}

void require_writable(const StoreOptions& options, const fs::path& store) {
  if (options.read_only) throw Error(ErrorCode::denied, "store " + quote(store.native()) + " is read-only");
}

git::Commit make_commit(const Oid& tree, std::vector<Oid> parents, const Author& author, Time time,
                        std::string message) {
  const git::Signature signature{author.name, author.email, checked(time)};
  git::Commit commit;
  commit.tree = tree;
  commit.parents = std::move(parents);
  commit.author = signature;
  commit.committer = signature;
  commit.message = std::move(message);
  return commit;
}

Oid add_commit(git::PackWriter& pack, const git::Commit& commit) {
  return pack.add(git::ObjectType::commit, base::bytes_of(git::encode_commit(commit)));
}

/// Everything below `folder`, files first.
void sync_all(const fs::path& folder) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) {
      sync_all(entry.path());
    } else if (entry.is_regular_file()) {
      const base::Fd fd = base::open_file(entry.path(), O_RDONLY | O_NOFOLLOW);
      base::sync_file(fd.get(), entry.path());
    }
  }
  base::sync_folder(folder);
}

void write_new(const fs::path& file, std::string_view text) {
  const base::Fd fd = base::open_file(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
  base::write_all(fd.get(), base::bytes_of(text), file);
}

/// Under a name that nobody knows yet: one sync of everything at the end.
void make_store(const fs::path& folder) {
  git::Repository repository = git::Repository::init(folder);
  // Safety versions and old tips are nobody's business but this store's.
  repository.set_config("transfer.hideRefs", "refs/pod");
  fs::create_directories(folder / "pod" / "tmp");
  write_new(folder / "pod" / "format", encode_marker(store_format()));
  write_new(folder / "pod" / "journal", "");
  write_new(folder / "pod" / "lock", "");
  fs::permissions(folder, fs::perms::owner_all);
  sync_all(folder);
}

}  // namespace

std::string who_runs() {
  std::vector<char> buffer(16 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  std::string user = std::to_string(::geteuid());
  if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
    user = found->pw_name;
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  return user + "@" + host;
}

std::string undo_ref(const std::string& url) {
  return "refs/pod/undo/" + digest::hex(digest::sha256(url)).substr(0, 16);
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

std::unique_ptr<Engine> Engine::init(const fs::path& folder, const StoreOptions& options) {
  fs::path full = fs::absolute(folder).lexically_normal();
  if (!full.has_filename()) full = full.parent_path();
  require_writable(options, full);
  const auto exists = [&] { return Error(ErrorCode::already_exists, quote(full.native()) + " is there already"); };
  std::error_code error;
  const auto status = fs::symlink_status(full, error);
  if (fs::exists(status) && (!fs::is_directory(status) || !fs::is_empty(full, error))) throw exists();
  fs::create_directories(full.parent_path(), error);
  if (error) base::throw_errno(error.value(), "create", full.parent_path());

  const std::string prefix = "." + full.filename().native().substr(0, 200) + ".podgit-";
  base::sweep_temp_folders(full.parent_path(), prefix);
  const base::TempFolder work(full.parent_path(), prefix);
  make_store(work.path() / "new");
  // rename(2) replaces an empty folder and nothing else.
  if (::rename((work.path() / "new").c_str(), full.c_str()) != 0) {
    if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR) throw exists();
    base::throw_errno(errno, "create", full);
  }
  base::sync_folder(full.parent_path());
  return open(full, options);
}

std::unique_ptr<Engine> Engine::open(const fs::path& folder, const StoreOptions& options) {
  std::error_code error;
  fs::path full = fs::canonical(folder, error);
  if (error) {
    if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory)
      throw Error(ErrorCode::not_found, "no store at " + quote(folder.native()));
    base::throw_errno(error.value(), "open", folder);
  }
  check_place(full);
  check_marker(full);
  try {
    return std::unique_ptr<Engine>(new Engine(std::make_unique<Impl>(git::Repository::open(full), options)));
  } catch (Error& failure) {
    if (failure.code() == ErrorCode::corrupt && failure.next().empty()) failure.hint("podgit fsck --repair");
    throw;
  }
}

git::Repository& Engine::repository() noexcept { return impl_->repository; }
fs::path Engine::spool_folder() const { return impl_->own("tmp"); }

fs::path Engine::stat_folder() const { return impl_->own("stat"); }

ObjectHold Engine::hold(const Context& context) {
  ObjectHold hold = *impl_->hold(false, context);
  // What was seen before it was held may be gone.
  impl_->repository.objects()->refresh();
  return hold;
}

HeldPackWriter Engine::pack_writer(const Context& context) {
  require_writable(impl_->options, impl_->repository.path());
  return HeldPackWriter(hold(context), impl_->repository.objects(), impl_->repository.objects_folder(), context);
}

std::uint64_t Engine::removals() const { return impl_->removals(); }

std::optional<Version> Engine::latest(const PodName& pod) const { return find_latest(impl_->repository, pod); }

Version Engine::commit_version(const WriterLock& lock, git::PackWriter& pack, const NewVersion& version,
                               const Context& context) {
  git::Repository& repository = impl_->repository;
  const auto moved = [&] {
    return Error(ErrorCode::conflict, "pod " + quote(version.pod.str()) + " has moved since it was read")
        .hint("run the command again");
  };
  const Oid before = version.parent ? version.parent->commit : Oid();
  if (repository.find_ref(version.pod.branch()).value_or(Oid()) != before) throw moved();
  if (!version.parent) refuse_case_twin(repository, version.pod);

  const std::int64_t number = next_number(repository, version.parent);
  std::vector<Oid> parents;
  if (version.parent) parents.push_back(before);
  git::Commit commit = make_commit(version.tree, std::move(parents), version.author, context.clock->now(),
                                   compose_message(version.message, number));
  const Oid id = add_commit(pack, commit);
  pack.finish();
  repository.objects()->refresh();

  Operation operation;
  operation.verb = version.verb;
  operation.what = version.pod.str() + ":" + std::to_string(number);
  operation.ref = version.pod.branch();
  operation.before = before;
  operation.after = id;
  operation.captured = version.captured;
  append(lock, operation, context);
  Version made = version_of(version.pod, id, std::move(commit));
  if (number % versions_a_note == 0) note_numbers(repository, made);
  impl_->keep_packs_few(context);
  return made;
}

Operation Engine::begin_inject(const WriterLock&, git::PackWriter& pack, const std::optional<Oid>& safety_tree,
                               const std::string& url, const Oid& injected_commit, const std::string& what,
                               const Author& author, std::int64_t undoes, const Context& context) {
  git::Repository& repository = impl_->repository;
  Operation operation;
  operation.time = checked(context.clock->now());
  operation.who = who_runs();
  operation.verb = undoes != 0 ? "undo" : "inject";
  operation.what = what;
  operation.after = injected_commit;
  operation.instance = url;
  operation.undoes = undoes;
  const std::int64_t id = std::max(impl_->journal.tail().id + 1, impl_->least_id());
  if (safety_tree) {
    operation.before =
        add_commit(pack, make_commit(*safety_tree, {}, author, context.clock->now(),
                                     "State of " + printable(url) + "\n\nSaved before " + printable(what) + "\n"));
    pack.finish();
    repository.objects()->refresh();
    const std::string name = undo_ref(url);
    std::optional<Oid> last;
    try {
      last = repository.find_ref(name);
      // An earlier line of the journal may name it.
      if (last) impl_->keep(id, *last);
      if (repository.update_ref(name, last.value_or(Oid()), operation.before, operation.what) == git::RefUpdate::stale)
        throw Error(ErrorCode::conflict, "the safety version of " + quote(url) + " has moved")
            .hint("run the command again");
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corrupt) throw;
      repository.restore_ref(name, operation.before);
    }
  }
  operation.id = impl_->journal.announce(operation, id);
  impl_->keep_packs_few(context);
  return operation;
}

void Engine::drop_inject(const WriterLock&, const Operation& operation) {
  impl_->journal.drop(operation.id);
  if (operation.before.is_zero()) return;
  // The safety version that was there before this one takes its place again.
  const auto previous = impl_->kept_commit(operation.id);
  impl_->repository.update_ref(undo_ref(operation.instance), operation.before, previous.value_or(Oid()),
                               "not injected");
  impl_->forget(operation.id);
}

Operation Engine::append(const WriterLock&, Operation operation, const Context& context) {
  git::Repository& repository = impl_->repository;
  const auto moved = [&] {
    return Error(ErrorCode::conflict, "ref " + quote(operation.ref) + " has moved since it was read")
        .hint("run the command again");
  };
  operation.time = checked(context.clock->now());
  operation.who = who_runs();
  const bool moves = !operation.ref.empty();
  if (moves && repository.find_ref(operation.ref).value_or(Oid()) != operation.before) throw moved();
  operation.id = impl_->journal.announce(operation, impl_->least_id());
  if (!moves || operation.before == operation.after) return operation;

  git::RefUpdate outcome = git::RefUpdate::stale;
  try {
    const bool left_behind = !operation.before.is_zero() &&
                             (operation.after.is_zero() || !repository.is_ancestor(operation.before, operation.after));
    if (left_behind) impl_->keep(operation.id, operation.before);
    outcome = repository.update_ref(operation.ref, operation.before, operation.after,
                                    operation.verb + ": " + printable(operation.what));
  } catch (Error& error) {
    try {
      impl_->settle_open_operation();
      if (repository.find_ref(operation.ref).value_or(Oid()) == operation.after)
        error.keeping("the " + operation.verb + " of " + printable(operation.what) +
                      " is done, though a power cut now might take it back");
    } catch (const Error&) {
      // The next writer settles it.
      error.keeping("every version that there was");
    }
    throw;
  }
  if (outcome == git::RefUpdate::stale) {
    impl_->journal.drop(operation.id);
    impl_->forget(operation.id);
    throw moved();
  }
  try {
    impl_->settle_head(operation.ref);
  } catch (const Error&) {
    // The operation is done; the next writer sees to HEAD.
  }
  return operation;
}

std::vector<Operation> Engine::operations(std::size_t limit) const {
  std::vector<Operation> operations = impl_->journal.read();
  std::erase_if(operations, [](const Operation& operation) { return operation.verb == "note"; });
  if (!operations.empty() && !operations.back().ref.empty() && operations.back().before != operations.back().after) {
    // Announced, and its ref has not moved: a writer is at it now, or was killed.
    const Operation& last = operations.back();
    if (impl_->repository.find_ref(last.ref).value_or(Oid()) == last.before) operations.pop_back();
  }
  std::reverse(operations.begin(), operations.end());
  if (operations.size() > limit)
    operations.erase(operations.begin() + static_cast<std::ptrdiff_t>(limit), operations.end());
  return operations;
}

bool Engine::is_own_capture(const Oid& commit) const {
  std::vector<Operation> operations;
  try {
    operations = impl_->journal.read();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt) throw;
    return false;  // a damaged journal vouches for nothing
  }
  return std::any_of(operations.begin(), operations.end(), [&](const Operation& operation) {
    return operation.captured && operation.instance.empty() && operation.after == commit;
  });
}

}  // namespace pod::store
