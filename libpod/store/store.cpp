#include <libpod/store.hpp>

#include <libpod/error.hpp>

#include "git/history_walk.hpp"
#include "git/object_table.hpp"
#include "store/engine_impl.hpp"
#include "store/settings.hpp"
#include "store/versions.hpp"

#include <algorithm>
#include <system_error>

namespace pod {
namespace {

namespace fs = std::filesystem;

void refuse_reserved_key(std::string_view key) {
  if (store::is_reserved_setting(key))
    throw Error(ErrorCode::refused, "configuration " + quote(key) + " belongs to the store itself");
}

/// What no ref reaches may be what a killed gc left of a version. Error(corrupt).
void require_whole(const git::Repository& repository, const Version& version, const Context& context) {
  const auto table = git::ObjectTable::read(repository.objects_folder(), {}, context);
  git::HistoryWalk(table, *repository.objects(), context).add(version.commit, "the commit " + version.commit.hex());
}

}  // namespace

std::string Version::subject() const { return message.substr(0, message.find('\n')); }
std::string Version::str() const { return pod ? pod->str() + ":" + std::to_string(number) : commit.hex(); }

Store::Store(std::unique_ptr<store::Engine> engine) : engine_(std::move(engine)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Store Store::init(const fs::path& folder, const StoreOptions& options) {
  return Store(store::Engine::init(folder, options));
}
Store Store::open(const fs::path& folder, const StoreOptions& options) {
  return Store(store::Engine::open(folder, options));
}

Store Store::open_or_init(const fs::path& folder, const StoreOptions& options) {
  if (is_store(folder)) return open(folder, options);
  try {
    return init(folder, options);
  } catch (const Error& error) {
    // Another process may have been quicker.
    if (error.code() != ErrorCode::already_exists || !is_store(folder)) throw;
  }
  return open(folder, options);
}

bool Store::is_store(const fs::path& folder) {
  std::error_code error;
  return fs::exists(fs::symlink_status(folder / "pod" / "format", error));
}

const fs::path& Store::path() const noexcept { return engine_->repository().path(); }

std::vector<PodSummary> Store::pods() const {
  std::vector<PodSummary> pods;
  for (PodName& name : store::pod_names(engine_->repository())) {
    auto latest = store::find_latest(engine_->repository(), name);
    if (latest) pods.push_back({std::move(name), *std::move(latest)});
  }
  return pods;
}

std::vector<PodName> Store::names() const { return store::pod_names(engine_->repository()); }

std::optional<Version> Store::find(const PodRef& ref) const { return store::find_version(engine_->repository(), ref); }

Version Store::resolve(const PodRef& ref) const {
  if (auto version = find(ref)) return *std::move(version);
  store::throw_missing(engine_->repository(), ref);
}

void Store::log(const PodRef& from, const std::function<bool(const Version&)>& visit) const {
  store::walk(engine_->repository(), resolve(from), visit);
}

Snapshot Store::snapshot(const Version& version) const {
  return Snapshot(std::make_shared<const snapshot::TreeView>(engine_->repository().objects(), version.tree));
}

std::vector<Operation> Store::operations(std::size_t limit) const { return engine_->operations(limit); }

std::optional<std::string> Store::config(std::string_view key) const { return engine_->repository().config(key); }
std::vector<std::pair<std::string, std::string>> Store::config_entries() const {
  return engine_->repository().config_entries();
}

Version Store::copy(const PodRef& from, const PodName& to, bool force, const Context& context) {
  const store::WriterLock lock = engine_->lock(context);
  const Version source = resolve(from);
  const auto there = engine_->repository().find_ref(to.branch());
  if (!there) store::refuse_case_twin(engine_->repository(), to);
  if (there && *there != source.commit) {
    if (!force)
      throw Error(ErrorCode::already_exists, "there is a pod " + quote(to.str()))
          .hint("choose another name, or replace it with --force");
  }
  if (!there || *there != source.commit) {
    if (from.kind() == PodRef::Kind::revision) require_whole(engine_->repository(), source, context);
    Operation operation;
    operation.verb = "copy";
    operation.what = source.str() + " → " + to.str();
    operation.ref = to.branch();
    operation.before = there.value_or(Oid());
    operation.after = source.commit;
    engine_->append(lock, std::move(operation), context);
  }
  return store::load_version(engine_->repository(), to, source.commit);
}

void Store::remove(const PodName& pod, const Context& context) {
  const store::WriterLock lock = engine_->lock(context);
  const auto there = engine_->repository().find_ref(pod.branch());
  if (!there) store::throw_missing(engine_->repository(), PodRef::latest(pod));
  Operation operation;
  operation.verb = "delete";
  operation.what = pod.str();
  operation.ref = pod.branch();
  operation.before = *there;
  engine_->append(lock, std::move(operation), context);
}

void Store::set_config(std::string_view key, std::optional<std::string_view> value) {
  refuse_reserved_key(key);
  const store::WriterLock lock = engine_->lock({});
  engine_->repository().set_config(key, value);
}

}  // namespace pod
