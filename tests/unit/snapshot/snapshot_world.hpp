// A repository to build snapshots in, and what a test reads from them.
#pragma once

#include "git/stock_git.hpp"

#include "snapshot/tree_builder.hpp"
#include "snapshot/tree_view.hpp"

#include <libpod/context.hpp>

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace pod::snapshot::test {

using git::test::error_of;
using git::test::Folder;
using git::test::read_file;
using git::test::write_file;

/// Remembers what the user would be told.
class Warnings final : public Progress {
 public:
  void begin(std::string_view, std::optional<std::uint64_t>) override {}
  void advance(std::uint64_t) override {}
  void end() override {}
  void warn(std::string_view message) override { lines.emplace_back(message); }
  bool mention(std::string_view text) const;
  std::vector<std::string> lines;
};

class World {
  Folder folder_;  // before what lies in it

 public:
  World();
  git::Repository repository;
  Warnings warnings;
  Context context;

  /// Builds a tree and makes it durable.
  Oid build(const std::function<void(TreeBuilder&)>& fill, const SnapshotInfo& info = {});
  TreeView view(const Oid& tree) { return TreeView(repository.objects(), tree); }
  Oid captured(const std::filesystem::path& folder);
  /// A tree of given entries, whatever they are; `names` as git stores them.
  Oid raw_tree(const std::vector<git::TreeEntry>& entries);
  Oid blob(std::string_view text);
  /// Stock git is content with the tree below a commit.
  void check_with_git(const Oid& tree);
  std::string content(const TreeView& view, std::string_view path);
};

void add(TreeBuilder& builder, std::string_view path, std::string_view content, unsigned mode = 0644);
std::vector<std::string> paths(const TreeView& view);
/// path → bytes of every regular file below.
std::map<std::string, std::string> files_in(const std::filesystem::path& folder);

}  // namespace pod::snapshot::test
