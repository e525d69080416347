// The bytes of a tree: for each entry its mode in octal, a blank, the name, NUL, the 20 bytes of the id; in the order
// of the names, where a folder's name counts as if it ended in "/".
#include "git/repository.hpp"

#include <libpod/error.hpp>

#include <algorithm>

namespace pod::git {
namespace {

constexpr unsigned modes_written[] = {0100644, 0100755, 040000};
// Group-writable files are what git wrote long ago; links and commits are read so that fsck can name them.
constexpr unsigned modes_read[] = {0100644, 0100755, 040000, 0100664, 0120000, 0160000};

bool is_one_of(unsigned mode, std::span<const unsigned> modes) {
  return std::find(modes.begin(), modes.end(), mode) != modes.end();
}

/// Less, equal or greater than zero, as git orders entries of one tree.
int compare(std::string_view a, bool a_is_tree, std::string_view b, bool b_is_tree) {
  const std::size_t both = std::min(a.size(), b.size());
  if (const int order = a.substr(0, both).compare(b.substr(0, both)); order != 0) return order;
  const auto next = [&](std::string_view name, bool is_tree) -> int {
    return name.size() > both ? static_cast<unsigned char>(name[both]) : is_tree ? '/' : 0;
  };
  return next(a, a_is_tree) - next(b, b_is_tree);
}

/// What no tree may hold. `.git` in its disguises is refused where names of files become names of entries.
bool is_bad_name(std::string_view name) {
  return name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos ||
         name.find('\0') != std::string_view::npos;
}

bool in_order(const TreeEntry& a, const TreeEntry& b) { return compare(a.name, a.is_tree(), b.name, b.is_tree()) < 0; }

/// In sorted entries. Those that differ only in being a folder need not be neighbours: "a", "a.b", "a/".
bool has_twins(const std::vector<TreeEntry>& entries) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i > 0 && entries[i].name == entries[i - 1].name) return true;
    if (!entries[i].is_tree()) continue;
    const auto twin = std::lower_bound(entries.begin(), entries.end(), entries[i].name,
                                       [](const TreeEntry& entry, const std::string& name) {
                                         return compare(entry.name, entry.is_tree(), name, false) < 0;
                                       });
    if (twin != entries.end() && twin->name == entries[i].name && !twin->is_tree()) return true;
  }
  return false;
}

}  // namespace

std::string encode_tree(std::vector<TreeEntry> entries) {
  std::sort(entries.begin(), entries.end(), in_order);
  std::size_t size = 0;
  for (const TreeEntry& entry : entries) {
    if (is_bad_name(entry.name)) throw Error(ErrorCode::internal, "a tree cannot hold the name " + quote(entry.name));
    if (!is_one_of(entry.mode, modes_written))
      throw Error(ErrorCode::internal, "the tree entry " + quote(entry.name) + " has a mode that is not written");
    if (entry.id.is_zero()) throw Error(ErrorCode::internal, "the tree entry " + quote(entry.name) + " has no object");
    size += entry.name.size() + 8 + Oid::size;
  }
  if (has_twins(entries)) throw Error(ErrorCode::internal, "a tree cannot hold a name twice");
  std::string out;
  out.reserve(size);
  for (const TreeEntry& entry : entries) {
    out += entry.mode == 040000 ? "40000 " : entry.mode == 0100755 ? "100755 " : "100644 ";
    out += entry.name;
    out += '\0';
    out.append(reinterpret_cast<const char*>(entry.id.bytes().data()), Oid::size);
  }
  return out;
}

std::vector<TreeEntry> parse_tree(const Oid& id, std::string_view bytes) {
  const auto damaged = [&](std::string_view why) {
    return Error(ErrorCode::corrupt, "the tree " + id.hex() + " is damaged").because(std::string(why));
  };
  std::vector<TreeEntry> entries;
  while (!bytes.empty()) {
    TreeEntry entry;
    entry.mode = 0;
    std::size_t at = 0;
    while (at < bytes.size() && bytes[at] >= '0' && bytes[at] <= '7' && at < 6)
      entry.mode = entry.mode << 3 | static_cast<unsigned>(bytes[at++] - '0');
    if (at == 0 || at >= bytes.size() || bytes[at] != ' ' || bytes.front() == '0' || !is_one_of(entry.mode, modes_read))
      throw damaged("an entry has a bad mode");
    bytes.remove_prefix(at + 1);
    const std::size_t end = bytes.find('\0');
    if (end == std::string_view::npos || bytes.size() - end - 1 < Oid::size) throw damaged("it is cut short");
    entry.name = bytes.substr(0, end);
    if (is_bad_name(entry.name)) throw damaged("an entry has a bad name");
    std::array<std::uint8_t, Oid::size> raw{};
    std::copy_n(bytes.data() + end + 1, Oid::size, reinterpret_cast<char*>(raw.data()));
    entry.id = Oid(raw);
    bytes.remove_prefix(end + 1 + Oid::size);
    if (!entries.empty()) {
      const TreeEntry& before = entries.back();
      const int order = compare(before.name, before.is_tree(), entry.name, entry.is_tree());
      if (order >= 0) throw damaged(order == 0 ? "a name stands in it twice" : "its entries are out of order");
    }
    entries.push_back(std::move(entry));
  }
  if (has_twins(entries)) throw damaged("a name stands in it twice");
  return entries;
}

}  // namespace pod::git
