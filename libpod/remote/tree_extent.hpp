// How much a tree unfolds to, and what differs between two: both with an end, whatever the trees are.
#pragma once

#include "git/object_database.hpp"
#include "git/repository.hpp"

#include <libpod/context.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace pod::remote {

/// A tree may name the same tree many times, and that one the next: a few kilobytes are ten thousand million files.
class TreeExtent {
 public:
  /// The type of a new object; nullopt for one that is not new.
  using NewType = std::function<std::optional<git::ObjectType>(const Oid&)>;

  /// Trees that are not new count as one entry: they were measured when they came.
  TreeExtent(git::ObjectDatabase& objects, NewType new_type, std::uint64_t most_entries, std::size_t deepest,
             const Context& context)
      : objects_(objects),
        new_type_(std::move(new_type)),
        most_entries_(most_entries),
        deepest_(deepest),
        context_(context) {}

  /// Error(refused) for more entries or folders in one another than are allowed; Error(corrupt) where an object is of
  /// another type than an entry of a new tree says. Cost: each new tree is read once.
  void measure(const Oid& tree);

 private:
  /// Whether the object is new.
  bool check_type(const Oid& id, git::ObjectType type);

  struct Extent {
    std::uint64_t entries = 0;
    std::size_t depth = 0;
  };
  git::ObjectDatabase& objects_;
  NewType new_type_;
  std::uint64_t most_entries_;
  std::size_t deepest_;
  Context context_;
  std::unordered_map<Oid, Extent> known_;
};

/// Files, and large files as their tree of chunks, that `after` has and `before` does not have the same way under the
/// same path. Takes what it looks at off `budget`; Error(refused) where that does not last.
void compare_trees(git::ObjectDatabase& objects, const std::optional<Oid>& before, const Oid& after,
                   std::uint64_t& budget, const Context& context,
                   const std::function<void(std::string_view path, const git::TreeEntry&)>& visit);

}  // namespace pod::remote
