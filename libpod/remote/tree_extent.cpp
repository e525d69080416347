#include "remote/tree_extent.hpp"

#include <libpod/error.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace pod::remote {
namespace {

using git::ObjectType;
using git::TreeEntry;

constexpr std::uint64_t tree_limit = 256ull << 20;
constexpr std::string_view chunks_suffix = ".chunks";

std::vector<TreeEntry> entries_of(git::ObjectDatabase& objects, const Oid& tree) {
  return git::parse_tree(tree, objects.read(tree, ObjectType::tree, tree_limit));
}

}  // namespace

bool TreeExtent::check_type(const Oid& id, ObjectType type) {
  std::optional<ObjectType> found = new_type_(id);
  const bool is_new = found.has_value();
  // What is neither new nor here is content of a version that need not be whole.
  if (!is_new && objects_.knows(id))
    if (const auto header = objects_.header(id)) found = header->type;
  if (found && *found != type)
    throw Error(ErrorCode::corrupt, "the object " + id.hex() + " is a " + std::string(git::type_name(*found)) +
                                        ", and is named as a " + std::string(git::type_name(type)));
  return is_new;
}

void TreeExtent::measure(const Oid& root) {
  struct Frame {
    Oid tree;
    std::vector<Oid> folders;
    std::size_t next = 0;
    Extent extent;
  };
  const auto refuse = [&](std::string_view why) {
    throw Error(ErrorCode::refused, "the tree " + root.hex() + " may not be taken").because(std::string(why));
  };
  std::vector<Frame> path;
  const auto enter = [&](const Oid& tree) {
    if (path.size() >= deepest_) refuse("its folders lie too deep in one another");
    Frame frame{tree, {}, 0, {}};
    // Content of a version that need not be whole may be missing.
    if (objects_.knows(tree))
      for (const TreeEntry& entry : entries_of(objects_, tree)) {
        ++frame.extent.entries;
        const bool is_new = check_type(entry.id, entry.is_tree() ? ObjectType::tree : ObjectType::blob);
        if (entry.is_tree() && is_new) frame.folders.push_back(entry.id);
      }
    path.push_back(std::move(frame));
  };
  if (!check_type(root, ObjectType::tree) || known_.contains(root)) return;
  enter(root);
  while (!path.empty()) {
    context_.cancel->check();
    Frame& frame = path.back();
    if (frame.next < frame.folders.size()) {
      const Oid folder = frame.folders[frame.next];
      const auto known = known_.find(folder);
      if (known == known_.end()) {
        enter(folder);
        continue;
      }
      ++frame.next;
      frame.extent.entries += known->second.entries;
      frame.extent.depth = std::max(frame.extent.depth, known->second.depth);
      if (frame.extent.entries > most_entries_) refuse("it unfolds to too many files");
      if (path.size() + frame.extent.depth > deepest_) refuse("its folders lie too deep in one another");
      continue;
    }
    known_[frame.tree] = {frame.extent.entries, frame.extent.depth + 1};
    path.pop_back();
  }
}

void compare_trees(git::ObjectDatabase& objects, const std::optional<Oid>& before, const Oid& after,
                   std::uint64_t& budget, const Context& context,
                   const std::function<void(std::string_view path, const TreeEntry&)>& visit) {
  struct Pair {
    std::string path;
    std::optional<Oid> before;
    Oid after;
  };
  std::vector<Pair> open{{"", before, after}};
  while (!open.empty()) {
    context.cancel->check();
    const Pair here = std::move(open.back());
    open.pop_back();
    if (here.before == here.after) continue;
    const std::vector<TreeEntry> entries = entries_of(objects, here.after);
    if (entries.size() + 1 > budget) throw Error(ErrorCode::refused, "the versions hold too many files to look at");
    budget -= entries.size() + 1;
    std::vector<TreeEntry> others;
    if (here.before && objects.contains(*here.before)) others = entries_of(objects, *here.before);
    std::sort(others.begin(), others.end(), [](const TreeEntry& a, const TreeEntry& b) { return a.name < b.name; });
    // From the last to the first, since the stack turns the folders round.
    std::vector<const TreeEntry*> files;
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      const auto other = std::lower_bound(others.begin(), others.end(), entry->name,
                                          [](const TreeEntry& a, const std::string& name) { return a.name < name; });
      const bool there = other != others.end() && other->name == entry->name && other->mode == entry->mode;
      if (there && other->id == entry->id) continue;
      if (entry->is_tree() && !entry->name.ends_with(chunks_suffix))
        open.push_back({here.path + entry->name + '/', there ? std::optional(other->id) : std::nullopt, entry->id});
      else
        files.push_back(&*entry);
    }
    for (auto file = files.rbegin(); file != files.rend(); ++file) visit(here.path + (*file)->name, **file);
  }
}

}  // namespace pod::remote
