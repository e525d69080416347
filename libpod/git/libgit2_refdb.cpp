#include "git/libgit2_refdb.hpp"

#include <git2/sys/refdb_backend.h>
#include <git2/sys/refs.h>

#include <fnmatch.h>
#include <deque>

namespace pod::git {
namespace {

struct Backend {
  git_refdb_backend base{};  // first: libgit2 hands its address back to us
  const RefFiles* refs = nullptr;
};

struct Iterator {
  git_reference_iterator base{};
  const RefFiles* refs = nullptr;
  std::deque<std::string> names;
  std::string current;
};

const RefFiles& refs_of(git_refdb_backend* backend) { return *reinterpret_cast<Backend*>(backend)->refs; }

/// What is no ref name to us does not exist: git's revision syntax tries many.
std::optional<RefFiles::Value> value_of(const RefFiles& refs, const std::string& name) {
  try {
    check_ref_name(name);
  } catch (const Error&) {
    return std::nullopt;
  }
  return refs.read(name);
}

int make_reference(git_reference** out, const std::string& name, const RefFiles::Value& value) {
  if (const Oid* id = std::get_if<Oid>(&value)) {
    const git_oid raw = to_git(*id);
    *out = git_reference__alloc(name.c_str(), &raw, nullptr);
  } else {
    *out = git_reference__alloc_symbolic(name.c_str(), std::get<std::string>(value).c_str());
  }
  return *out != nullptr ? 0 : GIT_ERROR;
}

int exists(int* out, git_refdb_backend* backend, const char* name) {
  try {
    *out = value_of(refs_of(backend), name) ? 1 : 0;
    return 0;
  } catch (...) {
    return hand_to_libgit2();
  }
}

int lookup(git_reference** out, git_refdb_backend* backend, const char* name) {
  try {
    *out = nullptr;
    const std::optional<RefFiles::Value> value = value_of(refs_of(backend), name);
    if (value) return make_reference(out, name, *value);
    git_error_set_str(GIT_ERROR_REFERENCE, "there is no such ref");
    return GIT_ENOTFOUND;
  } catch (...) {
    return hand_to_libgit2();
  }
}

/// The name of the next ref that can be read; broken ones are left out.
int next(git_reference** out, git_reference_iterator* base) {
  auto& iterator = *reinterpret_cast<Iterator*>(base);
  while (!iterator.names.empty()) {
    try {
      iterator.current = std::move(iterator.names.front());
      iterator.names.pop_front();
      const std::optional<RefFiles::Value> value = value_of(*iterator.refs, iterator.current);
      if (!value) continue;
      return out != nullptr ? make_reference(out, iterator.current, *value) : 0;
    } catch (const Error&) {
      continue;
    } catch (...) {
      return hand_to_libgit2();
    }
  }
  return GIT_ITEROVER;
}

int next_name(const char** out, git_reference_iterator* base) {
  const int result = next(nullptr, base);
  if (result == 0) *out = reinterpret_cast<Iterator*>(base)->current.c_str();
  return result;
}

void free_iterator(git_reference_iterator* base) { delete reinterpret_cast<Iterator*>(base); }

int iterate(git_reference_iterator** out, git_refdb_backend* backend, const char* glob) {
  try {
    auto iterator = std::make_unique<Iterator>();
    iterator->refs = &refs_of(backend);
    iterator->base.next = next;
    iterator->base.next_name = next_name;
    iterator->base.free = free_iterator;
    for (std::string& name : refs_of(backend).names("refs/"))
      if (glob == nullptr || ::fnmatch(glob, name.c_str(), 0) == 0) iterator->names.push_back(std::move(name));
    *out = &iterator.release()->base;
    return 0;
  } catch (...) {
    return hand_to_libgit2();
  }
}

int refuse() {
  git_error_set_str(GIT_ERROR_REFERENCE, "refs are not changed through libgit2");
  return GIT_ERROR;
}

}  // namespace

RefdbHandle make_libgit2_refdb(git_repository* repository, const RefFiles& refs) {
  git_refdb* raw = nullptr;
  if (const int result = git_refdb_new(&raw, repository); result < 0)
    throw libgit2_error(result, ErrorCode::internal, "cannot read refs");
  RefdbHandle refdb(raw);
  auto backend = std::make_unique<Backend>();
  git_refdb_init_backend(&backend->base, GIT_REFDB_BACKEND_VERSION);
  backend->refs = &refs;
  backend->base.exists = exists;
  backend->base.lookup = lookup;
  backend->base.iterator = iterate;
  backend->base.write = [](git_refdb_backend*, const git_reference*, int, const git_signature*, const char*,
                           const git_oid*, const char*) { return refuse(); };
  backend->base.rename = [](git_reference**, git_refdb_backend*, const char*, const char*, int, const git_signature*,
                            const char*) { return refuse(); };
  backend->base.del = [](git_refdb_backend*, const char*, const git_oid*, const char*) { return refuse(); };
  backend->base.has_log = [](git_refdb_backend*, const char*) { return 0; };
  backend->base.ensure_log = [](git_refdb_backend*, const char*) { return refuse(); };
  backend->base.free = [](git_refdb_backend* base) { delete reinterpret_cast<Backend*>(base); };
  backend->base.reflog_read = [](git_reflog**, git_refdb_backend*, const char*) -> int {
    git_error_set_str(GIT_ERROR_REFERENCE, "there is no reflog");
    return GIT_ENOTFOUND;
  };
  backend->base.reflog_write = [](git_refdb_backend*, git_reflog*) { return refuse(); };
  backend->base.reflog_rename = [](git_refdb_backend*, const char*, const char*) { return refuse(); };
  backend->base.reflog_delete = [](git_refdb_backend*, const char*) { return refuse(); };
  if (const int result = git_refdb_set_backend(refdb.get(), &backend->base); result < 0)
    throw libgit2_error(result, ErrorCode::internal, "cannot read refs");
  backend.release();  // the refdb frees it from here on
  return refdb;
}

}  // namespace pod::git
