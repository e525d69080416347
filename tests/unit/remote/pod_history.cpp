#include "pod_history.hpp"

#include "git/pack_writer.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <sstream>

namespace pod::remote::test {
namespace {

namespace fs = std::filesystem;
using namespace pod::git;
using namespace pod::git::test;

Oid write_folder(PackWriter& writer, const Files& files) {
  std::vector<TreeEntry> entries;
  std::map<std::string, Files> folders;
  for (const auto& [path, content] : files) {
    if (const auto slash = path.find('/'); slash != std::string::npos)
      folders[path.substr(0, slash)][path.substr(slash + 1)] = content;
    else
      entries.push_back({path, 0100644, writer.add(ObjectType::blob, base::bytes_of(content))});
  }
  for (const auto& [name, inside] : folders) entries.push_back({name, 040000, write_folder(writer, inside)});
  return writer.add(ObjectType::tree, base::bytes_of(encode_tree(entries)));
}

}  // namespace

Oid commit_files(Repository& repository, const Files& files, std::vector<Oid> parents, std::int64_t date) {
  PackWriter writer(repository.objects(), repository.objects_folder(), {});
  Commit commit = commit_of(write_folder(writer, files), std::move(parents));
  commit.author.time.seconds = commit.committer.time.seconds = date;
  const Oid id = writer.add(ObjectType::commit, base::bytes_of(encode_commit(commit)));
  writer.finish();
  repository.objects()->refresh();
  return id;
}

Files pod_files(std::uint64_t seed, std::size_t chunks, std::size_t chunk_size) {
  Files files{{".pod/info.json", "{\"format\": 1}\n"},
              {".pod/metamodel/0/sqs/us-east-1.json", text(500, seed)},
              {"api_states/0/sqs/us-east-1/backend.state", text(3000, seed)},
              {"api_states/0/s3/global/backend.state", text(2000, 77)}};
  for (std::size_t i = 0; i < chunks; ++i) {
    char name[64];
    std::snprintf(name, sizeof name, "assets/db/main.sqlite.chunks/%012zx/%08zx", i / 4 * 4 * chunk_size,
                  i % 4 * chunk_size);
    files[name] = noise(chunk_size, seed * 1000 + i);
  }
  return files;
}

ObjectTable table_of(Repository& repository) { return ObjectTable::read(repository.objects_folder(), "", {}); }

std::vector<OutgoingPack> push(Repository& repository, const Oid& tip, const std::vector<Oid>& theirs,
                               const fs::path& folder, PackingOptions options) {
  fs::create_directories(folder);
  options.folder = folder;
  repository.objects()->refresh();
  const ObjectTable table = table_of(repository);
  const MissingObjects missing =
      find_missing(table, *repository.objects(), {.tips = {tip}, .remote_tips = theirs, .in_remote = {}}, {});
  return write_packs(table, *repository.objects(), missing, options, {});
}

std::set<std::string> ids_by_stock_git(const fs::path& pack) {
  const Folder folder;
  fs::create_directories(folder / "r");
  stock_git(folder / "r", {"init", "-q", "--bare", "."});
  const fs::path copy = folder / "r/objects/pack/pack-1.pack";
  fs::copy_file(pack, copy);
  stock_git(folder / "r", {"index-pack", "--fsck-objects", copy.string()});
  std::istringstream lines(
      stock_git(folder / "r", {"show-index"}, read_file(fs::path(copy).replace_extension(".idx"))));
  std::set<std::string> ids;
  for (std::string offset, id, crc; lines >> offset >> id >> crc;) ids.insert(id);
  // Our index is the one that stock git writes.
  if (const fs::path ours = fs::path(pack).replace_extension(".idx"); fs::exists(ours))
    CHECK(read_file(ours) == read_file(fs::path(copy).replace_extension(".idx")));
  return ids;
}

std::set<std::string> reachable(const fs::path& repository, const std::vector<std::string>& revisions) {
  std::vector<std::string> command{"rev-list", "--objects", "--no-object-names"};
  command.insert(command.end(), revisions.begin(), revisions.end());
  std::istringstream lines(stock_git(repository, command));
  std::set<std::string> ids;
  for (std::string id; lines >> id;) ids.insert(id);
  return ids;
}

}  // namespace pod::remote::test
