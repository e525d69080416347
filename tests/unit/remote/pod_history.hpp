// Versions with folders, made quickly, and what stock git says of packs.
#pragma once

#include "git/repository.hpp"
#include "git/stock_git.hpp"
#include "remote/outgoing.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace pod::remote::test {

using Files = std::map<std::string, std::string>;  // by path

/// One pack with a commit of `files`; its id.
Oid commit_files(git::Repository& repository, const Files& files, std::vector<Oid> parents = {},
                 std::int64_t date = 1700000000);
/// A pod's files: metadata, state files, a large file as a tree of chunks with `seed` in them.
Files pod_files(std::uint64_t seed = 1, std::size_t chunks = 8, std::size_t chunk_size = 4000);

git::ObjectTable table_of(git::Repository& repository);
/// What find_missing says of a push of `tip` onto `theirs`, as packs in `folder`.
std::vector<OutgoingPack> push(git::Repository& repository, const Oid& tip, const std::vector<Oid>& theirs,
                               const std::filesystem::path& folder, PackingOptions options = {});

/// The ids of a pack's objects, after stock git has read and checked each by itself in a repository that is empty.
std::set<std::string> ids_by_stock_git(const std::filesystem::path& pack);
/// Of all that `revisions` reach ("tip ^other"), by stock git.
std::set<std::string> reachable(const std::filesystem::path& repository, const std::vector<std::string>& revisions);

}  // namespace pod::remote::test
