// Objects of a git repository, read by code that checks what it maps.
//
// Packs with their index v2 and loose objects. The shape of an index (size, fan-out) is checked when it is mapped, its
// SHA-1 and that it belongs to its pack at the first object that is found in it, every offset when it is used; a pack
// whose index is missing or damaged is named by `problems()` and not read. Contents are verified against their id.
// Alternates are not followed.
#pragma once

#include "base/stream.hpp"

#include <libpod/names.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct git_odb;

namespace pod::git {

enum class ObjectType : std::uint8_t { commit = 1, tree = 2, blob = 3, tag = 4 };
std::string_view type_name(ObjectType type) noexcept;

struct ObjectHeader {
  ObjectType type = ObjectType::blob;
  std::uint64_t size = 0;
};

struct Object {
  ObjectType type = ObjectType::blob;
  std::string content;
};

/// Safe: readers may run at once.
class ObjectDatabase {
 public:
  /// `objects`: the repository's objects folder. `without`: packs, by the path of their `.pack`, that it does as if
  /// they were not there, and loose objects by theirs.
  static std::shared_ptr<ObjectDatabase> open(const std::filesystem::path& objects,
                                              std::vector<std::filesystem::path> without = {});
  virtual ~ObjectDatabase() = default;

  virtual bool contains(const Oid& id) = 0;
  /// Without looking for packs that came since the last refresh(): for many questions in a row. May say no wrongly.
  virtual bool knows(const Oid& id) = 0;
  virtual std::optional<ObjectHeader> header(const Oid& id) = 0;
  /// Where it lies: objects whose numbers follow one another are read fastest one after the other. Good until packs
  /// change; nullopt for what lies in no pack. Cost: a look into the indexes.
  virtual std::optional<std::uint64_t> place(const Oid& id) = 0;
  /// Whole, id verified. Error(not_found), Error(corrupt), Error(refused) past `limit` (before it is inflated).
  virtual std::string read(const Oid& id, ObjectType expected, std::uint64_t limit = 64ull << 20) = 0;
  /// The same for an object whose type is not known.
  virtual Object read_any(const Oid& id, std::uint64_t limit = 64ull << 20) = 0;
  /// In pieces, for blobs of any size; throws Error(corrupt) at the end where the content does not match its id.
  /// A delta is resolved within a budget of 256 MiB.
  virtual std::unique_ptr<base::ByteSource> stream(const Oid& id) = 0;
  /// Looks for packs that came since. Done by itself once when an object is not found.
  virtual void refresh() = 0;
  /// Every object's id, in no order.
  virtual void for_each(const std::function<void(const Oid&)>& visit) = 0;
  /// Up to `limit` ids that begin with the first `digits` hex digits of `prefix`.
  virtual std::vector<Oid> with_prefix(const Oid& prefix, std::size_t digits, std::size_t limit = 2) = 0;
  /// Whether the commit's parents are not here, as git's file `shallow` says: the history is cut off behind it.
  virtual bool is_cut(const Oid& commit);
  /// What is wrong with packs and indexes, one line each, name first.
  virtual std::vector<std::string> problems() = 0;
};

/// A libgit2 object database (owned by the caller, git_odb_free) that reads through `database` and refuses writes.
git_odb* make_libgit2_odb(std::shared_ptr<ObjectDatabase> database);

}  // namespace pod::git
