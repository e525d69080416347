// The object database as libgit2 sees it: a backend that only reads.
#include "git/libgit2.hpp"
#include "git/object_database.hpp"

#include <git2/sys/odb_backend.h>

#include <cstring>

namespace pod::git {
namespace {

constexpr std::uint64_t libgit2_object_limit = 64ull << 20;

struct Backend {
  git_odb_backend base{};  // first: libgit2 hands its address back to us
  std::shared_ptr<ObjectDatabase> database;
};

ObjectDatabase& database_of(git_odb_backend* backend) { return *reinterpret_cast<Backend*>(backend)->database; }

git_object_t type_of(ObjectType type) { return static_cast<git_object_t>(type); }

int not_found(const git_oid* id) {
  git_error_set_str(GIT_ERROR_ODB, ("there is no object " + from_git(*id).hex()).c_str());
  return GIT_ENOTFOUND;
}

int give(Object&& object, git_odb_backend* backend, void** data, size_t* size, git_object_t* type) {
  void* copy = git_odb_backend_data_alloc(backend, object.content.size() + 1);
  if (copy == nullptr) return GIT_ERROR;
  std::memcpy(copy, object.content.c_str(), object.content.size() + 1);
  *data = copy;
  *size = object.content.size();
  *type = type_of(object.type);
  return 0;
}

int read_object(void** data, size_t* size, git_object_t* type, git_odb_backend* backend, const git_oid* id) {
  try {
    return give(database_of(backend).read_any(from_git(*id), libgit2_object_limit), backend, data, size, type);
  } catch (...) {
    return hand_to_libgit2();
  }
}

int read_head(size_t* size, git_object_t* type, git_odb_backend* backend, const git_oid* id) {
  try {
    const std::optional<ObjectHeader> header = database_of(backend).header(from_git(*id));
    if (!header) return not_found(id);
    *size = static_cast<size_t>(header->size);
    *type = type_of(header->type);
    return 0;
  } catch (...) {
    return hand_to_libgit2();
  }
}

int exists(git_odb_backend* backend, const git_oid* id) {
  try {
    return database_of(backend).contains(from_git(*id)) ? 1 : 0;
  } catch (...) {
    static_cast<void>(hand_to_libgit2());
    return 0;
  }
}

int exists_prefix(git_oid* out, git_odb_backend* backend, const git_oid* id, size_t digits) {
  try {
    const std::vector<Oid> found = database_of(backend).with_prefix(from_git(*id), digits, 2);
    if (found.empty()) return not_found(id);
    if (found.size() > 1) {
      git_error_set_str(GIT_ERROR_ODB, "several objects begin with these digits");
      return GIT_EAMBIGUOUS;
    }
    *out = to_git(found.front());
    return 0;
  } catch (...) {
    return hand_to_libgit2();
  }
}

int read_prefix(git_oid* out, void** data, size_t* size, git_object_t* type, git_odb_backend* backend,
                const git_oid* id, size_t digits) {
  const int result = exists_prefix(out, backend, id, digits);
  return result == 0 ? read_object(data, size, type, backend, out) : result;
}

int write_object(git_odb_backend*, const git_oid*, const void*, size_t, git_object_t) {
  git_error_set_str(GIT_ERROR_ODB, "this object database is only read");
  return GIT_ERROR;
}

int refresh(git_odb_backend* backend) {
  try {
    database_of(backend).refresh();
    return 0;
  } catch (...) {
    return hand_to_libgit2();
  }
}

int for_each(git_odb_backend* backend, git_odb_foreach_cb visit, void* payload) {
  struct Stop {
    int result;
  };
  try {
    database_of(backend).for_each([&](const Oid& id) {
      const git_oid raw = to_git(id);
      if (const int result = visit(&raw, payload); result != 0) throw Stop{result};
    });
    return 0;
  } catch (const Stop& stop) {
    return stop.result;
  } catch (...) {
    return hand_to_libgit2();
  }
}

void free_backend(git_odb_backend* backend) { delete reinterpret_cast<Backend*>(backend); }

}  // namespace

git_odb* make_libgit2_odb(std::shared_ptr<ObjectDatabase> database) {
  start_libgit2();
  auto backend = std::make_unique<Backend>();
  git_odb_init_backend(&backend->base, GIT_ODB_BACKEND_VERSION);
  backend->database = std::move(database);
  backend->base.read = read_object;
  backend->base.read_prefix = read_prefix;
  backend->base.read_header = read_head;
  backend->base.write = write_object;
  backend->base.exists = exists;
  backend->base.exists_prefix = exists_prefix;
  backend->base.refresh = refresh;
  backend->base.foreach = for_each;
  backend->base.free = free_backend;

  git_odb* raw = nullptr;
  if (const int result = git_odb_new(&raw); result < 0)
    throw libgit2_error(result, ErrorCode::internal, "cannot make an object database");
  OdbHandle odb(raw);
  if (const int result = git_odb_add_backend(odb.get(), &backend->base, 1); result < 0)
    throw libgit2_error(result, ErrorCode::internal, "cannot make an object database");
  backend.release();  // the odb frees it from here on
  return odb.release();
}

}  // namespace pod::git
