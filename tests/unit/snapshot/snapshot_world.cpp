#include "snapshot/snapshot_world.hpp"

#include "snapshot/folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace pod::snapshot::test {

namespace fs = std::filesystem;

bool Warnings::mention(std::string_view text) const {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

World::World() : repository([this] { return git::Repository::init(folder_ / "repository"); }()) {
  context.progress = &warnings;
}

Oid World::build(const std::function<void(TreeBuilder&)>& fill, const SnapshotInfo& info) {
  git::PackWriter pack(repository.objects(), repository.objects_folder(), context);
  TreeBuilder builder(pack);
  fill(builder);
  const Oid tree = builder.finish(info);
  const Oid state = builder.state();
  pack.finish();
  repository.objects()->refresh();
  CHECK(state_id(*repository.objects(), tree) == state);
  return tree;
}

Oid World::captured(const fs::path& folder) {
  return build([&](TreeBuilder& builder) { capture_folder(folder, builder, context); });
}

Oid World::raw_tree(const std::vector<git::TreeEntry>& entries) {
  std::string bytes;
  for (const git::TreeEntry& entry : entries) {
    char mode[16];
    std::snprintf(mode, sizeof mode, "%o", entry.mode);
    bytes += std::string(mode) + ' ' + entry.name + '\0';
    for (const std::uint8_t byte : entry.id.bytes()) bytes += static_cast<char>(byte);
  }
  git::PackWriter pack(repository.objects(), repository.objects_folder(), context);
  const Oid id = pack.add(git::ObjectType::tree, base::bytes_of(bytes));
  pack.finish();
  repository.objects()->refresh();
  return id;
}

Oid World::blob(std::string_view text) {
  git::PackWriter pack(repository.objects(), repository.objects_folder(), context);
  const Oid id = pack.add(git::ObjectType::blob, base::bytes_of(text));
  pack.finish();
  repository.objects()->refresh();
  return id;
}

void World::check_with_git(const Oid& tree) {
  git::PackWriter pack(repository.objects(), repository.objects_folder(), context);
  const std::string commit = git::encode_commit(git::test::commit_of(tree));
  const Oid id = pack.add(git::ObjectType::commit, base::bytes_of(commit));
  pack.finish();
  repository.objects()->refresh();
  repository.restore_ref("refs/heads/check", id);
  git::test::check_fsck(repository.path());
}

std::string World::content(const TreeView& view, std::string_view path) {
  const auto file = view.find(StatePath::parse(path));
  REQUIRE(file);
  const auto source = view.open(*file);
  return base::read_all(*source, 1 << 30);
}

void add(TreeBuilder& builder, std::string_view path, std::string_view content, unsigned mode) {
  base::MemorySource source(content);
  builder.add_file(StatePath::parse(path), content.size(), source, mode);
}

std::vector<std::string> paths(const TreeView& view) {
  std::vector<std::string> out;
  for (const FileEntry& file : view.files()) out.push_back(file.path.str());
  return out;
}

std::map<std::string, std::string> files_in(const fs::path& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && !entry.is_symlink())
      out[entry.path().lexically_relative(folder).native()] = read_file(entry.path());
  return out;
}

}  // namespace pod::snapshot::test
